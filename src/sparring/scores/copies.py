"""Copies: does the generator remember its training pictures?

A distance alone says nothing, so held-out pictures set the scale: how near does new real data come to the training set?

References:
    A Non-Parametric Test to Detect Data-Copying in Generative Models (Meehan et al., 2020): held-out distances as the yardstick.
"""

from typing import Any

import numpy as np

from sparring.errors import BadInput
from sparring.scores import arrays
from sparring.scores.passport import Score, passport, proportion


def copies(train: Any, held_out: Any, fake: Any, *, quantile: float = 0.01) -> Score:
    """Share of generated rows nearer to a training row than all but `quantile` of held-out rows are.

    A generator as good as new data scores `quantile`; well above it, pictures are copied. Near 0 is no merit: noise is far from
    everything. `details` holds the threshold and the nearest pair, (generated row, training row).

    Args:
        train, held_out, fake: (n, d), (h, d), (m, d) features or flattened pictures; at least 1 / quantile held-out rows.
    """
    from sklearn.neighbors import NearestNeighbors

    if not 0 < quantile < 1:
        raise BadInput(f"The quantile of held-out distances must lie between 0 and 1, not {quantile}.")
    train = arrays.matrix(train, "training rows")
    held_out = arrays.matrix(held_out, "held-out rows", like=train, least=int(np.ceil(1 / quantile)))
    fake = arrays.matrix(fake, "generated rows", like=train)
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(train)
    threshold = float(np.quantile(search.kneighbors(held_out)[0][:, 0], quantile))
    distances, nearest = (found[:, 0] for found in search.kneighbors(fake))
    closest = int(distances.argmin())
    details = {"threshold": threshold, "nearest": [closest, int(nearest[closest])], "distance": float(distances[closest])}
    facts = passport(reference=len(train), sample=len(fake), quantile=quantile, held_out=len(held_out), details=details)
    return proportion("copies", distances < threshold, facts)
