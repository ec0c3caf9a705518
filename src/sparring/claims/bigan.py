"""BiGAN on permutation-invariant MNIST: E and G, trained by a judge of pairs only, come to invert each other, and E's codes keep class.

A seed plays 5,000 rounds, under 11 epochs and four minutes of one free core; the paper plays 400 epochs. That is enough for rows to
come back and too little for codes: their ratio falls slowly, and its band, which stays, is not met.

The paper reports no win over an autoencoder or a latent regressor at this task, and none is claimed here.

References:
    Adversarial Feature Learning (Donahue et al., 2017), section 4.1
"""

from typing import Any

import torch

from sparring.claims import Claim, at_least, at_most, median
from sparring.claims.training import trained, untrained
from sparring.data import Data, load
from sparring.games import BiGAN
from sparring.scores import probes, reconstruction

DATA = ("mnist",)
SETTINGS: dict[str, Any] = {"rounds": 5000, "batch": 128}
OPTIONS: dict[str, Any] = {}


def measure(seed: int) -> dict[str, float]:
    train, test = load("mnist", split="train"), load("mnist", split="test")
    games = {
        "ours": trained(BiGAN, train, seed=seed, **SETTINGS, **OPTIONS),
        "untrained": untrained(BiGAN, train, seed=seed, **OPTIONS),
    }
    return {
        f"{figure} {name}": value for name, game in games.items() for figure, value in figures(game, train, test, seed).items()
    }


def figures(game: BiGAN, train: Data, test: Data, seed: int) -> dict[str, float]:
    """Both cycles on held-out rows and fresh codes, and the class of held-out rows by the nearest of all training rows, between E's
    answers before the logistic, as the authors measure it."""
    x, z = test.x(), game.noise(len(test), torch.Generator().manual_seed(seed))
    return {
        "x": reconstruction.cycle(x, game.reconstruct(x)).value,
        "z": reconstruction.cycle(z, game.encode(game.decode(z)), name="cycle-z").value,
        "nearest": 100 * probes.knn(game.answers(train.x()), train.y(), game.answers(x), test.y()).value,
    }


CLAIMS = (
    Claim(
        "bigan",
        "|x - G(E(x))| over |x' - G(E(x))|, x' another held-out row (baseline: untrained)",
        "<= 0.80",
        median("x ours"),
        at_most(0.80),
        median("x untrained"),
    ),
    Claim(
        "bigan",
        "|z - E(G(z))| over |z' - E(G(z))|, z' another code (baseline: untrained)",
        "<= 0.75",
        median("z ours"),
        at_most(0.75),
        median("z untrained"),
    ),
    Claim(
        "bigan",
        "nearest neighbour by E(x) before the logistic, of 60,000 training rows: accuracy in % on 10,000 test rows (baseline: untrained)",
        ">= 94.5",
        median("nearest ours"),
        at_least(94.5),
        median("nearest untrained"),
    ),
    Claim(
        "bigan",
        "the same, points above the untrained E, the least of all seeds (baseline: no difference)",
        "> 0",
        lambda measured: min(m["nearest ours"] - m["nearest untrained"] for m in measured),
        lambda figure: figure > 0,
        lambda measured: 0.0,
    ),
)
