"""Can a discriminator generate? It can if it looks for its own mistakes; see `sparring lab argmax-discriminator`."""

from sparring.claims import Claim, Measurements, at_least, at_most, median
from sparring.data.toys import mixture
from sparring.lab.argmax_discriminator import MIXTURE, NEGATIVES, drill, explore, told_apart

DRILL, EXPLORE = 1000, 2000


def measure(seed: int) -> dict[str, float]:
    """Precision on 4x4 bars and stripes, and how often a classifier tells the mixture's samples from data, by negatives."""
    data, held_out = mixture("mixture", MIXTURE), mixture("mixture", MIXTURE, seed=1)
    found: dict[str, float] = {}
    for negatives in NEGATIVES:
        *_, (_, precision, recall) = drill(negatives, DRILL, seed)
        found[f"{negatives}: both"] = precision * recall
        found[f"{negatives}: told apart"] = told_apart(explore(negatives, EXPLORE, seed, data), held_out, seed)[1]
    return found


def gained(measured: Measurements) -> float:
    return median("random: told apart")(measured) - median("argmax: told apart")(measured)


CLAIMS = (
    Claim(
        "discriminator",
        "4x4 bars and stripes: share of what D believes in that is right, times share of what is right that it believes in, negatives "
        "by argmax D (baseline: 64 fixed negatives)",
        ">= 1",
        median("argmax: both"),
        at_least(1),
        median("fixed: both"),
    ),
    Claim(
        "discriminator",
        "the same with fresh random negatives, which do as well in so small a space (baseline: 64 fixed negatives)",
        ">= 1",
        median("random: both"),
        at_least(1),
        median("fixed: both"),
    ),
    Claim(
        "discriminator",
        "eight Gaussians in the plane: held-out accuracy of a classifier between samples and data, negatives by argmax D (chance .5; "
        "baseline: random negatives)",
        "<= 0.56",
        median("argmax: told apart"),
        at_most(0.56),
        median("random: told apart"),
    ),
    Claim(
        "discriminator",
        "how much nearer chance than with random negatives",
        ">= 0.2",
        gained,
        at_least(0.2),
        "random negatives themselves: 0",
    ),
)
