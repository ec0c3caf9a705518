"""Can a discriminator generate? D alone, with no generator to train it against."""

import math
from collections.abc import Iterator
from typing import Any, Literal

import torch
from torch import Tensor

from sparring import losses
from sparring.errors import BadInput
from sparring.game import Game, Move, Player
from sparring.networks import Discriminator, features_of, trunk

from .duel import refuse

MOST_STATES = 2**20
Negatives = Literal["argmax", "random", "fixed"]


class DiscriminatorAlone(Game):
    r"""D learns from the data and from negatives it finds itself: whatever it takes for most real, x~ = argmax D(x).

        repeat:  D learns to tell data from the pool of negatives;  the pool is moved towards argmax D(x)

    A small binary space is searched whole, and its highest-scored states become the negatives. Anything larger is searched by many
    points at once: the pool's rows climb D's slope in x, a few steps a round, and go on from there the next time. With the
    logistic loss D tends to log p/q, where q is the pool's distribution, so rows that climb it descend KL(q || p): the pool becomes
    the sample, and it is what this game believes. A generator is no more than a fast answer to the same argmax.

    Args:
        shape: (C, H, W) of a picture, or (d,) of a vector; from the data.
        binary: Pixels or coordinates are -1 or 1, at most 20 of them: the space is enumerated.
        negatives: Where they come from: argmax D; fresh random rows; or the first pool for ever. The last two are what the first
            must beat.
        pool: How many negatives are remembered.
        steps: Steps up D's slope in a round.
        step: Their size, in units of the data squared (D has no unit).
        temperature: 0 climbs. Above, rows drift by Langevin's dynamics towards exp(D / temperature), and D descends E D(x~) -
            E D(x): an energy-based model, and contrastive divergence.
        restart: Share of the rows that begin anew, at random, when they are taken up; others will find modes nobody has found.
        width: Channels next to the picture; MLPs use twice as many units.
        lr: Learning rate.
        betas: Adam's decay rates.
        r1: Weight gamma of D's squared gradient on real rows: keeps the slope that rows climb smooth.
        r2: The same on negatives.
        spectral: Spectral normalisation of D.

    References:
        Machine Learning course, lecture "Introduction of Generative Adversarial Network" (Lee, 2018): can D generate?
        Training Products of Experts by Minimizing Contrastive Divergence (Hinton, 2002): negatives from the model itself
        Implicit Generation and Modeling with Energy Based Models (Du and Mordatch, 2019): the persistent pool, restarted at times
    """

    pool: Tensor
    low: Tensor
    high: Tensor
    seen: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        binary: bool = False,
        negatives: Negatives = "argmax",
        pool: int = 1024,
        steps: int = 10,
        step: float = 0.01,
        temperature: float = 0.0,
        restart: float = 0.0,
        width: int = 64,
        lr: float = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        r1: float = 0.1,
        r2: float = 0.1,
        spectral: bool = False,
    ) -> None:
        size = math.prod(shape)
        refuse(
            {
                f"Option --binary searches all 2^{size} rows, but only up to 2^20 can be searched; leave it out to climb D's slope "
                "instead.": binary and 2**size > MOST_STATES,
                "Options --pool and --steps are 1 or more.": min(pool, steps) < 1,
                "Option --step must be greater than 0, --temperature 0 or more.": step <= 0 or temperature < 0,
                "Option --restart is a share, from 0 to 1.": not 0 <= restart <= 1,
            }
        )
        super().__init__()
        self.shape, self.binary, self.negatives = tuple(shape), binary, negatives
        self.steps, self.step, self.temperature, self.restart, self.r1, self.r2 = steps, step, temperature, restart, r1, r2
        body = trunk(self.shape, width)
        self.D = Discriminator(body, features_of(body, self.shape), spectral=spectral)
        self.discriminator = Player(self.D, lr=lr, betas=betas)
        # Everything that outlives a round is a buffer, so that resuming is exact: the pool, and the box that searches start in.
        self.bounded = binary or len(shape) == 3
        self.register_buffer("low", torch.full((1, *shape), -1.0))
        self.register_buffer("high", torch.full((1, *shape), 1.0))
        self.register_buffer("seen", torch.tensor(self.bounded))
        self.register_buffer("pool", self.starts(pool))

    # ── negatives ────────────────────────────────────────────────────────────────────────
    def look(self, x: Tensor) -> None:
        """Vectors have any unit: let the searches start in twice the box of the first batch."""
        low, high = x.amin(0, keepdim=True), x.amax(0, keepdim=True)
        self.low.copy_(low - (high - low) / 2)
        self.high.copy_(high + (high - low) / 2)
        self.pool.copy_(self.starts(len(self.pool)))
        self.seen.fill_(True)

    def starts(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """(n, *shape): rows that nobody has looked for, uniform in the box of the data; of signs where the space is binary."""
        u = torch.rand(n, *self.shape, generator=generator).to(self.low)
        return self.low + (self.high - self.low) * (u.round() if self.binary else u)

    def climb(self, x: Tensor, steps: int, generator: torch.Generator | None = None) -> Tensor:
        """Rows moved up D's slope in x, pictures within [-1, 1]; D itself gets no gradient."""
        for _ in range(steps):
            x = x.detach().requires_grad_()
            with torch.enable_grad():
                (slope,) = torch.autograd.grad(self.D(x).sum(), x)
            x = x.detach() + self.step * slope
            if self.temperature:
                noise = torch.randn(x.shape, generator=generator).to(x)
                x = x + math.sqrt(2 * self.step * self.temperature) * noise
            x = x.clamp(self.low, self.high) if self.bounded else x
        return x

    def state(self, number: Tensor) -> Tensor:
        """(n,) numbers below 2^size -> (n, *shape): the rows of the binary space that they write out, -1 for 0."""
        bits = 2 ** torch.arange(math.prod(self.shape), device=number.device)
        return ((number[:, None] & bits != 0).to(self.dtype) * 2 - 1).reshape(-1, *self.shape)

    def scores(self) -> Tensor:
        """(2^size,): D's logit of every row of the binary space, by number."""
        numbers = torch.arange(2 ** math.prod(self.shape), device=self.device)
        with self.serving(self.D) as D:
            return torch.cat([D(self.state(part)) for part in numbers.split(2**14)])

    def find(self, n: int) -> Tensor:
        """(n, *shape) negatives for this round, or as many as the pool holds; what is found replaces what was started from."""
        if self.negatives == "random":
            return self.starts(n)
        where = torch.randperm(len(self.pool))[:n].to(self.device)
        if self.negatives == "argmax" and self.binary:
            best = self.scores().topk(min(len(where), 2 ** math.prod(self.shape))).indices
            self.pool[where[: len(best)]] = self.state(best)
        elif self.negatives == "argmax":
            anew = (torch.rand(len(where)) < self.restart).to(self.device).reshape(-1, *[1] * len(self.shape))
            self.pool[where] = self.climb(torch.where(anew, self.starts(len(where)), self.pool[where]), self.steps)
        return self.pool[where]

    def round(self, data: Iterator[Tensor]) -> Iterator[Move]:
        x = next(data)
        if not self.seen:
            self.look(x)
        x_fake = self.find(len(x))
        # The slope of E D(x~) - E D(x) is that of -log p_D where x~ is drawn from p_D ~ exp(D / temperature).
        objective = losses.OBJECTIVES["wasserstein" if self.temperature else "non-saturating"]
        judged = objective.judge(self.D(x), self.D(x_fake))
        penalties = {name: g * losses.r1(self.D, at) for name, g, at in (("r1", self.r1, x), ("r2", self.r2, x_fake)) if g}
        yield {self.discriminator: {**judged, **penalties}}

    # ── use ──────────────────────────────────────────────────────────────────────────────
    def believed(self) -> Tensor:
        """(n, *shape): every row of the binary space that D takes for data, its logit above 0, the surest first."""
        if not self.binary:
            raise BadInput("Only a binary space can be listed; train with --binary, or use sample.")
        scores = self.scores()
        order = scores.argsort(descending=True)
        return self.state(order[: int((scores > 0).sum())]).float()

    def sample(self, n: int, generator: torch.Generator | None = None, **condition: Any) -> Tensor:
        """(n, *shape) float32 rows that D believes in, pictures in [-1, 1].

        In a binary space, any that it takes for data (the most real one where it takes none). Else rows of the pool, which have
        climbed D all along; where negatives were not searched for, random rows that climb the finished D first.
        """
        if self.binary:
            rows = self.believed()
            rows = rows if len(rows) else self.state(self.scores().argmax()[None]).float()
            return rows[torch.randint(len(rows), (n,), generator=generator).to(self.device)]
        if self.negatives == "argmax":
            size = len(self.pool)
            which = torch.randperm(size, generator=generator) if n <= size else torch.randint(size, (n,), generator=generator)
            return self.pool[which[:n].to(self.device)].float()
        return self.search(n, generator)

    def search(self, n: int, generator: torch.Generator | None = None, steps: int = 500) -> Tensor:
        """(n, *shape) float32: random rows after `steps` steps up the slope of the finished D."""
        with self.serving(self.D):
            return self.climb(self.starts(n, generator), steps, generator).float()
