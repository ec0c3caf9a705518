"""Modes: what the truth itself scores, what a collapsed sample scores, and PacGAN's borderline cases."""

from math import inf, log, pi

import numpy as np
import pytest

from sparring.errors import BadInput
from sparring.scores.modes import mode_report, mode_report_labels

ANGLES = np.arange(8) * pi / 4
RING = np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1)


def ring(n: int, modes: int = 8, sigma: float = 0.01) -> np.ndarray:
    rng = np.random.default_rng(0)
    return RING[rng.integers(modes, size=n)] + sigma * rng.normal(size=(n, 2))


def test_the_truth() -> None:
    report = mode_report(ring(50_000), RING, 0.01)
    assert (report.modes, report.fair, report.of) == (8, 8, 8)
    assert report.good == pytest.approx(1 - np.exp(-4.5), abs=2e-3)
    assert report.reverse_kl < 1e-3
    assert report.histogram.sum() == report.good * 50_000


def test_collapse() -> None:
    report = mode_report(ring(4000, modes=2), RING, 0.01)
    assert (report.modes, report.fair) == (2, 2)
    assert report.reverse_kl == pytest.approx(log(4), abs=1e-2)


def test_one_lucky_sample_is_a_mode_but_no_fair_one() -> None:
    report = mode_report(np.concatenate([ring(1000, modes=7), RING[7:]]), RING, 0.01)
    assert (report.modes, report.fair) == (8, 7)


def test_the_border_is_three_sigma() -> None:
    report = mode_report([[2.999, 0.0], [3.001, 0.0]], [[0.0, 0.0]], 1.0)
    assert report.good == 0.5
    nothing = mode_report([[9.0, 9.0]], RING, 0.01)
    assert (nothing.modes, nothing.good, nothing.fair, nothing.reverse_kl) == (0, 0, 0, inf)


def test_labels() -> None:
    even = mode_report_labels(np.arange(1000).repeat(26), 1000)
    assert (even.modes, even.fair, even.good) == (1000, 1000, 1)
    assert even.reverse_kl == pytest.approx(0, abs=1e-12)
    single = mode_report_labels(np.zeros(10, int), 1000)
    assert single.modes == 1
    assert single.reverse_kl == pytest.approx(log(1000))
    # Two routes, one histogram.
    samples = ring(500, modes=5, sigma=0)
    labels = np.linalg.norm(samples[:, None] - RING, axis=2).argmin(1)
    assert mode_report_labels(labels, 8).reverse_kl == mode_report(samples, RING, 0.01).reverse_kl


def test_bad_input() -> None:
    for samples, says in ((np.zeros((3, 3)), "columns"), (np.zeros((0, 2)), "0 rows"), ([[np.nan, 0.0]], "NaN")):
        with pytest.raises(BadInput, match=says):
            mode_report(samples, RING, 0.01)
    with pytest.raises(BadInput, match="positive"):
        mode_report(RING, RING, 0.0)
    for labels in ([], [0.5], [[1]]):
        with pytest.raises(BadInput, match="integer a sample"):
            mode_report_labels(labels, 3)
    with pytest.raises(BadInput, match="numbered 0 to 2"):
        mode_report_labels([0, 3], 3)
