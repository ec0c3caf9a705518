"""What all games of one generator against one discriminator share: networks, players, options, samples."""

from typing import Any, Literal

import torch
from torch import Tensor

from sparring import losses
from sparring.errors import BadInput
from sparring.game import Game, Player
from sparring.networks import Discriminator, features_of, generator, trunk
from sparring.networks.discriminator import packed


class Duel(Game):
    """A generator G: z -> x against a discriminator D: x -> logit. A subclass writes the round.

    Args:
        shape: (C, H, W) of a picture, or (d,) of a vector; from the data.
        objective: What D judges by and G forges for; an entry of `sparring.losses.OBJECTIVES`.
        z: Dimensions of the code, which is standard normal.
        width: Channels next to the picture; MLPs use twice as many units.
        norm: Normalisation in G: batch, layer or none.
        norm_d: Normalisation in D; batch norm there forbids gradient penalties.
        hidden: Units of a fully connected layer between codes or features and the convolutions; 0 for none.
        lr: Learning rate of G, and of D unless `lr_d` says otherwise.
        lr_d: Learning rate of D (two time scales); 0 takes `lr`.
        betas: Adam's decay rates.
        average: Decay of the running average of G that samples are drawn from; 0 for none.
        r1: Weight gamma of D's squared gradient on real rows, gamma/2 |grad D|^2.
        r2: The same on fake rows.
        penalty_every: Rounds between penalties; the penalty is then multiplied by as much.
        spectral: Spectral normalisation of D.
        packing: Rows that D judges together.
        augment: Differentiable augmentations of whatever D sees.
        input_noise: Standard deviation of Gaussian noise on what D sees in its own move, in units of the data.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        objective: Literal[
            "non-saturating", "minimax", "hinge", "least-squares", "wasserstein", "relativistic"
        ] = "non-saturating",
        z: int = 64,
        width: int = 64,
        norm: Literal["batch", "layer", "none"] = "batch",
        norm_d: Literal["batch", "layer", "none"] = "none",
        hidden: int = 0,
        lr: float = 2e-4,
        lr_d: float = 0.0,
        betas: tuple[float, float] = (0.5, 0.999),
        average: float = 0.0,
        r1: float = 0.0,
        r2: float = 0.0,
        penalty_every: int = 1,
        spectral: bool = False,
        packing: int = 1,
        augment: tuple[Literal["color", "translation", "cutout"], ...] = (),
        input_noise: float = 0.0,
    ) -> None:
        super().__init__()
        self.shape, self.z, self.input_noise, self.packing = tuple(shape), z, input_noise, packing
        self.r1, self.r2, self.penalty_every = r1, r2, penalty_every
        self.judge, self.forge = losses.OBJECTIVES[objective]
        self.G = generator(self.shape, self.inputs, width, norm, hidden)
        seen = packed(self.shape, packing)
        body = trunk(seen, width, norm_d, hidden)
        self.D = Discriminator(body, features_of(body, seen), packing, spectral, self.augmentation(augment))
        if r1 or r2:
            losses.refuse_batch_norm(self.D, "R1 or R2")
        self.generator = Player(self.G, lr=lr, betas=betas, average=average)
        self.discriminator = Player(*self.judges(), lr=lr_d or lr, betas=betas)

    @property
    def inputs(self) -> int:
        """How many numbers G is fed: the code, and whatever a subclass adds to it."""
        return self.z

    def judges(self) -> tuple[torch.nn.Module, ...]:
        """The networks D's player owns; a subclass that adds one makes it here, before the optimiser is."""
        return (self.D,)

    def augmentation(self, names: tuple[str, ...]) -> torch.nn.Module | None:
        if not names:
            return None
        if len(self.shape) != 3:
            raise BadInput(f"Option --augment changes pictures, but the data are vectors of {self.shape[0]}; leave it out.")
        from sparring.networks.augment import DiffAugment

        return DiffAugment(names)

    # ── moves ────────────────────────────────────────────────────────────────────────────
    def blur(self, x: Tensor) -> Tensor:
        """What D sees of `x` in its own move."""
        return x + self.input_noise * torch.randn_like(x) if self.input_noise else x

    def penalties(self, x: Tensor, x_fake: Tensor) -> dict[str, Tensor]:
        """R1 and R2 where they are asked for and due; no terms otherwise."""
        if self.t % self.penalty_every:
            return {}
        asked = {"r1": (self.r1, x), "r2": (self.r2, x_fake.detach())}
        return {name: self.penalty_every * gamma * losses.r1(self.D, at) for name, (gamma, at) in asked.items() if gamma}

    # ── use ──────────────────────────────────────────────────────────────────────────────
    def noise(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """(n, z) standard normal codes."""
        return torch.randn(n, self.z, generator=generator).to(self.device, self.dtype)

    def latent(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """(n, inputs): everything G is fed to make a sample."""
        return self.noise(n, generator)

    def decode(self, z: Tensor, batch: int = 256) -> Tensor:
        """(n, inputs) -> (n, *shape) float32, pictures in [-1, 1]; by the averaged generator where there is one."""
        with self.serving(self.G) as G:
            return torch.cat([G(part.to(self.device)).float() for part in z.split(batch)])

    def sample(self, n: int, generator: torch.Generator | None = None, **condition: Any) -> Tensor:
        """(n, *shape) float32 samples, pictures in [-1, 1]."""
        return self.decode(self.latent(n, generator, **condition))
