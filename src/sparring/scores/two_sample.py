"""Are two samples from one distribution? Two tests with a p-value: can a classifier tell them apart, do their kernel means
differ?

References:
    Revisiting Classifier Two-Sample Tests (Lopez-Paz and Oquab, 2017)
    A Kernel Two-Sample Test (Gretton et al., 2012), lemma 6 and section 8
    Demystifying MMD GANs (Binkowski et al., 2018): the cubic kernel
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from sparring.errors import BadInput
from sparring.scores import arrays
from sparring.scores.passport import Score, passport, proportion

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]


def classifier_two_sample(x: Any, y: Any, *, hidden: int = 64, epochs: int = 100, seed: int = 0) -> Score:
    """Held-out accuracy of a fresh classifier that tells x from y; .5 when nothing does, `details["p"]` the one-sided binomial
    p-value.

    One hidden layer of ReLUs (the paper has 20) on standardised rows, Adam, trained on one half of each side and scored on the
    other; the larger side is cut so that chance is .5.

    x, y: (n, d), (m, d), at least 20 rows each. Raises `BadInput` on unequal dimensions, too few rows, NaN.

    >>> rng = np.random.default_rng(0)
    >>> score = classifier_two_sample(rng.normal(0, 1, (200, 1)), rng.normal(3, 1, (200, 1)))
    >>> score.value > 0.85, score.passport["details"]["p"] < 1e-6
    (True, True)
    """
    from scipy.stats import binomtest
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = arrays.matrix(x, "first sample", least=20)
    y = arrays.matrix(y, "second sample", least=20, like=x)
    rng, half = np.random.default_rng(seed), min(len(x), len(y)) // 2
    x, y = (rng.permutation(side)[: 2 * half] for side in (x, y))
    train, test = (np.concatenate([x[part], y[part]]) for part in (slice(None, half), slice(half, None)))
    side = np.repeat([0, 1], half)
    network = make_pipeline(
        StandardScaler(),
        MLPClassifier((hidden,), batch_size=min(64, 2 * half), learning_rate_init=5e-3, max_iter=epochs, random_state=seed),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is the protocol
        network.fit(train, side)
    hits = network.predict(test) == side
    p = binomtest(int(hits.sum()), len(hits), alternative="greater").pvalue
    facts = passport(reference=half, sample=half, seed=seed, hidden=hidden, epochs=epochs, details={"p": float(p)})
    return proportion("classifier-two-sample", hits, facts)


def rbf(bandwidth: float) -> Kernel:
    """k(a, b) = exp(-|a - b|^2 / (2 bandwidth^2)): its MMD is 0 for equal distributions only."""
    from scipy.spatial.distance import cdist

    if not 0 < bandwidth < np.inf:
        raise BadInput(f"A kernel's bandwidth must be a positive number, not {bandwidth}; are all rows equal?")
    return lambda a, b: np.exp(-cdist(a, b, "sqeuclidean") / (2 * bandwidth**2))


def polynomial(degree: int = 3) -> Kernel:
    """k(a, b) = (a.b / d + 1)^degree: compares moments up to the degree; the cubic one is what "kernel Inception distance"
    uses."""
    return lambda a, b: (a @ b.T / a.shape[1] + 1) ** degree


def mmd(x: Any, y: Any, kernel: Kernel | None = None, *, permutations: int = 500, seed: int = 0) -> Score:
    """The squared maximum mean discrepancy, unbiased (so it may fall below 0), with a permutation p-value in `details["p"]`.

    x, y: (n, d), (m, d), at least 2 rows each. kernel: `rbf(bandwidth)`, `polynomial(degree)` or any function of two blocks of
    rows; left out, an RBF whose bandwidth is the median distance between all rows. permutations: 0 leaves the test out. The
    kernel matrix of all rows is held: 16 (n + m)^2 bytes. Raises `BadInput` on unequal dimensions, too few rows, NaN.

    >>> rng = np.random.default_rng(0)
    >>> mmd(rng.normal(0, 1, (100, 2)), rng.normal(1, 1, (100, 2))).passport["details"]["p"] < 0.01
    True
    """
    x = arrays.matrix(x, "first sample")
    y = arrays.matrix(y, "second sample", like=x)
    both, bandwidth = np.concatenate([x, y]), None
    if kernel is None:
        from scipy.spatial.distance import pdist

        bandwidth = float(np.median(pdist(both)))
        kernel = rbf(bandwidth)
    K = kernel(both, both)
    first = np.arange(len(both)) < len(x)
    value = float(_unbiased(K, first[:, None])[0])
    details: dict[str, Any] = {"bandwidth": bandwidth}
    if permutations:
        rng = np.random.default_rng(seed)
        shuffled = _unbiased(K, rng.permuted(np.repeat(first[:, None], permutations, axis=1), axis=0))
        # The observed split is one of the permutations: so p is never 0 and the test keeps its level exactly.
        details["p"] = float((1 + (shuffled >= value).sum()) / (1 + permutations))
    facts = passport(reference=len(x), sample=len(y), seed=seed, precision="float64", permutations=permutations, details=details)
    return Score("mmd2", value, None, facts)


def _unbiased(K: np.ndarray, first: np.ndarray) -> np.ndarray:
    """MMD^2 of every column of a split (N, B): who is in the first sample."""
    a, b = first.astype(np.float64), 1.0 - first
    n, m = a.sum(0), b.sum(0)
    Ka, diagonal = K @ a, np.diag(K)
    within_a = (a * Ka).sum(0) - diagonal @ a
    across = (b * Ka).sum(0)
    within_b = K.sum() - (a * Ka).sum(0) - 2 * across - diagonal @ b
    return within_a / (n * (n - 1)) + within_b / (m * (m - 1)) - 2 * across / (n * m)
