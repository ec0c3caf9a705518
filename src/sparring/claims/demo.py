"""The demo, `make demo`: InfoGAN on the digits that ship with scikit-learn, beside k-means on the same pixels.

The settings were chosen on a fifth of the training rows; the test rows are scored here. Fewer numbers of noise than the paper's
62 leave the differences between digits to the code, and continuous codes that are paid less do not take them over.
"""

from typing import Any

from sparring.claims import Claim, at_least, median
from sparring.data import load
from sparring.games import InfoGAN

from .infogan import errors, trained

OPTIONS: dict[str, Any] = {"width": 32, "z": 16, "weight_continuous": 0.02}
ROUNDS = 12_000


def measure(seed: int) -> dict[str, float]:
    train, test = load("digits", split="train"), load("digits", split="test")
    found = errors(trained(InfoGAN, train, ROUNDS, seed, OPTIONS), train, test, seed)
    return {**found, "gain": 100 * (found["k-means error"] - found["error"])}


CLAIMS = (
    Claim(
        "demo",
        "points by which InfoGAN's categorical code beats k-means as a classifier of held-out 8x8 digits (baseline: k-means' error, %)",
        ">= 5",
        median("gain"),
        at_least(5.0),
        lambda measured: 100 * median("k-means error")(measured),
    ),
)
