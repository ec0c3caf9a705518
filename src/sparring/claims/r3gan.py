"""Every mode of the ring, evenly, where a plain GAN of the same networks loses some; see `sparring lab mode-collapse`."""

from collections import deque

from sparring.claims import Claim, at_least, at_most, median
from sparring.lab.mode_collapse import VARIANTS, match, report, samples

# The plain GAN plays twice as long, so that it is not judged before its time.
ROUNDS = {"r3gan": 4000, "non-saturating": 8000}


def measure(seed: int) -> dict[str, float]:
    """Fair modes of 8, share of good samples and reverse KL in nats of 10,000 samples, for each game."""
    found: dict[str, float] = {}
    for variant, rounds in ROUNDS.items():
        ((_, game),) = deque(match("ring", *VARIANTS[variant], rounds, seed), maxlen=1)
        seen = report("ring", samples(game, seed))
        found |= {f"{variant}: fair": seen.fair, f"{variant}: good": seen.good, f"{variant}: reverse KL": seen.reverse_kl}
    return found


CLAIMS = (
    Claim(
        "r3gan",
        "modes of 8 on the ring with a fifth of their fair share or more (baseline: plain GAN, twice the rounds)",
        ">= 8",
        median("r3gan: fair"),
        at_least(8),
        median("non-saturating: fair"),
    ),
    Claim(
        "r3gan",
        "share of samples within 3 sigma of a mode; the truth has .989 (baseline: plain GAN)",
        ">= 0.85",
        median("r3gan: good"),
        at_least(0.85),
        median("non-saturating: good"),
    ),
    Claim(
        "r3gan",
        "reverse KL from even modes, nats (baseline: plain GAN)",
        "<= 0.03",
        median("r3gan: reverse KL"),
        at_most(0.03),
        median("non-saturating: reverse KL"),
    ),
    Claim(
        "r3gan",
        "the disease that is cured: reverse KL of the plain GAN, nats (baseline: r3gan)",
        ">= 0.15",
        median("non-saturating: reverse KL"),
        at_least(0.15),
        median("r3gan: reverse KL"),
    ),
)
