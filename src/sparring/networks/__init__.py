"""Networks as plain functions of shape and width. They know no optimiser, no loss and no data.

`generator` and `trunk` choose by shape: vectors, and pictures too small to halve twice, get an MLP; pictures get DCGAN's convolutions, or
residual networks where those are asked for.
"""

from collections.abc import Sequence

import torch
from torch import nn

from .conv import conv_generator, conv_trunk
from .discriminator import Discriminator, JointDiscriminator
from .layers import DownConv2d, UpConv2d
from .mlp import Logistic, Reshape, lean_mlp, mlp, mlp_generator, mlp_trunk
from .resnet import resnet_generator, resnet_trunk

__all__ = [
    "Discriminator",
    "DownConv2d",
    "JointDiscriminator",
    "Logistic",
    "Reshape",
    "UpConv2d",
    "conv_generator",
    "conv_trunk",
    "describe",
    "features_of",
    "generator",
    "is_convolutional",
    "lean_mlp",
    "mlp",
    "mlp_generator",
    "mlp_trunk",
    "resnet_generator",
    "resnet_trunk",
    "trunk",
]


def is_convolutional(shape: Sequence[int]) -> bool:
    """Whether rows of this shape are pictures large enough for convolutions.

    >>> is_convolutional((3, 64, 48)), is_convolutional((1, 4, 4)), is_convolutional((2,))
    (True, False, False)
    """
    return len(shape) == 3 and min(shape[1:]) >= 8


def generator(
    shape: Sequence[int], inputs: int, width: int = 64, norm: str = "batch", hidden: int = 0, kind: str = "conv"
) -> nn.Sequential:
    """(n, inputs) -> (n, *shape); pictures in [-1, 1]. An MLP has 2 * width units a layer; `kind` is "conv" or "resnet"."""
    if is_convolutional(shape):
        return resnet_generator(shape, inputs, width) if kind == "resnet" else conv_generator(shape, inputs, width, norm, hidden)
    return mlp_generator(shape, inputs, 2 * width)


def trunk(shape: Sequence[int], width: int = 64, norm: str = "none", hidden: int = 0, kind: str = "conv") -> nn.Sequential:
    """(n, *shape) -> (n, features): a discriminator or encoder without its last layer. An MLP has 2 * width units a layer."""
    if is_convolutional(shape):
        return resnet_trunk(shape, width) if kind == "resnet" else conv_trunk(shape, width, norm, hidden)
    return mlp_trunk(shape, 2 * width)


def features_of(network: nn.Module, shape: Sequence[int]) -> int:
    """How many features a trunk gives for rows of `shape`, by asking it."""
    training = network.training
    with torch.no_grad():
        width = network.eval()(torch.zeros(1, *shape)).shape[1]
    network.train(training)
    return width


def describe(network: nn.Module) -> str:
    """One line for the plan: kinds of layers and parameters.

    >>> describe(mlp(2, [8], 1))
    '2 linear layers, 33 parameters'
    """
    kinds: dict[str, int] = {}
    for layer in network.modules():
        kind = {nn.Linear: "linear", nn.Conv2d: "convolutional", nn.ConvTranspose2d: "transposed convolutional"}
        name = next((word for base, word in kind.items() if isinstance(layer, base)), None)
        if name:
            kinds[name] = kinds.get(name, 0) + 1
    layers = ", ".join(f"{n} {kind} layer{'s' if n > 1 else ''}" for kind, n in kinds.items()) or "no layers"
    return f"{layers}, {sum(p.numel() for p in network.parameters()):,} parameters"
