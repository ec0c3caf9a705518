"""What all games of one generator against one discriminator share: networks, players, options, samples."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from sparring import losses
from sparring.errors import BadInput
from sparring.game import Game, Player
from sparring.networks import Discriminator, features_of, generator, trunk
from sparring.networks.discriminator import pack, packed

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer] | None] = {"adam": None, "rmsprop": torch.optim.RMSprop}


class Duel(Game):
    """A generator G: z -> x against a discriminator D: x -> logit. A subclass writes the round.

    Args:
        shape: (C, H, W) of a picture, or (d,) of a vector; from the data.
        objective: What D judges by and G forges for; an entry of `sparring.losses.OBJECTIVES`.
        networks: Of pictures: DCGAN's convolutions, or residual networks without normalisation. Vectors get an MLP.
        z: Dimensions of the code, which is standard normal.
        width: Channels next to the picture; MLPs use twice as many units.
        norm: Normalisation in a convolutional G: batch, layer or none.
        norm_d: Normalisation in D; batch norm there forbids gradient penalties and spectral normalisation.
        hidden: Units of a fully connected layer between codes or features and the convolutions; 0 for none.
        lr: Learning rate of G, and of D unless `lr_d` says otherwise.
        lr_d: Learning rate of D (two time scales); 0 takes `lr`.
        betas: Adam's decay rates.
        optimizer: What descends both losses; RMSprop takes no betas.
        decay: What the learning rates have sunk to at the end of the run, along a cosine, as a share; 1 keeps them.
        average: Decay of the running average of G that samples are drawn from; 0 for none.
        r1: Weight gamma of D's squared gradient on real rows, gamma/2 |grad D|^2.
        r2: The same on fake rows.
        penalty_every: Rounds between penalties; the penalty is then multiplied by as much.
        spectral: Spectral normalisation of D.
        packing: Rows that D judges together; divides the batch.
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
        networks: Literal["conv", "resnet"] = "conv",
        z: int = 64,
        width: int = 64,
        norm: Literal["batch", "layer", "none"] = "batch",
        norm_d: Literal["batch", "layer", "none"] = "none",
        hidden: int = 0,
        lr: float = 2e-4,
        lr_d: float = 0.0,
        betas: tuple[float, float] = (0.5, 0.999),
        optimizer: Literal["adam", "rmsprop"] = "adam",
        decay: float = 1.0,
        average: float = 0.0,
        r1: float = 0.0,
        r2: float = 0.0,
        penalty_every: int = 1,
        spectral: bool = False,
        packing: int = 1,
        augment: tuple[Literal["color", "translation", "cutout"], ...] = (),
        input_noise: float = 0.0,
    ) -> None:
        penalised = bool(r1 or r2)
        refuse(
            {
                "Option --packing is how many rows D judges together, 1 or more.": packing < 1,
                "Option --penalty-every counts rounds, 1 or more.": penalty_every < 1,
                "Option --decay is a share, greater than 0 and up to 1.": not 0 < decay <= 1,
                "Options --r1 and --r2 are weights, 0 or more.": r1 < 0 or r2 < 0,
                "Option --average is a decay, from 0 up to but not including 1.": not 0 <= average < 1,
                "Option --objective wasserstein needs a critic of bounded slope: add --spectral or --r1 1, or train the systems wgan "
                "or wgan-gp.": objective == "wasserstein" and not (spectral or penalised),
                "R1 or R2 punishes D's slope at each row, but batch norm makes D a function of whole batches: use --norm-d none, or "
                "leave out --r1 and --r2.": penalised and norm_d == "batch",
                "Batch norm in D rescales what --spectral has bounded: use --norm-d none, or leave out --spectral.": spectral
                and norm_d == "batch",
                "The residual networks have no normalisation in D: use --norm-d none, or --networks conv.": networks == "resnet"
                and norm_d != "none",
                "The residual networks have no hidden layer: leave out --hidden, or use --networks conv.": networks == "resnet"
                and hidden > 0,
            }
        )
        super().__init__()
        self.shape, self.z, self.input_noise, self.packing = tuple(shape), z, input_noise, packing
        self.r1, self.r2, self.penalty_every = r1, r2, penalty_every
        self.judge, self.forge = losses.OBJECTIVES[objective]
        self.G = generator(self.shape, self.inputs, width, norm, hidden, networks)
        seen = packed(self.shape, packing)
        body = trunk(seen, width, norm_d, hidden, networks)
        self.D = Discriminator(body, features_of(body, seen), packing, spectral, self.augmentation(augment))
        common: dict[str, Any] = {"betas": betas, "optimizer": OPTIMIZERS[optimizer], "schedule": partial(cosine, decay)}
        self.generator = Player(self.G, lr=lr, average=average, **common)
        self.discriminator = Player(*self.judges(), lr=lr_d or lr, **common)

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
        return {
            name: self.penalty_every * gamma * losses.r1(self.D.of_packs, pack(at, self.packing))
            for name, (gamma, at) in asked.items()
            if gamma
        }

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


def cosine(end: float, t: int, rounds: int) -> float:
    """From 1 at round 0 to `end` at the last round, along half a cosine.

    >>> [round(cosine(0.2, t, 10), 6) for t in (0, 5, 10)]
    [1.0, 0.6, 0.2]
    """
    return end + (1 - end) * (1 + math.cos(math.pi * min(t / rounds, 1))) / 2


def refuse(wrong: dict[str, bool]) -> None:
    """Raise `BadInput` with the first sentence that is true of the options."""
    for sentence, is_wrong in wrong.items():
        if is_wrong:
            raise BadInput(sentence)
