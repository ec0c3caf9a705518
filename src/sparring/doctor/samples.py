"""What the samples tell: are they as various as the data, and are they its own?

References:
    On GANs and GMMs (Richardson and Weiss, 2018): cells of the data by k-means, and which of them the samples miss
    A Non-Parametric Test to Detect Data-Copying in Generative Models (Meehan et al., 2020): held-out rows as the yardstick
    Diffusion Probabilistic Models Generalize when They Fail to Memorize (Yoon et al., 2023): nearest against second nearest row
"""

import numpy as np
import torch
from torch import Tensor

from sparring.scores.copies import copies

from .patient import LEVELS, Diagnosis, Patient, graded

# Samples of a good generator lie as far apart as data do (ratio 1), and blurred ones a little less; half as far is no blur, and a
# tenth is one picture with noise on it.
SPREAD = (0.5, 0.9)  # of what is missing
# One mode of eight lost is 12 % of the data; a blind spot of a good generator on varied pictures is smaller than a quarter of them.
MISSED = (0.25, 0.6)
YOUNG = 500
"""Rounds. Nearly every generator begins with all its samples in one place, and modes are found one after another; until then, and
until half the run is played, it is only noted."""
CELLS = 10
"""Few, so that each holds whole modes: 32 cells cut the ring's eight into pieces, and half of them are missed by a generator that has
every mode but narrower or a little beside. A cell with a quarter of its share is empty by chance in 4 of 100 times with 128 samples."""

COPIED = (0.1, 0.5)
"""Share of samples; of new data by definition less than `QUANTILE` would be called copies."""
QUANTILE = 0.01
NEARER = 1 / 3
"""A copy is this much nearer to its original than to any other row, as Yoon et al. have it. Without it blurred pictures are accused,
which lie between many rows and nearer to each than rows lie to one another."""
NUMBERS = 2**24
"""Of training rows searched for originals: 21,000 of digits, 1,365 of 64 x 64 in colour."""


def mode_collapse(patient: Patient) -> Diagnosis | None:
    """How far samples lie apart, against data; and what share of the data lies where no sample comes."""
    x, x_fake = patient.train, patient.samples
    if x is None or x_fake is None or len(x) < 2 * CELLS:
        return None
    x, x_fake = x.flatten(1).double(), x_fake.flatten(1).double()
    apart, apart_fake = (float(torch.pdist(rows).mean()) for rows in (x, x_fake))
    if not apart > 0:
        return None
    reached = coverage(x, x_fake, CELLS, patient.run.config["seed"])
    level = max(graded(1 - apart_fake / apart, *SPREAD), graded(1 - reached, *MISSED), key=LEVELS.index)
    if patient.run.round < max(YOUNG, patient.run.config["rounds"] / 2) and level != "ok":
        level = "note"
    evidence = (
        f"{len(x_fake)} samples lie {apart_fake:.3g} apart, data {apart:.3g} (ratio {apart_fake / apart:.2f}), and come near "
        f"{reached:.0%} of the data, after {patient.run.round} rounds"
    )
    remedy = "after few rounds, play on; else train r3gan, add --r1 1 or --packing 2 where the system has them, or lower --lr"
    return Diagnosis("mode collapse", level, evidence, remedy)


def coverage(x: Tensor, x_fake: Tensor, cells: int, seed: int) -> float:
    """Share of rows x whose cell some sample falls into; the cells are those of k-means on x.

    Cells rather than balls round the rows: in many dimensions no ball holds a sample, be it ever so good.

    x: (n, d). x_fake: (m, d).
    """
    from sklearn.cluster import KMeans

    rows = x.numpy()
    cells = min(cells, len(np.unique(rows, axis=0)))
    means = KMeans(cells, n_init=4, random_state=seed % 2**32).fit(rows)
    return float(np.isin(means.labels_, means.predict(x_fake.numpy())).mean())


def copied_rows(patient: Patient) -> Diagnosis | None:
    """Samples nearer to one training row than new data come, and much nearer to that row than to any other."""
    from sklearn.neighbors import NearestNeighbors

    data, held_out, fake = patient.data("train"), patient.held_out, patient.samples
    if data is None or held_out is None or fake is None or len(held_out) < 32:
        return None
    searched = patient.rows(data, NUMBERS // fake[0].numel())
    if searched is None or len(searched) < 3:
        return None
    train, new, made = (rows.flatten(1).double().numpy() for rows in (searched, held_out, fake))
    quantile = max(QUANTILE, 1 / len(new))
    score = copies(train, new, made, quantile=quantile)
    first, second = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(train).kneighbors(made)[0].T
    limit = score.passport["details"]["threshold"]
    # What was not searched would show as many copies again.
    share = min(float(((first < limit) & (first < NEARER * second)).mean()) * len(data) / len(train), 1.0)
    evidence = (
        f"{share:.0%} of {len(made)} samples are copies: nearer to a training row than {limit:.3g}, as 1 in {1 / quantile:.0f} new "
        f"rows is, and three times nearer than to any other ({len(train):,} of {len(data):,} rows searched)"
    )
    remedy = "give more data, stop earlier, or add --augment color translation cutout where the system has it; these samples are not new"
    return Diagnosis("copied training rows", graded(share, *COPIED), evidence, remedy)
