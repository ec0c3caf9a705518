"""The convolutional pair of DCGAN for pictures of any size.

Activations work in place: exact, and on large maps a fresh one costs more time than the activation itself.

References:
    Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks (Radford et al., 2016)
"""

import itertools
import math
from collections.abc import Callable, Sequence

from torch import nn

from .layers import Crop, FromMap, ToMap

NORMS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda channels: nn.Identity(),
    "batch": nn.BatchNorm2d,
    "layer": lambda channels: nn.GroupNorm(1, channels),
}


def halvings(height: int, width: int) -> int:
    """How often a picture is halved until its shorter side is 4 to 7 pixels (2 or 3 for pictures under 16).

    >>> [halvings(n, n) for n in (8, 16, 28, 32, 64, 100)]
    [2, 2, 2, 3, 4, 4]
    """
    return max(2 if min(height, width) >= 8 else 1, int(math.log2(max(min(height, width), 4) / 4)))


def widths(width: int, count: int) -> list[int]:
    """Channels after each halving: doubled each time, at most eight-fold."""
    return [width * 2 ** min(i, 3) for i in range(count)]


def conv_generator(shape: Sequence[int], inputs: int, width: int = 64, norm: str = "batch", hidden: int = 0) -> nn.Sequential:
    """(n, inputs) -> (n, C, H, W) in [-1, 1]: a matrix product to a small map, then transposed 4x4 convolutions of stride two.

    Args:
        shape: (C, H, W); sizes that no power of two divides are made a little larger and cropped.
        width: Channels before the last layer; they double towards the code, at most eight-fold.
        norm: "batch" (on all layers but the last), "layer" or "none".
        hidden: Units of a fully connected layer before the first map, as in InfoGAN; 0 for none.
    """
    c, h, w = shape
    n = halvings(h, w)
    channels = widths(width, n)[::-1]
    h0, w0 = math.ceil(h / 2**n), math.ceil(w / 2**n)
    bias = norm == "none"  # a normalised layer would subtract it again
    layers: list[nn.Module] = []
    if hidden:
        layers += [nn.Linear(inputs, hidden, bias=bias), *([] if bias else [nn.BatchNorm1d(hidden)]), nn.ReLU(inplace=True)]
    layers += [ToMap(hidden or inputs, channels[0], h0, w0, bias=bias), NORMS[norm](channels[0]), nn.ReLU(inplace=True)]
    for i, o in itertools.pairwise(channels):
        layers += [nn.ConvTranspose2d(i, o, 4, 2, 1, bias=bias), NORMS[norm](o), nn.ReLU(inplace=True)]  # (o, 2h, 2w)
    layers += [nn.ConvTranspose2d(channels[-1], c, 4, 2, 1), nn.Tanh()]
    if (h0 * 2**n, w0 * 2**n) != (h, w):
        layers.append(Crop(h, w))
    return nn.Sequential(*layers).apply(initialise)


def conv_trunk(shape: Sequence[int], width: int = 64, norm: str = "none", hidden: int = 0) -> nn.Sequential:
    """(n, C, H, W) -> (n, features): 4x4 convolutions of stride two with LeakyReLU(.2), no norm on the first.

    Args:
        shape: (C, H, W).
        width: Channels after the first convolution; they double with each halving, at most eight-fold.
        norm: "none", "batch" (the paper's; shows D which pictures came together) or "layer".
        hidden: Units of a fully connected layer at the end, as in InfoGAN; 0 for none.
    """
    c, h, w = shape
    layers: list[nn.Module] = []
    for i, o in enumerate(widths(width, halvings(h, w))):
        normed = norm != "none" and i > 0
        layers += [
            nn.Conv2d(c, o, 4, 2, 1, bias=not normed),
            *([NORMS[norm](o)] if normed else []),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        c, h, w = o, h // 2, w // 2
    layers.append(FromMap())
    if hidden:
        batch = norm == "batch"
        layers += [
            nn.Linear(c * h * w, hidden, bias=not batch),
            *([nn.BatchNorm1d(hidden)] if batch else []),
            nn.LeakyReLU(0.2, inplace=True),
        ]
    return nn.Sequential(*layers).apply(initialise)


def initialise(module: nn.Module) -> None:
    """DCGAN's weights: N(0, .02), batch norm's scales N(1, .02), biases zero."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
    if getattr(module, "bias", None) is not None:
        nn.init.zeros_(module.bias)  # type: ignore[arg-type]
