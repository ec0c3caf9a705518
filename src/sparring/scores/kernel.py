"""Kernel distance: the squared maximum mean discrepancy under a polynomial kernel; KID on Inception features.

Unbiased at any count, so it may be compared across counts and can be slightly negative: what the Frechet distance cannot do.

References:
    Demystifying MMD GANs (Binkowski et al., 2018), section 4 and appendix D.
    A Kernel Two-Sample Test (Gretton et al., 2012), equation 3.
"""

from typing import Any

import numpy as np

from sparring.scores import arrays
from sparring.scores.passport import Score, passport


def kernel(real: Any, fake: Any, *, degree: int = 3, chunk: int = 1024) -> Score:
    """The unbiased estimate of MMD^2 with kernel (x . y / d + 1)^degree, over all pairs.

    Published KIDs average it over random subsets of 1,000: the same expectation with more noise. The interval is the jackknife's
    in the limit of many rows, from each row's mean kernel; near 0 it errs on the wide side, by sqrt 2 at most.

    Args:
        real, fake: (n, d), (m, d) features, at least 10 rows each. chunk: rows of the kernel matrix held at once.
    """
    real = arrays.matrix(real, "real features", least=10)
    fake = arrays.matrix(fake, "generated features", like=real, least=10)
    n, m = len(real), len(fake)
    # Mean kernel of each row with its own side (itself left out) and with the other side.
    own, own_fake = _own_mean(real, degree, chunk), _own_mean(fake, degree, chunk)
    cross, cross_fake = _cross_means(real, fake, degree, chunk)
    value = float(own.mean() + own_fake.mean() - 2 * cross.mean())
    variance = 4 * (own - cross).var(ddof=1) / n + 4 * (own_fake - cross_fake).var(ddof=1) / m
    half = 1.959963984540054 * float(variance) ** 0.5
    facts = passport(reference=n, sample=m, degree=degree, estimator="unbiased, all pairs", interval_by="jackknife")
    return Score("kernel", value, (value - half, value + half), facts)


def _kernel(x: np.ndarray, y: np.ndarray, degree: int) -> np.ndarray:
    base = x @ y.T / x.shape[1] + 1
    powers = base.copy()
    for _ in range(degree - 1):  # products: ten times the speed of a power
        powers *= base
    return powers


def _own_mean(x: np.ndarray, degree: int, chunk: int) -> np.ndarray:
    """Mean kernel (n,) of each row with all other rows; the matrix is symmetric, so its upper half will do."""
    sums = -(((x**2).sum(axis=1) / x.shape[1] + 1) ** degree)
    for start in range(0, len(x), chunk):
        block = _kernel(x[start : start + chunk], x[start:], degree)
        sums[start : start + chunk] += block.sum(axis=1)
        sums[start + chunk :] += block[:, chunk:].sum(axis=0)
    return sums / (len(x) - 1)


def _cross_means(x: np.ndarray, y: np.ndarray, degree: int, chunk: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean kernel of each row of x (n,) with y, and of each row of y (m,) with x."""
    rows, columns = np.empty(len(x)), np.zeros(len(y))
    for start in range(0, len(x), chunk):
        block = _kernel(x[start : start + chunk], y, degree)
        rows[start : start + chunk] = block.mean(axis=1)
        columns += block.sum(axis=0)
    return rows, columns / len(x)
