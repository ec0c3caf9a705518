"""InfoGAN on MNIST: a code nobody taught is the digit, the bound on its information is reached, another code is the slant.

Half the paper's width, so that a seed takes minutes on one core. Codes are matched to digits on training rows and scored once
on the test rows. The baseline for the information shares all but lambda: Q learns from the same features, and nobody is paid for it.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.claims import Claim, at_least, at_most, median
from sparring.data import Data, draw, load, views
from sparring.distribute import seed_of
from sparring.game import Move
from sparring.games import InfoGAN
from sparring.loop import play
from sparring.scores import clustering

DATA = ("mnist",)
OPTIONS: dict[str, Any] = {"width": 32, "hidden": 256}
ROUNDS, CONTROL, BATCH = 4000, 1000, 64


class Unpaid(InfoGAN):
    """The same networks with lambda = 0 for D's trunk and G: Q alone learns, from features it cannot shape."""

    def round(self, data: Iterator[Tensor]) -> Iterator[Move]:
        x, c = next(data), self.codes(BATCH)
        x_fake = self.G(torch.cat([self.noise(len(x)), c], 1))
        real, fake = self.D(x), self.D(x_fake.detach())
        features = self.D.features(x_fake).detach()
        yield {self.discriminator: {**self.judge(real, fake), **self.information(self.Q(features), c)}}
        yield {self.generator: self.forge(real.detach(), self.D(x_fake))}


def trained(kind: type[InfoGAN], data: Data, rounds: int, seed: int, options: dict[str, Any]) -> InfoGAN:
    """`kind` after `rounds` rounds on `data`, as a run of that seed plays it."""
    torch.manual_seed(seed_of(seed, "weights"))
    game = kind(data.shape, **options).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for _ in play(game, lambda t: draw(views.pictures, data, BATCH, seed, 0, t), 0, rounds, seed):
        pass
    return game


def information(game: InfoGAN, n: int = 4000) -> float:
    """L_I of the categorical code in nats: H(c) + E log Q(c | G(z, c)), at most log 10 = 2.303."""
    z = game.latent(n, torch.Generator().manual_seed(0))
    c = z[:, game.z : game.z + game.categorical[0]]
    q = game.encode(game.decode(z))[:, : game.categorical[0]]
    return float(np.log(game.categorical[0]) + (q.clamp_min(1e-12).log() * c).sum(1).mean())


def slant(x: np.ndarray) -> np.ndarray:
    """(n, 28, 28) -> (n,): how far the ink leans, its covariance of column and row over the variance of rows."""
    ink = (x + 1) / 2
    mass = ink.sum((1, 2)) + 1e-9
    rows, columns = np.arange(x.shape[1], dtype=float), np.arange(x.shape[2], dtype=float)
    mean_row, mean_column = (ink.sum(2) @ rows) / mass, (ink.sum(1) @ columns) / mass
    across = np.einsum("nij,i,j->n", ink, rows, columns) / mass - mean_row * mean_column
    down = (ink.sum(2) @ rows**2) / mass - mean_row**2
    return -across / (down + 1e-9)


def slant_correlation(game: InfoGAN, n: int = 4000) -> float:
    """The greater |Spearman| of the two uniform codes with the slant, within each category, averaged over categories."""
    from scipy.stats import spearmanr

    z = game.latent(n, torch.Generator().manual_seed(1))
    leans = slant(game.decode(z)[:, 0].numpy())
    category = z[:, game.z : game.z + 10].argmax(1).numpy()
    codes = z[:, game.z + 10 :].numpy()
    within = [[spearmanr(codes[category == k, j], leans[category == k]).statistic for k in range(10)] for j in range(2)]
    return float(max(abs(np.mean(rhos)) for rhos in within))


def errors(game: InfoGAN, train: Data, test: Data, seed: int) -> dict[str, float]:
    """Errors on `test` of the categorical code and of k-means on raw pixels, both by a one-to-one map fitted on `train`."""
    y, y_test = train.y().numpy(), test.y().numpy()
    accuracy = clustering.one_to_one(game.cluster(train.x()).numpy(), y, game.cluster(test.x()).numpy(), y_test).value
    pixels, pixels_test = train.x().flatten(1).numpy(), test.x().flatten(1).numpy()
    baseline = clustering.kmeans(pixels, y, pixels_test, y_test, seed=seed)[0].value
    return {"error": 1 - accuracy, "k-means error": 1 - baseline}


def measure(seed: int) -> dict[str, float]:
    train, test = load("mnist", split="train"), load("mnist", split="test")
    game = trained(InfoGAN, train, ROUNDS, seed, OPTIONS)
    fit = train.subset(np.random.default_rng(seed).permutation(len(train))[:10_000])
    return {
        **errors(game, fit, test, seed),
        "information": information(game),
        "information unpaid": information(trained(Unpaid, train, CONTROL, seed, OPTIONS)),
        "slant": slant_correlation(game),
    }


CLAIMS = (
    Claim(
        "infogan",
        "error of the categorical code as a classifier of MNIST's test digits, one-to-one map from train, best seed (baseline: k-means)",
        "<= 0.15",
        lambda measured: min(m["error"] for m in measured),
        at_most(0.15),
        median("k-means error"),
    ),
    Claim(
        "infogan",
        "the same error, median seed (baseline: k-means)",
        "<= 0.30",
        median("error"),
        at_most(0.30),
        median("k-means error"),
    ),
    Claim(
        "infogan",
        "L_I of the categorical code in nats, at most 2.303 (baseline: lambda = 0, Q still trained)",
        ">= 2.0",
        median("information"),
        at_least(2.0),
        median("information unpaid"),
    ),
    Claim(
        "infogan",
        "L_I with lambda = 0, Q still trained",
        "<= 0.5",
        median("information unpaid"),
        at_most(0.5),
        "lambda = 1: the row above",
    ),
    Claim(
        "infogan",
        "|Spearman| of a uniform code with the slant of the digits drawn, within a category",
        ">= 0.6",
        median("slant"),
        at_least(0.6),
        "0: no relation",
    ),
)
