"""The earth mover's distance as a loss, by a penalty on the critic's slope."""

from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor

from sparring import losses
from sparring.game import Move
from sparring.networks.discriminator import pack

from .duel import Duel, refuse


class WGANGP(Duel):
    """A critic whose slope is held at 1 between real and generated rows, in place of one whose weights are clipped.

    The best critic has slope 1 almost everywhere on the straight lines along which mass moves, so (|grad f(x^)| - 1)^2 is punished at
    one random point x^ between each real row and a generated one. The critic's loss then estimates -W itself, in the unit of the data.

    Args:
        weight: lambda, the penalty's weight; the authors take .1 for their toys.
        n_critic: Moves of the critic for each of G's.
        betas: Adam's decay rates; (.5, .9) as in the authors' code for toys, digits and 64 pixels, where Algorithm 1 prints (0, .9).

    References:
        Improved Training of Wasserstein GANs (Gulrajani et al., 2017), Algorithm 1
    """

    decides: ClassVar[tuple[str, ...]] = ("objective",)

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        weight: float = 10.0,
        n_critic: int = 5,
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.5, 0.9),
        **options: Any,
    ) -> None:
        refuse(
            {
                "The gradient penalty looks at each row by itself, but batch norm makes D a function of whole batches: use --norm-d "
                "none or layer.": options.get("norm_d") == "batch",
                "Option --weight of the gradient penalty must be greater than 0.": weight <= 0,
                "Option --n-critic counts moves, 1 or more.": n_critic < 1,
            }
        )
        super().__init__(shape, lr=lr, betas=betas, **options)
        self.weight, self.n_critic = weight, n_critic

    def round(self, data: Iterator[Tensor]) -> Iterator[Move]:
        for _ in range(self.n_critic):
            x = next(data)
            with torch.no_grad():
                x_fake = self.G(self.noise(len(x)))
            real, fake = self.D(self.blur(x)).mean(), self.D(self.blur(x_fake)).mean()
            slope = losses.gradient_penalty(self.D.of_packs, pack(x, self.packing), pack(x_fake, self.packing))
            judged = {"real": -real, "fake": fake, "slope": self.weight * slope}
            yield {self.discriminator: {**judged, **self.penalties(x, x_fake)}}
        yield {self.generator: -self.D(self.G(self.noise(len(x)))).mean()}
