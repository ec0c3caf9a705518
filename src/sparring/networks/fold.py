"""Batch normalisation folded away: outside play its statistics stand still, and what remains is a scale and a shift of the layer before.

    norm(W x + b) = s (W x + b - mean) + beta  with  s = gamma / sqrt(variance + eps)
                  = (s W) x + (s (b - mean) + beta)

The folded network gives the same values and passes the picture once less for each norm.

References:
    Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift (Ioffe and Szegedy, 2015), Algorithm 2
"""

from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from .layers import ToMap

Network = TypeVar("Network", bound=nn.Module)
Norm = nn.BatchNorm1d | nn.BatchNorm2d
OUTPUTS: dict[type[nn.Module], int] = {nn.ConvTranspose2d: 1}
"""Where a layer's weight has its outputs, where that is not its first dimension."""


def fold(network: Network) -> Network:
    """Fold, in place, every batch norm that follows a linear or convolutional layer in an `nn.Sequential`; gives the network.

    It is meant for a copy that only serves: in training, the statistics that are folded in would have moved. Layers with
    parametrisations (spectral normalisation) and norms without running statistics are left as they are.

    >>> net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU()).eval()
    >>> x = torch.randn(5, 3)
    >>> before = net(x)
    >>> torch.allclose(fold(net)(x), before, atol=1e-6), net[1]
    (True, Identity())
    """
    with torch.no_grad():
        for stack in network.modules():
            if isinstance(stack, nn.Sequential):
                for (_, layer), (name, norm) in pairwise(list(stack.named_children())):
                    if isinstance(norm, Norm) and foldable(layer, norm):
                        absorb(layer, norm)
                        setattr(stack, name, nn.Identity())
    return network


def foldable(layer: nn.Module, norm: nn.Module) -> bool:
    """Whether what `layer` gives is linear in its weight, and `norm` is constant outside training."""
    linear = isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)
    grouped = isinstance(layer, nn.ConvTranspose2d) and layer.groups > 1  # their outputs stand in two dimensions
    return linear and not grouped and not is_parametrized(layer) and norm.running_mean is not None


def absorb(layer: nn.Module, norm: nn.Module) -> None:
    """Make `layer` give what `norm` of it gave."""
    weight, mean, variance = layer.get_parameter("weight"), norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    scale = (variance + norm.eps).rsqrt()  # type: ignore[operator]
    shift = torch.zeros_like(mean)
    if norm.affine:
        scale, shift = scale * norm.get_parameter("weight"), norm.get_parameter("bias").clone()
    shift -= scale * mean
    if isinstance(layer, ToMap):  # a row of its matrix for each place of the map, channels last
        places = layer.map[0] * layer.map[1]
        scale, shift = scale.repeat(places), shift.repeat(places)
    if layer.bias is not None:
        shift += scale * layer.get_parameter("bias")
    axis = OUTPUTS.get(type(layer), 0)
    layer.weight = nn.Parameter(weight * along(scale, axis, weight.ndim), requires_grad=False)
    layer.bias = nn.Parameter(shift, requires_grad=False)


def along(values: Tensor, axis: int, dimensions: int) -> Tensor:
    """(n,) -> (1, ..., n, ..., 1), to be broadcast along `axis`."""
    return values.reshape([-1 if i == axis else 1 for i in range(dimensions)])
