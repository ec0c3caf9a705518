"""What all games of an encoder and a generator share: both networks, their options, and the way there and back."""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from sparring.game import Game, Player
from sparring.networks import (
    Logistic,
    Reshape,
    conv_generator,
    conv_trunk,
    features_of,
    is_convolutional,
    lean_mlp,
)


class Prior(NamedTuple):
    """A density of codes: how to draw (n, z) of them, and how to bring E's unbounded answer to where it lives."""

    draw: Callable[[int, int, torch.Generator | None], Tensor]
    fit: Callable[[Tensor], Tensor]


PRIORS = {
    "normal": Prior(lambda n, z, generator: torch.randn(n, z, generator=generator), lambda answer: answer),
    "uniform": Prior(lambda n, z, generator: 2 * torch.rand(n, z, generator=generator) - 1, Logistic()),  # on [-1, 1]
}


class Codec(Game):
    """An encoder E: x -> z and a generator G: z -> x. A subclass writes the round, and makes the players.

    Args:
        shape: (C, H, W) of a picture, or (d,) of a vector; from the data.
        network: DCGAN's convolutions, or an MLP of two hidden layers, to which pixels have no order; vectors always get the MLP.
        z: Dimensions of the code.
        width: Channels next to the picture (conv) or units of a layer (mlp); 0 takes 64 or 1024.
        lr: Learning rate of every player.
        decay: What the learning rate is multiplied by in the end; it falls exponentially over the second half of the run.
        betas: Adam's decay rates.
        weight_decay: Weight of half the squared norm of the parameters in every loss.
        average: Decay of the running average of E and G that serves outside play; 0 for none.
    """

    prior: Prior = PRIORS["normal"]
    moments: int = 1  # E gives: the code, or mean and log-variance of a normal distribution of it

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        network: Literal["conv", "mlp"] = "conv",
        z: int = 64,
        width: int = 0,
        lr: float = 2e-4,
        decay: float = 1.0,
        betas: tuple[float, float] = (0.5, 0.999),
        weight_decay: float = 0.0,
        average: float = 0.0,
    ) -> None:
        super().__init__()
        self.shape, self.z = tuple(shape), z
        self.lr, self.decay, self.betas, self.weight_decay, self.average = lr, decay, betas, weight_decay, average
        self.convolutional = network == "conv" and is_convolutional(self.shape)
        self.width = width or (64 if self.convolutional else 1024)
        answers = self.moments * z
        if self.convolutional:
            body = conv_trunk(self.shape, self.width, "batch")
            self.E = nn.Sequential(*body, nn.Linear(features_of(body, self.shape), answers))
            self.G = conv_generator(self.shape, z, self.width)
        else:
            d, ends = math.prod(self.shape), [Logistic(), Reshape(*self.shape)] if len(self.shape) > 1 else []
            self.E = nn.Sequential(nn.Flatten(1), *lean_mlp(d, [self.width] * 2, answers, slope=0.2))
            self.G = nn.Sequential(*lean_mlp(z, [self.width] * 2, d), *ends)

    def player(self, *networks: nn.Module, average: float = 0.0) -> Player:
        """A player with this game's optimiser."""
        return Player(
            *networks,
            lr=self.lr,
            average=average,
            schedule=lambda t, rounds: self.decay ** max(0.0, 2 * t / rounds - 1),
            optimizer=lambda parameters, lr: torch.optim.Adam(
                parameters, lr=lr, betas=self.betas, weight_decay=self.weight_decay, fused=True
            ),
        )

    # ── codes ────────────────────────────────────────────────────────────────────────────
    def noise(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """(n, z) codes from the prior."""
        return self.prior.draw(n, self.z, generator).to(self.device, self.dtype)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, *shape) -> mean and log-variance (n, z) that an E of two moments gives."""
        mean, logvar = self.E(x).to(self.dtype).chunk(2, 1)
        return mean, logvar.clamp(-20, 20)  # e^20 is far beyond any code, and finite in every precision

    def infer(self, x: Tensor) -> Tensor:
        """(n, *shape) -> (n, z): the code of x; where E gives a distribution, a draw from it."""
        return self.prior.fit(self.E(x) if self.moments == 1 else reparameterise(*self.posterior(x)))

    # ── use ──────────────────────────────────────────────────────────────────────────────
    def answers(self, x: Tensor, batch: int = 512) -> Tensor:
        """(n, *shape) -> (n, z) float32: what E says before it is brought to where codes live, to measure distances between."""
        with self.serving(self.E) as E:
            return torch.cat([E(part.to(self.device, self.dtype))[:, : self.z].float() for part in x.split(batch)])

    def encode(self, x: Tensor, batch: int = 512) -> Tensor:
        """(n, *shape) -> (n, z) float32 codes; where E gives a distribution, that of its mean."""
        return self.prior.fit(self.answers(x, batch))

    def decode(self, z: Tensor, batch: int = 512) -> Tensor:
        """(n, z) -> (n, *shape) float32, pictures in [-1, 1]."""
        with self.serving(self.G) as G:
            return torch.cat([G(part.to(self.device, self.dtype)).float() for part in z.split(batch)])

    def reconstruct(self, x: Tensor) -> Tensor:
        """(n, *shape) -> (n, *shape) float32: G(E(x))."""
        return self.decode(self.encode(x))

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """(n, *shape) float32 samples, pictures in [-1, 1]: G of codes from the prior."""
        return self.decode(self.noise(n, generator))


def reparameterise(mean: Tensor, logvar: Tensor) -> Tensor:
    """(n, z) draws from N(mean, e^logvar) that move with both (Kingma & Welling, 2014, section 2.4)."""
    return mean + (logvar / 2).exp() * torch.randn_like(mean)
