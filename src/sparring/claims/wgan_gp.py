"""A critic with a gradient penalty measures the earth mover's distance itself; a clipped one measures an unknown multiple of it."""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from sparring.claims import Claim, at_most, median
from sparring.data import load
from sparring.game import make
from sparring.games import WGAN, WGANGP
from sparring.lab.parallel_lines import exact
from sparring.lab.stack import seeded
from sparring.scores.transport import emd, emd_1d

POINTS, MOVES = 256, 3000


class Given(nn.Module):
    """In place of a generator: points that are what they are."""

    def __init__(self, points: Tensor) -> None:
        super().__init__()
        self.register_buffer("points", points)

    def forward(self, z: Tensor) -> Tensor:
        return self.points  # type: ignore[return-value]


def estimate(game: WGAN | WGANGP, x: Tensor, x_fake: Tensor) -> float:
    """E f(x) - E f(x_fake) after the game's critic has made its moves of one round on these points, and G none."""
    game.G = Given(x_fake)  # type: ignore[assignment]
    game.begin(0, 1)
    for move in game.round(iter([x] * MOVES)):
        if game.discriminator in move:
            make(move)
    with torch.no_grad():
        return (game.D(x).mean() - game.D(x_fake).mean()).item()


def measure(seed: int) -> dict[str, float]:
    """Relative errors of both critics on 256 points of the ring against 256 of a round Gaussian; exact distances against theory."""
    with seeded(seed):
        x, x_fake = load("ring").x(slice(0, 50_000))[torch.randint(50_000, (POINTS,))], torch.randn(POINTS, 2) / 2
        W = emd(x, x_fake).cost
        penalised = estimate(WGANGP((2,), n_critic=MOVES, lr=1e-3), x, x_fake)
        clipped = estimate(WGAN((2,), n_warm=MOVES), x, x_fake)
    rng = np.random.default_rng(seed)
    lines = [rng.normal(size=rng.integers(5, 60)) * rng.uniform(0.1, 10) for _ in range(20)]
    heights = rng.random((POINTS, 1))
    thetas = (-1.0, -0.3, 0.001, 0.5)
    return {
        "penalised": abs(penalised / W - 1),
        "clipped": abs(clipped / W - 1),
        "closed form": max(abs(emd(a, b).cost - emd_1d(a, b)) for a, b in pairwise(lines)),
        "parallel lines": max(
            abs(emd(np.hstack([0 * heights, heights]), np.hstack([0 * heights + theta, heights])).cost - exact(theta)["W"])
            for theta in thetas
        ),
    }


CLAIMS = (
    Claim(
        "wgan-gp",
        "relative error of the critic's earth mover's distance on 256 + 256 points, against the exact value by assignment (baseline: "
        "a clipped critic)",
        "<= 0.15",
        median("penalised"),
        at_most(0.15),
        median("clipped"),
    ),
    Claim(
        "wgan-gp",
        "greatest difference between the earth mover's distance by linear programming and the closed form on the line, 19 pairs of "
        "unequal samples",
        "<= 1e-6",
        median("closed form"),
        at_most(1e-6),
        "two exact methods",
    ),
    Claim(
        "wgan-gp",
        "parallel lines: greatest |W - |theta|| over four thetas, by assignment",
        "<= 1e-6",
        median("parallel lines"),
        at_most(1e-6),
        "JSD is log 2 at every theta",
    ),
)
