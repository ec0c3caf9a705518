"""Mixtures of Gaussians in the plane whose modes can be counted: the ring of 8 and the grid of 25.

References:
    Unrolled Generative Adversarial Networks (Metz et al., 2017), section 3.2 and appendix: mode dropping on a ring.
    VEEGAN (Srivastava et al., 2017), section 4.1: 8 modes on a ring and 25 on a grid.
"""

from typing import NamedTuple

import numpy as np

from .dataset import Data

ROWS = 50_000


class Modes(NamedTuple):
    """Equally likely round Gaussians."""

    centres: np.ndarray  # (k, 2) float64
    sigma: float


def ring_modes() -> Modes:
    """Eight modes on the unit circle, 45 degrees apart, sigma 0.01.

    >>> ring_modes().centres[2].round(6).tolist()
    [0.0, 1.0]
    """
    # Not linspace(0, 2 pi, 8): it would put its last mode on its first and leave seven.
    angle = 2 * np.pi * np.arange(8) / 8
    return Modes(np.stack([np.cos(angle), np.sin(angle)], 1), 0.01)


def grid_modes() -> Modes:
    """The 25 points of {-4, -2, 0, 2, 4}^2, sigma 0.05."""
    side = np.arange(-4.0, 5.0, 2.0)
    return Modes(np.stack(np.meshgrid(side, side, indexing="ij"), -1).reshape(-1, 2), 0.05)


def mixture(name: str, modes: Modes, rows: int = ROWS, seed: int = 0) -> Data:
    """`rows` points, equally many of each mode (give or take one), in an order of chance; the label is the mode."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(rows) % len(modes.centres))
    x = modes.centres[labels] + modes.sigma * rng.standard_normal((rows, 2))
    return Data(
        name,
        x.astype(np.float32),
        labels,
        tuple(map(str, range(len(modes.centres)))),
        notes=[f"{rows:,} points in the plane from {len(modes.centres)} modes of sigma {modes.sigma:g}."],
    )
