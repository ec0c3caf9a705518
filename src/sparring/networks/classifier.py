"""Feature networks of classifiers, (n, *shape) -> (n, features): they shrink by pooling, as in the papers they come from.

References:
    Triple Generative Adversarial Nets (Li et al., 2017): `pooled_trunk`, its classifier for MNIST.
    Domain-Adversarial Training of Neural Networks (Ganin et al., 2016), figure 4a: `lenet_trunk`, its extractor for MNIST.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from . import features_of, is_convolutional, mlp_trunk
from .conv import NORMS

SMALLEST = 8  # pixels of the shorter side at which halving stops
VALID = 12  # a map at least this large may lose its border; a smaller one is padded


class GlobalMean(nn.Module):
    """(n, c, h, w) -> (n, c): the mean over the map."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def pooled_trunk(shape: Sequence[int], width: int = 64, dropout: float = 0.5) -> nn.Sequential:
    """(n, *shape) -> (n, 2 * width): five normalised convolutions and the mean over what is left of the picture.

    Args:
        shape: (C, H, W); 28 pixels are pooled twice, larger pictures once more for each doubling. Vectors get an MLP.
        width: Channels in the middle; half as many at first, twice as many at last. An MLP has twice as many units a layer.
        dropout: Share of the values dropped after each pooling.
    """
    if not is_convolutional(shape):
        return mlp_trunk(shape, 2 * width)
    half, double = max(width // 2, 1), 2 * width
    layers: list[nn.Module] = []

    def conv(inputs: int, outputs: int, kernel: int, border: bool) -> int:
        convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2 if border else 0, bias=False)
        layers.extend([convolution, nn.BatchNorm2d(outputs), nn.ReLU()])
        return outputs

    def pool() -> None:
        layers.extend([nn.MaxPool2d(2), nn.Dropout(dropout)])

    side = min(shape[1:])
    c = conv(shape[0], half, 5, border=side < VALID)
    while side >= 2 * 28:  # MNIST's network begins here
        pool()
        c, side = conv(c, half, 3, border=True), side // 2
    pool()
    c = conv(conv(c, width, 3, border=True), width, 3, border=side < 2 * VALID)
    pool()
    conv(conv(c, double, 3, border=True), double, 3, border=True)
    return nn.Sequential(*layers, GlobalMean())


def lenet_trunk(shape: Sequence[int], width: int = 32, norm: str = "none", bottleneck: int = 0) -> nn.Sequential:
    """(n, *shape) -> (n, features): 5x5 convolutions, each followed by ReLU and pooling, until 4 to 7 pixels are left.

    Args:
        shape: (C, H, W); (3, 28, 28) gives the paper's 32 and 48 maps and 768 features. Vectors get an MLP.
        width: Channels of the first convolution; each further one has half as many more. An MLP has twice as many units a layer.
        norm: "none", "batch" or "layer", after each convolution.
        bottleneck: Units of a fully connected layer with ReLU at the end; 0 for none.
    """
    if is_convolutional(shape):
        c, side, maps = shape[0], min(shape[1:]), width
        layers: list[nn.Module] = []
        while side >= SMALLEST:
            border = side < VALID
            layers += [nn.Conv2d(c, maps, 5, padding=2 if border else 0), NORMS[norm](maps), nn.ReLU(), nn.MaxPool2d(2)]
            c, maps, side = maps, maps + maps // 2, (side if border else side - 4) // 2
        trunk = nn.Sequential(*layers, nn.Flatten(1))
    else:
        trunk = mlp_trunk(shape, 2 * width)
    if bottleneck:
        # Batch norm without scales of its own: an extractor that plays against a domain head cannot win by making features large.
        fixed = [nn.BatchNorm1d(bottleneck, affine=False)] if norm == "batch" else []
        trunk.extend([nn.Linear(features_of(trunk, shape), bottleneck), *fixed, nn.ReLU()])
    return trunk
