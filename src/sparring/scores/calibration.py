"""Calibration: does a classifier that says 80 % stand right four times in five?

References:
    On Calibration of Modern Neural Networks (Guo et al., 2017), equation 3.
    Verification of Forecasts Expressed in Terms of Probability (Brier, 1950).
"""

from typing import Any

import numpy as np

from sparring.errors import BadInput
from sparring.scores import arrays
from sparring.scores.passport import Score, bootstrap, mean, passport


def expected_calibration_error(probabilities: Any, labels: Any, *, bins: int = 15, seed: int = 0) -> Score:
    """Mean |accuracy - confidence| over equal-width bins of confidence, weighted by their counts, in [0, 1].

    It is biased upwards on few rows; the reliability table stands in the passport's `details`.

    Args:
        probabilities: (n, classes), rows that sum to 1. labels: (n,) integers 0..classes-1.
    """
    p, y = _checked(probabilities, labels)
    confidence, hits = p.max(axis=1), (p.argmax(axis=1) == y).astype(np.float64)
    facts = passport(sample=len(y), seed=seed, bins=bins, interval_by="bootstrap", details=reliability(p, y, bins=bins))
    interval = bootstrap(lambda c, h: _error(c, h, bins), confidence, hits, seed=seed, n=500)
    return Score("ece", _error(confidence, hits, bins), interval, facts)


def brier(probabilities: Any, labels: Any) -> Score:
    """Mean squared distance of the probabilities from the one-hot label, summed over classes: 0 to 2. Arguments as above."""
    p, y = _checked(probabilities, labels)
    return mean("brier", ((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1), passport(sample=len(y)))


def reliability(probabilities: Any, labels: Any, *, bins: int = 15) -> list[dict[str, float]]:
    """The reliability table: for each bin that holds a row, its upper edge, count, mean confidence and accuracy."""
    p, y = _checked(probabilities, labels)
    confidence, hits = p.max(axis=1), p.argmax(axis=1) == y
    which = _bin(confidence, bins)
    return [
        {
            "to": (b + 1) / bins,
            "count": int((which == b).sum()),
            "confidence": float(confidence[which == b].mean()),
            "accuracy": float(hits[which == b].mean()),
        }
        for b in np.unique(which)
    ]


def _bin(confidence: np.ndarray, bins: int) -> np.ndarray:
    """The bin of each confidence; bins are open below and closed above, as in the paper."""
    return np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)


def _error(confidence: np.ndarray, hits: np.ndarray, bins: int) -> float:
    gaps = np.bincount(_bin(confidence, bins), weights=hits - confidence, minlength=bins)  # count x (accuracy - confidence)
    return float(np.abs(gaps).sum() / len(hits))


def _checked(probabilities: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    p = arrays.matrix(probabilities, "probabilities", least=1)
    y = arrays.classes(labels, len(p), "labels", least=1)
    if p.shape[1] < 2 or (p < 0).any() or np.abs(p.sum(axis=1) - 1).max() > 1e-3:
        raise BadInput("The probabilities must be (n, classes), non-negative, and sum to 1 in each row: apply a softmax first.")
    if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= p.shape[1]:
        raise BadInput(f"The labels must be integers from 0 to {p.shape[1] - 1}, the columns of the probabilities.")
    return p, y
