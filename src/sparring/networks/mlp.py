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


def mlp_generator(shape: Sequence[int], inputs: int, width: int, depth: int = 3, norm: bool = False) -> nn.Sequential:
    """(n, inputs) -> (n, *shape); pictures end in tanh, vectors are unbounded. `norm`: batch norm on all hidden layers but the first."""
    ends = [nn.Tanh(), Reshape(*shape)] if len(shape) > 1 else []
    first = mlp(inputs, [width])
    return nn.Sequential(*first, *mlp(width, [width] * (depth - 1), math.prod(shape), norm=norm), *ends)


def mlp_trunk(shape: Sequence[int], width: int, depth: int = 3, norm: bool = False) -> nn.Sequential:
    """(n, *shape) -> (n, width): what a discriminator or an encoder sees before its last, linear layer. `norm` as in `mlp_generator`."""
    first = mlp(math.prod(shape), [width], slope=0.2)
    return nn.Sequential(nn.Flatten(1), *first, *mlp(width, [width] * (depth - 1), slope=0.2, norm=norm))
