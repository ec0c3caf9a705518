"""Mode collapse as numbers: which of the modes that are known to be there does a generator reach, and how evenly?

References:
    PacGAN: The power of two samples in generative adversarial networks (Lin et al., 2018), section 4.1, and the authors' code:
    a sample belongs to the nearest mode and is good when it is less than 3 standard deviations from it; a mode is covered by one
    good sample; the histogram is one of good samples.
"""

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from sparring.errors import BadInput
from sparring.scores import arrays


@dataclass(frozen=True)
class ModeReport:
    """What was reached of `of` modes that should be equally likely.

    Attributes:
        modes: modes that hold at least one good sample.
        good: share of samples that are good. The truth itself has 98.9 % in two dimensions: P(|x| < 3 sigma) = 1 - e^-4.5.
        fair: modes that hold at least 20 % of their fair share, count / `of`, in good samples: one lucky sample is not a mode
        learnt. reverse_kl: KL(histogram of good samples || uniform) in nats, 0 to log(`of`); infinite without any good sample.
        of: modes there are.
        histogram: good samples in each mode, (of,).
    """

    modes: int
    good: float
    fair: int
    reverse_kl: float
    of: int
    histogram: np.ndarray


def mode_report(samples: Any, centres: Any, sigma: float) -> ModeReport:
    """The report for samples (n, d) of equal round Gaussians at `centres` (k, d) with standard deviation `sigma` on each axis.

    Raises `BadInput` on unequal dimensions, no samples, NaN, or sigma <= 0.

    >>> report = mode_report([[0, 0], [0, 0.02], [1, 1]], [[0, 0], [5, 5]], sigma=0.01)
    >>> report.modes, report.of, round(report.good, 3), round(report.reverse_kl, 3)
    (1, 2, 0.667, 0.693)
    """
    from scipy.spatial.distance import cdist

    centres = arrays.matrix(centres, "centres", least=1)
    samples = arrays.matrix(samples, "samples", least=1, like=centres)
    if not 0 < sigma < inf:
        raise BadInput(f"A mode's standard deviation must be a positive number, not {sigma}.")
    distances = cdist(samples, centres)
    nearest = distances.argmin(1)
    good = distances[np.arange(len(samples)), nearest] < 3 * sigma
    return _report(np.bincount(nearest[good], minlength=len(centres)), len(samples))


def mode_report_labels(labels: Any, modes: int) -> ModeReport:
    """The same where a classifier names each sample's mode (stacked digits: 1,000 of them); every sample then counts as good.

    labels: (n,) integers 0..modes-1; else `BadInput`. State the classifier's accuracy beside the figures: its errors cover modes.

    >>> mode_report_labels([0, 1, 2, 2], 4).modes
    3
    """
    labels = np.asarray(labels.detach().cpu() if hasattr(labels, "detach") else labels)
    if labels.ndim != 1 or len(labels) == 0 or labels.dtype.kind not in "iu":
        raise BadInput(f"The labels must be at least one integer a sample, (n,), not {labels.dtype} of shape {labels.shape}.")
    if labels.min() < 0 or labels.max() >= modes:
        raise BadInput(f"The labels run from {labels.min()} to {labels.max()}, but {modes} modes are numbered 0 to {modes - 1}.")
    return _report(np.bincount(labels, minlength=modes), len(labels))


def _report(histogram: np.ndarray, samples: int) -> ModeReport:
    good, of = int(histogram.sum()), len(histogram)
    reached = histogram[histogram > 0] / max(good, 1)
    return ModeReport(
        modes=len(reached),
        good=good / samples,
        fair=int((histogram >= 0.2 * samples / of).sum()),
        reverse_kl=float((reached * np.log(reached * of)).sum()) if good else inf,
        of=of,
        histogram=histogram,
    )
