"""Networks of a row and a label: G(z, y) and D(x, y). A label is a row of class weights, usually one-hot.

References:
    Conditional Generative Adversarial Nets (Mirza and Osindero, 2014)
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from . import features_of, generator, trunk


def beside(x: Tensor, y: Tensor) -> Tensor:
    """Rows with their labels: further values of a vector, further constant planes of a picture.

    (n, c, ...), (n, k) -> (n, c + k, ...)

    >>> beside(torch.zeros(2, 3, 8, 8), torch.eye(2)).shape
    torch.Size([2, 5, 8, 8])
    """
    return torch.cat([x, y.reshape(*y.shape, *[1] * (x.dim() - 2)).expand(-1, -1, *x.shape[2:]).to(x)], 1)


class ConditionalGenerator(nn.Module):
    """G: (n, z), (n, classes) -> (n, *shape), the label a part of the code.

    Args:
        body: (n, z + classes) -> (n, *shape).
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.body(beside(z, y))


class ConditionalDiscriminator(nn.Module):
    """D: (n, *shape), (n, classes) -> (n,) logits of the pair being real.

    The label stands beside the row, so that the first layer can look for what belongs to it, and again beside the features.

    Args:
        trunk: (n, c + classes, ...) -> (n, features).
        noise: Standard deviation of Gaussian noise on the rows while training, in units of the data.
    """

    def __init__(self, trunk: nn.Module, features: int, classes: int, noise: float = 0.0) -> None:
        super().__init__()
        self.trunk, self.head, self.noise = trunk, nn.Linear(features + classes, 1), noise

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        if self.noise and self.training:
            x = x + self.noise * torch.randn_like(x)
        return self.head(beside(self.trunk(beside(x, y)), y)).squeeze(1)


def conditional_generator(
    shape: Sequence[int], z: int, classes: int, width: int = 64, norm: str = "batch", hidden: int = 0
) -> ConditionalGenerator:
    """G(z, y) for rows of `shape`, pictures in [-1, 1]; arguments as in `sparring.networks.generator`."""
    return ConditionalGenerator(generator(shape, z + classes, width, norm, hidden))


def conditional_discriminator(
    shape: Sequence[int], classes: int, width: int = 64, norm: str = "none", noise: float = 0.0
) -> ConditionalDiscriminator:
    """D(x, y) for rows of `shape`; arguments as in `sparring.networks.trunk`."""
    seen = (shape[0] + classes, *shape[1:])
    body = trunk(seen, width, norm)
    return ConditionalDiscriminator(body, features_of(body, seen), classes, noise)
