"""Can a discriminator generate? It can if it looks for its own mistakes.

D alone learns from data and negatives, and samples what it takes for most real. Three sources of negatives, all else equal: what
argmax D finds, fresh random rows, and one fixed pool of random rows.

- 4x4 pictures of bars and stripes: 30 of 65,536 are right, and all of them can be looked at.
- A mixture of eight Gaussians in the plane, where the samples must have the right density too: a classifier is trained to tell
  them from data, and its held-out accuracy is .5 when it cannot.

References:
    Machine Learning course, lecture "Introduction of Generative Adversarial Network" (Lee, 2018): can D generate?
    Revisiting Classifier Two-Sample Tests (Lopez-Paz and Oquab, 2017)
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sparring.data import Data, Modes, draw, ring_modes, views
from sparring.data.toys import mixture
from sparring.games.discriminator import DiscriminatorAlone, Negatives
from sparring.lab import Progress, Result, publish, silent
from sparring.lab.stack import seeded
from sparring.loop import play
from sparring.scores.two_sample import classifier_two_sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEGATIVES: tuple[Negatives, ...] = ("argmax", "random", "fixed")
MIXTURE = Modes(ring_modes().centres, 0.1)
BATCH = 128


def bars_and_stripes(side: int) -> Tensor:
    """Every picture whose rows are all alike, or whose columns are: (2^(side + 1) - 2, 1, side, side) of -1 and 1.

    >>> len(bars_and_stripes(4))
    30
    """
    lines = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=side)))
    both = torch.cat([lines[:, :, None].expand(-1, side, side), lines[:, None, :].expand(-1, side, side)])
    return both.unique(dim=0)[:, None]


def drill(negatives: Negatives, rounds: int, seed: int, side: int = 4, every: int = 20) -> Iterator[tuple[int, float, float]]:
    """Plays bars and stripes; now and then (rounds, precision, recall) of everything D believes in, among all 2^(side^2)."""
    right = bars_and_stripes(side)
    keys = {tuple(row.flatten().tolist()) for row in right}
    pool = 64 if negatives == "fixed" else 1024
    with seeded(seed):
        game = DiscriminatorAlone(
            (1, side, side),
            binary=True,
            negatives=negatives,
            pool=pool,
            width=32,
            lr=1e-3,
            r1=0.0,
            r2=0.0,
        )
        for t, _ in play(game, lambda t: iter([right[torch.randint(len(right), (BATCH,))]]), 0, rounds, seed):
            if (t + 1) % every == 0:
                believed = game.believed()
                hits = sum(tuple(row.flatten().tolist()) in keys for row in believed[: 4 * len(right)])
                yield t + 1, hits / max(len(believed), 1), hits / len(right)


def explore(negatives: Negatives, rounds: int, seed: int, data: Data, **options: Any) -> DiscriminatorAlone:
    """D after `rounds` rounds on `data` with negatives from this source."""
    with seeded(seed):
        game = DiscriminatorAlone(data.shape, negatives=negatives, **options)
        for _ in play(game, lambda t: draw(views.pictures, data, BATCH, seed, 0, t), 0, rounds, seed):
            pass
    return game


def told_apart(game: DiscriminatorAlone, held_out: Data, seed: int, count: int = 2000) -> tuple[Tensor, float]:
    """(count, d) samples, and the accuracy of a fresh classifier between them and rows that D has never seen."""
    x = game.sample(count, generator=torch.Generator().manual_seed(seed))
    rows = held_out.x(slice(0, count))
    return x, classifier_two_sample(x.flatten(1), rows.flatten(1), seed=seed).value


def run(out: Path, seed: int = 0, quick: bool = False, progress: Progress = silent) -> Result:
    """Three discriminators on each of the two worlds (three minutes on one core)."""
    data, held_out = mixture("mixture", MIXTURE), mixture("mixture", MIXTURE, seed=1)
    drills: dict[str, np.ndarray] = {}
    found: dict[str, tuple[Tensor, float]] = {}
    table: list[dict] = []
    for i, negatives in enumerate(NEGATIVES):
        drills[negatives] = np.array(list(drill(negatives, 40 if quick else 1000, seed, side=3 if quick else 4)))
        progress((2 * i + 1) / 6)
        game = explore(negatives, 20 if quick else 2000, seed, data)
        found[negatives] = told_apart(game, held_out, seed, 200 if quick else 2000)
        progress((2 * i + 2) / 6)
        _, precision, recall = drills[negatives][-1].tolist()
        table.append(
            {
                "negatives": negatives,
                "precision on bars and stripes": precision,
                "recall": recall,
                "mixture: told apart": found[negatives][1],
            }
        )
    argmax, random, fixed = table
    key = "precision on bars and stripes"
    paragraph = f"""A discriminator alone can generate: of the 4x4 pictures it believes in, {argmax[key]:.0%} are bars or stripes when its
        negatives are what argmax D finds, {random[key]:.0%} with fresh random negatives, {fixed[key]:.2%} with 64 fixed ones, which it
        learns by heart. In so small a space random negatives do as well. In the plane they do not: they put D's maxima at the centres
        of the modes, and a classifier tells its samples from data {random["mixture: told apart"]:.0%} of the time; negatives that climb
        D until it stops believing them end up distributed like the data ({argmax["mixture: told apart"]:.0%}, chance is 50 %). It
        takes a search for every sample, though, and a generator learns to answer at once: that is the case for a GAN (Lee's lecture
        of 2018, "Can D generate?")."""
    from sparring.lab.style import panels

    figure, (left, middle, right) = panels(3, height=4.2)
    _draw_drills(left, drills)
    for ax, negatives in ((middle, "argmax"), (right, "random")):
        _draw_samples(ax, held_out.x(slice(0, 1000)), *found[negatives], negatives)
    return publish(out, "argmax-discriminator", figure, table, paragraph, seed=seed, quick=quick)


def _draw_drills(ax: "Axes", drills: dict[str, np.ndarray]) -> None:
    from sparring.lab.style import COLOURS, legend, name

    for (negatives, drilled), colour in zip(drills.items(), COLOURS, strict=False):
        ax.plot(drilled[:, 0], drilled[:, 1], color=colour, linewidth=2.4, label=negatives)
    ax.set_ylim(-0.03, 1.05)
    name(ax, "Bars and stripes: how much of what\nD believes is right", "round", "precision")
    legend(ax)


def _draw_samples(ax: "Axes", x: Tensor, x_fake: Tensor, accuracy: float, negatives: str) -> None:
    from sparring.lab.style import COLOURS, GREY, name

    ax.scatter(x[:, 0], x[:, 1], s=6, color=GREY, alpha=0.35, linewidths=0)
    ax.scatter(x_fake[:1000, 0], x_fake[:1000, 1], s=6, color=COLOURS[NEGATIVES.index(negatives)], alpha=0.6, linewidths=0)
    ax.set(xlim=(-1.7, 1.7), ylim=(-1.7, 1.7), xticks=[], yticks=[], aspect="equal")
    ax.grid(False)
    ax.spines[:].set_visible(False)
    name(ax, f"Samples, {negatives} negatives:\ntold from data {accuracy:.0%} of the time")
