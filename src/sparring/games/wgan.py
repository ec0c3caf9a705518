"""The earth mover's distance as a loss, by clipping."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from sparring.game import Move

from .duel import Duel, refuse


class WGAN(Duel):
    """D becomes a critic f of bounded slope; E f(x) - E f(G(z)) then rises to K times the earth mover's distance, and G descends it.

    That distance is finite and has a slope in G wherever the samples lie, so the critic may, and should, be trained as well as
    possible: the better it is, the better G's gradient. Clipping every weight to [-c, c] bounds the slope, crudely; K is unknown, so
    the critic's loss can be compared within one run only.

    RMSprop, because a gradient of such changing sign made momentum unstable in the authors' hands.

    Args:
        clip: c, in units of the weights.
        n_critic: Moves of the critic for each of G's.
        warmup: Rounds at the start in which the critic moves `n_warm` times.
        n_warm: Moves of the critic in those rounds, and in every 500th after them.
        norm_d: Normalisation in the critic; batch as in the authors' code, which clips its scales too.

    References:
        Wasserstein GAN (Arjovsky et al., 2017), Algorithm 1; warm-up and 500 as in the authors' code
    """

    decides: ClassVar[tuple[str, ...]] = ("objective",)

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        clip: float = 0.01,
        n_critic: int = 5,
        warmup: int = 25,
        n_warm: int = 100,
        lr: float = 5e-5,
        optimizer: Literal["adam", "rmsprop"] = "rmsprop",
        norm_d: Literal["batch", "layer", "none"] = "batch",
        **options: Any,
    ) -> None:
        refuse(
            {
                "Spectral normalisation rescales what clipping has bounded: leave out --spectral, or train gan with --objective "
                "wasserstein --spectral.": options.get("spectral", False),
                "Option --clip bounds the weights and must be greater than 0.": clip <= 0,
                "Options --n-critic and --n-warm count moves, 1 or more.": min(n_critic, n_warm) < 1,
            }
        )
        super().__init__(shape, lr=lr, optimizer=optimizer, norm_d=norm_d, **options)
        self.clip, self.n_critic, self.warmup, self.n_warm = clip, n_critic, warmup, n_warm
        self.clip_weights()

    def clip_weights(self) -> None:
        with torch.no_grad():
            for p in self.D.parameters():
                p.clamp_(-self.clip, self.clip)

    def round(self, data: Iterator[Tensor]) -> Iterator[Move]:
        warm = self.t < self.warmup or self.t % 500 == 0
        for _ in range(self.n_warm if warm else self.n_critic):
            x = next(data)
            with torch.no_grad():
                x_fake = self.G(self.noise(len(x)))
            real, fake = self.D(self.blur(x)).mean(), self.D(self.blur(x_fake)).mean()
            yield {self.discriminator: {"real": -real, "fake": fake, **self.penalties(x, x_fake)}}
            self.clip_weights()
        yield {self.generator: -self.D(self.G(self.noise(len(x)))).mean()}
