"""Precision, recall, density, coverage: is what is generated real, and is what is real generated?

Each side's support is a union of balls, one round each row, as wide as its k-th neighbour of its own side.

References:
    Improved Precision and Recall Metric for Assessing Generative Models (Kynkaanniemi et al., 2019), equation 2.
    Reliable Fidelity and Diversity Metrics for Generative Models (Naeem et al., 2020), equations 4 and 6.
"""

from typing import Any

import numpy as np

from sparring.scores import arrays
from sparring.scores.passport import Score, mean, passport, proportion


def manifold(real: Any, fake: Any, *, k: int = 5) -> list[Score]:
    """Precision, recall, density, coverage, in this order.

    Precision: share of generated rows inside a real ball. Recall: share of real rows inside a generated ball. Density: how many
    real balls hold a generated row, over k (may exceed 1). Coverage: share of real balls that hold a generated row; about 1 -
    2^-k for two samples of one distribution with equal counts. Counts move all four, so compare at equal counts only. The
    intervals are those of the rows that are averaged, with the other side and the balls taken as given.

    Args:
        real, fake: (n, d), (m, d) features, more than k rows each. k: neighbours that size a ball (5, as Naeem et al.).
    """
    from sklearn.metrics import pairwise_distances_chunked

    real = arrays.matrix(real, "real features", least=k + 1)
    fake = arrays.matrix(fake, "generated features", like=real, least=k + 1)
    radii, radii_fake = _radii(real, k), _radii(fake, k)
    covered, recalled = np.zeros(len(real), bool), np.zeros(len(real), bool)
    count = np.zeros(len(fake), int)

    def meet(distances: np.ndarray, start: int) -> None:
        """Distances (rows, m) of some real rows to all generated ones."""
        nonlocal count
        rows = slice(start, start + len(distances))
        inside = distances < radii[rows, None]
        count += inside.sum(axis=0)
        covered[rows] = inside.any(axis=1)
        recalled[rows] = (distances < radii_fake).any(axis=1)

    for _ in pairwise_distances_chunked(real, fake, reduce_func=meet, working_memory=64):
        pass
    facts = passport(reference=len(real), sample=len(fake), k=k)
    return [
        proportion("precision", count > 0, facts),
        proportion("recall", recalled, facts),
        mean("density", count / k, facts),
        proportion("coverage", covered, facts),
    ]


def _radii(x: np.ndarray, k: int) -> np.ndarray:
    """Distance (n,) of each row to its k-th neighbour, itself not counted."""
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(n_neighbors=k, algorithm="brute").fit(x).kneighbors()[0][:, -1]
