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
    """D: (n, *shape), (n, classes) -> (n,) logits of the pair being real; the label is seen before and after the trunk.

    It stands beside the row, so that the first layer can look for what belongs to it, and again beside the features.

    Args:
        trunk: (n, c + classes, ...) -> (n, features).
        noise: Standard deviation of Gaussian noise on the rows while training, in units of the data.
    """

    def __init__(self, trunk: nn.Module, features: int, classes: int, noise: float = 0.0) -> None:
        super().__init__()
        self.trunk, self.head, self.noise = trunk, nn.Linear(features + classes, 1), noise

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.head(beside(self.trunk(beside(self.blur(x), y)), y)).squeeze(1)

    def blur(self, x: Tensor) -> Tensor:
        """What the trunk is shown of `x`."""
        return x + self.noise * torch.randn_like(x) if self.noise and self.training else x


class ProjectionDiscriminator(ConditionalDiscriminator):
    """D(x, y) = w h(x) + y V h(x): how real a row is, and how well its features fit the label's own direction.

    The log ratio of two joint densities has this form where both conditionals are log-linear in h. Arguments as above, but the
    trunk sees rows alone: (n, c, ...) -> (n, features).

    References:
        cGANs with Projection Discriminator (Miyato and Koyama, 2018), equation 3
    """

    def __init__(self, trunk: nn.Module, features: int, classes: int, noise: float = 0.0) -> None:
        super().__init__(trunk, features, 0, noise)
        self.V = nn.Linear(features, classes, bias=False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h = self.trunk(self.blur(x))
        return self.head(h).squeeze(1) + (self.V(h) * y).sum(1)


def conditional_generator(
    shape: Sequence[int], z: int, classes: int, width: int = 64, norm: str = "batch", hidden: int = 0
) -> ConditionalGenerator:
    """G(z, y) for rows of `shape`, pictures in [-1, 1]; arguments as in `sparring.networks.generator`."""
    return ConditionalGenerator(generator(shape, z + classes, width, norm, hidden))


def concat_discriminator(
    shape: Sequence[int], classes: int, width: int = 64, norm: str = "none", noise: float = 0.0
) -> ConditionalDiscriminator:
    """D(x, y) for rows of `shape`; arguments as in `sparring.networks.trunk`."""
    seen = (shape[0] + classes, *shape[1:])
    body = trunk(seen, width, norm)
    return ConditionalDiscriminator(body, features_of(body, seen), classes, noise)


def projection_discriminator(
    shape: Sequence[int], classes: int, width: int = 64, norm: str = "none", noise: float = 0.0
) -> ProjectionDiscriminator:
    """D(x, y) by projection; arguments as in `sparring.networks.trunk`."""
    body = trunk(shape, width, norm)
    return ProjectionDiscriminator(body, features_of(body, shape), classes, noise)


CONDITIONS = {"concat": concat_discriminator, "projection": projection_discriminator}
"""The ways a discriminator takes a label in."""
