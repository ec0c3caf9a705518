"""Multilayer perceptrons."""

import math
from collections.abc import Sequence

from torch import Tensor, nn


class Reshape(nn.Module):
    """(n, prod(shape)) -> (n, *shape)."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), *self.shape)


def mlp(inputs: int, hidden: Sequence[int], outputs: int = 0, slope: float = 0.0, norm: bool = False) -> nn.Sequential:
    """Linear layers with (leaky) ReLU between them; ends in a linear layer of `outputs`, or in a ReLU where `outputs` is 0.

    >>> import torch
    >>> mlp(2, [8, 8], 3)(torch.zeros(5, 2)).shape
    torch.Size([5, 3])
    """
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Linear(inputs, width), *([nn.BatchNorm1d(width)] if norm else []), nn.LeakyReLU(slope)]
        inputs = width
    if outputs:
        layers.append(nn.Linear(inputs, outputs))
    return nn.Sequential(*layers)


def lean_mlp(inputs: int, hidden: Sequence[int], outputs: int = 0, slope: float = 0.0, first: bool = True) -> nn.Sequential:
    """An MLP that owns nothing but directions: no biases, batch norm without gain or bias, weights N(0, .02).

    Args:
        inputs, hidden, outputs, slope: As in `mlp`.
        first: Whether the first hidden layer is the network's first, which is not normalised; the others always are.

    References:
        Adversarial Feature Learning (Donahue et al., 2017), and the options its authors train on MNIST with
    """
    layers: list[nn.Module] = []
    for i, width in enumerate(hidden):
        norm = [] if first and i == 0 else [nn.BatchNorm1d(width, affine=False)]
        layers += [nn.Linear(inputs, width, bias=False), *norm, nn.LeakyReLU(slope)]
        inputs = width
    if outputs:
        layers.append(nn.Linear(inputs, outputs, bias=False))
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 0.02)
    return nn.Sequential(*layers)


class Logistic(nn.Module):
    """The logistic function on [-1, 1], 2 sigmoid(x) - 1: half as steep as tanh, so that its flat ends are further away."""

    def forward(self, x: Tensor) -> Tensor:
        return (x / 2).tanh()


def mlp_generator(shape: Sequence[int], inputs: int, width: int, depth: int = 3) -> nn.Sequential:
    """(n, inputs) -> (n, *shape); pictures end in tanh, vectors are unbounded."""
    ends = [nn.Tanh(), Reshape(*shape)] if len(shape) > 1 else []
    return nn.Sequential(*mlp(inputs, [width] * depth, math.prod(shape)), *ends)


def mlp_trunk(shape: Sequence[int], width: int, depth: int = 3) -> nn.Sequential:
    """(n, *shape) -> (n, width): what a discriminator or an encoder sees before its last, linear layer."""
    return nn.Sequential(nn.Flatten(1), *mlp(math.prod(shape), [width] * depth, slope=0.2))
