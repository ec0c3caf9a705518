"""A discriminator: what it is shown (augmented, packed), what it sees (features), what it says (a logit)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from sparring.errors import BadInput

from .mlp import lean_mlp


class Discriminator(nn.Module):
    """Trunk and head: (n, *shape) -> (n / packing,) logits, or (n / packing, outputs) where there are several classes.

    Args:
        trunk: (n, *shape) -> (n, features); for `packing` m it must accept m times as many channels.
        features: How many features the trunk gives.
        packing: How many rows are judged together, as in PacGAN; every batch must be a multiple of it.
        spectral: Divide every weight by its largest singular value (Miyato et al., 2018), which bounds the slope of the logit.
        augment: A differentiable map applied to whatever is shown, real or fake (Zhao et al., 2020).
        outputs: How many logits; more than one for a judge of several classes.

    References:
        PacGAN: The power of two samples in generative adversarial networks (Lin et al., 2018)
        Spectral Normalization for Generative Adversarial Networks (Miyato et al., 2018)
        Differentiable Augmentation for Data-Efficient GAN Training (Zhao et al., 2020)
    """

    def __init__(
        self,
        trunk: nn.Module,
        features: int,
        packing: int = 1,
        spectral: bool = False,
        augment: nn.Module | None = None,
        outputs: int = 1,
    ) -> None:
        super().__init__()
        self.trunk, self.head, self.packing = trunk, nn.Linear(features, outputs), packing
        self.augment = augment or nn.Identity()
        if spectral:
            for layer in self.modules():
                if isinstance(layer, nn.Linear | nn.Conv2d):
                    spectral_norm(layer)

    def features(self, x: Tensor) -> Tensor:
        """(n, *shape) -> (n / packing, features)."""
        return self.trunk(pack(self.augment(x), self.packing))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x)).squeeze(1)

    def of_packs(self, packs: Tensor) -> Tensor:
        """(n / packing, packing c, ...) -> (n / packing,) logits: for penalties, whose slope is that of a whole pack."""
        m = self.packing
        return self(packs.reshape(m * len(packs), packs.shape[1] // m, *packs.shape[2:]))


class JointDiscriminator(nn.Module):
    """A judge of pairs: (n, *shape), (n, z) -> (n,) logits. What the trunk gives of x meets the code in one normalised layer.

    Args:
        trunk: (n, *shape) -> (n, features).
        features: How many features the trunk gives.
        z: Dimensions of the code.
        units: Units of the layer where they meet.
    """

    def __init__(self, trunk: nn.Module, features: int, z: int, units: int) -> None:
        super().__init__()
        self.trunk, self.judge = trunk, lean_mlp(features + z, [units], 1, slope=0.2, first=False)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return self.judge(torch.cat([self.trunk(x), z], 1)).squeeze(1)


def pack(x: Tensor, m: int) -> Tensor:
    """m neighbouring rows side by side in the first dimension: (n, c, ...) -> (n / m, m c, ...).

    Raises `BadInput` when n is no multiple of m.
    """
    if len(x) % m:
        raise BadInput(f"Option --packing {m} does not divide the batch of {len(x)} rows; choose another --batch or --packing.")
    return x if m == 1 else x.reshape(len(x) // m, m * x.shape[1], *x.shape[2:])


def packed(shape: Sequence[int], m: int) -> tuple[int, ...]:
    """The shape that `m` packed rows have.

    >>> import torch
    >>> pack(torch.zeros(6, 3, 8, 8), 2).shape[1:] == packed((3, 8, 8), 2)
    True
    """
    return (m * shape[0], *shape[1:])
