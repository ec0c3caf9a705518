"""The modern baseline: a well-behaved loss, and nothing else."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from sparring.game import Move
from sparring.losses import OBJECTIVES

from .duel import Duel


class R3GAN(Duel):
    r"""D compares each real row with a generated one, and its slope is punished at both: relativistic pairing, R1 and R2.

    D descends E softplus(-(D(x) - D(G(z)))) + gamma/2 (E |grad D(x)|^2 + E |grad D(G(z))|^2), G descends
    E softplus(-(D(G(z)) - D(x))). Where every fake is judged against a real row, parking all reals on one side of all fakes is no
    longer optimal, and a G that drops modes still has a slope to follow; the two penalties are what makes training converge
    locally, and the paper proves it. The networks are residual, without normalisation.

    Args:
        gamma: The weight of both penalties; larger for larger pictures (the authors begin with .05 at 32 pixels, 2 at 64, 150 at 256).
        decay: What the learning rates have sunk to at the end of the run, along a cosine; as in the authors' code.

    References:
        The GAN is dead; long live the GAN! A Modern Baseline GAN (Huang et al., 2024), section 3
        The relativistic discriminator: a key element missing from standard GAN (Jolicoeur-Martineau, 2019)
    """

    decides: ClassVar[tuple[str, ...]] = ("objective", "r1", "r2")

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        gamma: float = 0.1,
        networks: Literal["conv", "resnet"] = "resnet",
        norm: Literal["batch", "layer", "none"] = "none",
        betas: tuple[float, float] = (0.0, 0.99),
        decay: float = 0.25,
        average: float = 0.999,
        **options: Any,
    ) -> None:
        super().__init__(
            shape, r1=gamma, r2=gamma, networks=networks, norm=norm, betas=betas, decay=decay, average=average, **options
        )
        self.judge, self.forge = OBJECTIVES["relativistic"]

    def round(self, data: Iterator[Tensor]) -> Iterator[Move]:
        x = next(data)
        x_fake = self.G(self.noise(len(x)))
        real, fake = self.D(self.blur(x)), self.D(self.blur(x_fake.detach()))
        yield {self.discriminator: {**self.judge(real, fake), **self.penalties(x, x_fake)}}
        with torch.no_grad():
            real = self.D(x)
        yield {self.generator: self.forge(real, self.D(x_fake))}
