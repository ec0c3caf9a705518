"""The game that began it."""

from collections.abc import Iterator

from torch import Tensor

from sparring.game import Move

from .duel import Duel


class GAN(Duel):
    """G and D, in turns: D tells real rows from generated ones, G makes rows that D takes for real.

    D ascends E log D(x) + E log(1 - D(G(z))). Against the best D, the original (minimax) generator descends 2 JSD(p, q) - 2 log 2,
    whose gradient vanishes where p and q hardly overlap; -log D(G(z)), the non-saturating one, has the same fixed point and does not.

    The round makes one batch of fakes and uses it for both moves: G's graph outlives D's step, because D's loss sees it detached,
    and D is asked again after it has moved.

    References:
        Generative Adversarial Nets (Goodfellow et al., 2014), Algorithm 1 with k = 1
    """

    def round(self, data: Iterator[Tensor]) -> Iterator[Move]:
        x = next(data)
        x_fake = self.G(self.noise(len(x)))
        real, fake = self.D(self.blur(x)), self.D(self.blur(x_fake.detach()))
        yield {self.discriminator: {**self.judge(real, fake), **self.penalties(x, x_fake)}}
        yield {self.generator: self.forge(real.detach(), self.D(x_fake))}
