"""Residual networks without normalisation, after R3GAN's, for pictures of any size.

A stage changes the resolution by one folded convolution and then adds blocks x + f(x), f = 1x1, 3x3, 1x1 with leaky ReLU between.
Nothing normalises: instead every block begins as (nearly) nothing, and the layers inside it are scaled by the number of blocks, so
that the whole begins as a linear map of sound scale, however deep it is.

References:
    The GAN is dead; long live the GAN! A Modern Baseline GAN (Huang et al., 2024), section 4 and appendix
    Fixup Initialization: Residual Learning Without Normalization (Zhang et al., 2019), section 3
"""

import itertools
import math
from collections.abc import Sequence

from torch import Tensor, nn

from .conv import halvings, widths
from .layers import Crop, DownConv2d, FromMap, ToMap, UpConv2d

SLOPE = 0.2


class Residual(nn.Module):
    """x + f(x): (n, c, h, w) -> (n, c, h, w).

    Args:
        channels: c.
        groups: Groups of the 3x3 convolution, dividing c; more are fewer weights, but no faster on a CPU.
        blocks: How many blocks the network has in all: f's layers begin smaller, the more there are.
    """

    def __init__(self, channels: int, groups: int = 1, blocks: int = 1) -> None:
        super().__init__()
        self.f = nn.Sequential(
            nn.Conv2d(channels, channels, 1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(channels, channels, 3, padding=1, groups=groups),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(channels, channels, 1, bias=False),
        )
        # Fixup with m = 3 layers in a branch: L^(-1 / (2m - 2)) for all but the last.
        gain = math.sqrt(2 / (1 + SLOPE**2)) * blocks**-0.25
        scale(self.f[0], gain)
        scale(self.f[2], gain)
        scale(self.f[4], 1e-2)  # not 0, which spectral normalisation would divide by

    def forward(self, x: Tensor) -> Tensor:
        return x + self.f(x)


def resnet_generator(shape: Sequence[int], inputs: int, width: int = 64, depth: int = 1, groups: int = 1) -> nn.Sequential:
    """(n, inputs) -> (n, C, H, W) in [-1, 1].

    Args:
        shape: (C, H, W); sizes that no power of two divides are made a little larger and cropped.
        width: Channels at full resolution; they double towards the code, at most eight-fold.
        depth: Residual blocks a stage.
        groups: Groups of their 3x3 convolutions.
    """
    c, h, w = shape
    n = halvings(h, w)
    channels = widths(width, n)[::-1]
    h0, w0 = math.ceil(h / 2**n), math.ceil(w / 2**n)
    layers: list[nn.Module] = [scale(ToMap(inputs, channels[0], h0, w0))]
    for i, o in itertools.pairwise([*channels, width]):
        layers += [Residual(i, groups, n * depth) for _ in range(depth)]
        layers.append(scale(UpConv2d(i, o)))  # (o, 2h, 2w)
    layers += [nn.LeakyReLU(SLOPE), scale(nn.Conv2d(width, c, 3, padding=1)), nn.Tanh()]
    if (h0 * 2**n, w0 * 2**n) != (h, w):
        layers.append(Crop(h, w))
    return nn.Sequential(*layers)


def resnet_trunk(shape: Sequence[int], width: int = 64, depth: int = 1, groups: int = 1) -> nn.Sequential:
    """(n, C, H, W) -> (n, features). Arguments as of the generator."""
    c, h, w = shape
    channels = widths(width, halvings(h, w))
    layers: list[nn.Module] = [scale(nn.Conv2d(c, width, 3, padding=1)), nn.LeakyReLU(SLOPE)]
    for i, o in itertools.pairwise([width, *channels]):
        layers.append(scale(DownConv2d(i, o)))  # (o, h / 2, w / 2)
        layers += [Residual(o, groups, len(channels) * depth) for _ in range(depth)]
    return nn.Sequential(*layers, nn.LeakyReLU(SLOPE), FromMap())


def scale(layer: nn.Module, gain: float = 1.0) -> nn.Module:
    """Weights N(0, gain^2 / fan in), so that the layer multiplies the variance by gain^2; biases zero."""
    weight: Tensor = layer.weight  # type: ignore[assignment]
    nn.init.normal_(weight, 0.0, gain / math.sqrt(weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer
