"""Frechet distance: two sets of features as two Gaussians, |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)).

It is called FID only on Inception features; the extractor signs the name. The estimate is biased upwards, by about
c / n: two samples of one distribution are not at distance 0. The passport states how far those would stand apart, so that a
value near it is not taken for a difference.

References:
    GANs Trained by a Two Time-Scale Update Rule (Heusel et al., 2017), equation 6.
    The Frechet distance between multivariate normal distributions (Dowson & Landau, 1982).
    Effectively Unbiased FID and Inception Score and where to find them (Chong & Forsyth, 2020).
"""

from typing import Any

import numpy as np

from sparring.errors import BadInput
from sparring.scores import arrays
from sparring.scores.passport import Score, passport


def frechet(real: Any, fake: Any) -> Score:
    """The Frechet distance of two sets of features, in squared units of the features; 0 is alike.

    The interval is that of the delta method: what the sampling of both sides does to the value, the bias not included.

    Args:
        real, fake: (n, d), (m, d) features; more rows than columns on both sides.

    Raises:
        BadInput: NaN, other widths, or too few rows; the sentence states the bias.
    """
    real = arrays.matrix(real, "real features")
    fake = arrays.matrix(fake, "generated features", like=real)
    mean, covariance = real.mean(axis=0), _covariance(real)
    mean_fake, covariance_fake = fake.mean(axis=0), _covariance(fake)
    n, m, d = len(real), len(fake), real.shape[1]
    bias = expected_bias(real if n >= m else fake, n, m)
    if min(n, m) <= d:
        raise BadInput(
            f"{n} real and {m} generated rows are too few for the covariance of {d} features: two samples of one distribution "
            f"would already stand about {bias:.3g} apart; give more than {d} rows on both sides, or a smaller extractor."
        )
    value, transport, transport_back = _distance(mean, covariance, mean_fake, covariance_fake)
    # Each row's influence on the distance: its gradient in mean and covariance, along what the row adds to them.
    spread = _influence(real - mean, mean - mean_fake, transport).var() / n
    spread += _influence(fake - mean_fake, mean_fake - mean, transport_back).var() / m
    half = 1.959963984540054 * float(spread) ** 0.5
    facts = passport(reference=n, sample=m, interval_by="delta method", details={"bias": bias, "features": d})
    return Score("frechet", value, (max(0.0, value - half), value + half), facts)


def frechet_of_gaussians(mean: Any, covariance: Any, mean_fake: Any, covariance_fake: Any) -> float:
    """The Frechet distance of two Gaussians with means (d,) and covariances (d, d).

    >>> round(frechet_of_gaussians([0.0], [[1.0]], [3.0], [[4.0]]), 12)  # 3^2 + (2 - 1)^2
    10.0
    """
    arguments = (np.asarray(x, dtype=np.float64) for x in (mean, covariance, mean_fake, covariance_fake))
    return _distance(*arguments)[0]


def expected_bias(rows: np.ndarray, n: int, m: int) -> float:
    """How far two samples, of n and m rows, of the distribution of `rows` (r, d) are expected to stand apart, to first order in
    1/n.

    The mean contributes tr S; the covariance's error D contributes the Bures metric, sum_ij D_ij^2 / (2 (l_i + l_j)) in the
    eigenbasis of S, with E D_ij^2 = var(z_i z_j) / n from the rows' own fourth moments: features of networks have heavier tails
    than Gaussians.
    """
    rows = rows - rows.mean(axis=0)
    eigenvalues, vectors = np.linalg.eigh(_covariance(rows))
    squares = (rows @ vectors) ** 2
    variances = squares.T @ squares / len(rows) - np.diag(eigenvalues**2)
    sums = np.add.outer(eigenvalues, eigenvalues)
    live = sums > 1e-10 * max(eigenvalues.max(), 1e-300)
    bures = np.divide(variances, 2 * sums, out=np.zeros_like(sums), where=live).sum()
    return float((np.clip(eigenvalues, 0, None).sum() + bures) * (1 / n + 1 / m))


def _covariance(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=0)
    return centred.T @ centred / (len(x) - 1)


def _distance(m1: np.ndarray, s1: np.ndarray, m2: np.ndarray, s2: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """The distance, and the optimal transport maps (d, d) from 1 to 2 and from 2 to 1.

    With A = S1^(1/2): tr (S1 S2)^(1/2) = tr (A S2 A)^(1/2). Symmetric matrices only, so eigenvalues are real and a singular
    covariance does no harm; the product S1 S2 itself would need a general matrix square root, which fails there.
    """
    values, vectors = np.linalg.eigh(s1)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    values, vectors = np.linalg.eigh(root @ s2 @ root)
    singular = np.sqrt(np.clip(values, 0, None))
    value = float(((m1 - m2) ** 2).sum() + np.trace(s1) + np.trace(s2) - 2 * singular.sum())
    inverse = np.divide(1, singular, out=np.zeros_like(singular), where=singular > 1e-10 * max(singular.max(), 1e-300))
    back = root @ (vectors * inverse) @ vectors.T @ root  # S1^(1/2) (A S2 A)^(-1/2) S1^(1/2)
    forth = np.linalg.pinv(back, hermitian=True)
    return max(value, 0.0), forth, back


def _influence(centred: np.ndarray, difference: np.ndarray, transport: np.ndarray) -> np.ndarray:
    """The influence (n,) of each centred row: 2 (m1 - m2) x + x' (I - T) x, up to a constant."""
    return 2 * centred @ difference + (centred**2).sum(axis=1) - ((centred @ transport) * centred).sum(axis=1)
