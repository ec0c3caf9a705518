"""Two-sample tests: they see what differs, keep their level where nothing does, and agree with the sums they abbreviate."""

import numpy as np
import pytest

from sparring.errors import BadInput
from sparring.scores.two_sample import classifier_two_sample, mmd, polynomial, rbf

rng = np.random.default_rng(0)


def normal(n: int, mean: float = 0.0, scale: float = 1.0, d: int = 2) -> np.ndarray:
    return rng.normal(mean, scale, (n, d))


def test_classifier_sees_a_shift_and_no_more() -> None:
    same = classifier_two_sample(normal(400), normal(400))
    shifted = classifier_two_sample(normal(400), normal(300, mean=1.5))
    assert same.interval is not None
    assert same.interval[0] < 0.5 < same.interval[1]
    assert same.passport["details"]["p"] > 0.01
    # The best possible: P(N(0,1) < 1.5 / sqrt 2) in the direction of the shift.
    assert shifted.value == pytest.approx(0.856, abs=0.06)
    assert shifted.passport["details"]["p"] < 1e-10
    assert shifted.passport["count"] == {"reference": 150, "sample": 150}


def test_classifier_sees_a_lost_mode() -> None:
    angle = np.arange(8) * np.pi / 4
    centres = np.stack([np.cos(angle), np.sin(angle)], 1)
    whole, part = (centres[rng.integers(k, size=1000)] + normal(1000, scale=0.02) for k in (8, 4))
    assert classifier_two_sample(whole, part).value > 0.65  # at best .75


def test_mmd_is_the_double_sum() -> None:
    x, y = normal(7), normal(5, mean=1.0)
    for kernel in (rbf(0.8), polynomial(3)):
        terms = [
            sum(kernel(a[i : i + 1], b[j : j + 1])[0, 0] for i in range(len(a)) for j in range(len(b)) if not (a is b and i == j))
            for a, b in ((x, x), (y, y), (x, y))
        ]
        expected = terms[0] / (7 * 6) + terms[1] / (5 * 4) - 2 * terms[2] / (7 * 5)
        assert mmd(x, y, kernel, permutations=0).value == pytest.approx(expected, abs=1e-12)


def test_mmd_is_unbiased_and_keeps_its_level() -> None:
    scores = [mmd(normal(25), normal(25), rbf(1.0), permutations=100, seed=i) for i in range(120)]
    values = np.array([score.value for score in scores])
    assert abs(values.mean()) < 3 * values.std() / 120**0.5
    assert values.min() < 0
    p = np.array([score.passport["details"]["p"] for score in scores])
    assert (p <= 0.1).mean() <= 0.2
    assert p.min() >= 1 / 101


def test_mmd_sees_a_shift_and_a_scale() -> None:
    for other in (normal(120, mean=0.7), normal(120, scale=2.0)):
        assert mmd(normal(120), other).passport["details"]["p"] <= 0.01


def test_median_heuristic_follows_the_unit() -> None:
    x, y = normal(40), normal(40, mean=0.3)
    assert mmd(x, y).value == pytest.approx(mmd(1000 * x, 1000 * y).value, rel=1e-9)


@pytest.mark.parametrize("test", [classifier_two_sample, mmd])
def test_bad_input(test) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadInput, match="columns"):
        test(normal(30), normal(30, d=3))
    with pytest.raises(BadInput, match="NaN"):
        test(np.full((30, 2), np.nan), normal(30))
    with pytest.raises(BadInput, match="1 rows"):
        test(normal(30), normal(1))


def test_equal_rows_have_no_bandwidth() -> None:
    with pytest.raises(BadInput, match="are all rows equal"):
        mmd(np.zeros((4, 2)), np.zeros((4, 2)))
