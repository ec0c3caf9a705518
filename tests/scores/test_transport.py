"""The earth mover's distance: closed form, assignment and linear programme are one number, and the potentials prove it."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from sparring.errors import BadInput
from sparring.scores.transport import Transport, emd, emd_1d

rng = np.random.default_rng(0)


def weights(n: int) -> np.ndarray:
    p = rng.random(n)
    return p / p.sum()


CASES = {
    "equal counts": (rng.normal(0, 1, (40, 1)), rng.normal(1, 2, (40, 1)), None, None),
    "unequal counts": (rng.normal(0, 1, (30, 1)), rng.normal(1, 2, (45, 1)), None, None),
    "weights": (rng.normal(0, 1, (30, 1)), rng.normal(1, 2, (20, 1)), weights(30), weights(20)),
    "weights, equal counts": (rng.normal(0, 1, (25, 1)), rng.normal(1, 2, (25, 1)), weights(25), weights(25)),
    "ties": (np.array([[0.0], [0.0], [1.0]]), np.array([[0.0], [1.0], [1.0]]), None, None),
    "one point": (np.array([[0.0]]), np.array([[3.0]]), None, None),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_linear_programme_equals_closed_form(case: tuple) -> None:
    assert emd(*case).cost == pytest.approx(emd_1d(*case), abs=1e-9)


def check(solved: Transport, x: np.ndarray, y: np.ndarray, p: np.ndarray, q: np.ndarray) -> None:
    """Primal and dual feasible with one value: no plan is cheaper, no critic higher."""
    np.testing.assert_allclose(solved.plan.sum(1), p, atol=1e-9)
    np.testing.assert_allclose(solved.plan.sum(0), q, atol=1e-9)
    assert solved.plan.min() >= -1e-12
    assert (solved.u[:, None] + solved.v - cdist(x, y)).max() <= 1e-9
    assert p @ solved.u + q @ solved.v == pytest.approx(solved.cost, abs=1e-9)
    assert p @ solved.critic(x) - q @ solved.critic(y) == pytest.approx(solved.cost, abs=1e-9)
    z = rng.normal(0, 3, (60, x.shape[1]))
    slopes = np.abs(np.subtract.outer(solved.critic(z), solved.critic(z))) / (cdist(z, z) + np.eye(60))
    assert slopes.max() <= 1 + 1e-9


@pytest.mark.parametrize("d", [1, 2, 5])
def test_potentials_prove_the_plan(d: int) -> None:
    x, y = rng.normal(0, 1, (50, d)), rng.normal(0.5, 1, (50, d))
    check(emd(x, y), x, y, np.full(50, 0.02), np.full(50, 0.02))
    p, q = weights(50), weights(30)
    check(emd(x, y[:30], p, q), x, y[:30], p, q)
    check(emd(x, y[:30]), x, y[:30], np.full(50, 0.02), np.full(30, 1 / 30))


def test_parallel_lines() -> None:
    """W is |theta| however far apart; masses on one line each."""
    line = rng.random(64)
    for theta in (-1.0, 0.25, 3.0):
        moved = emd(np.stack([0 * line, line], 1), np.stack([0 * line + theta, line], 1))
        assert moved.cost == pytest.approx(abs(theta), abs=1e-12)


def test_a_thousand_points() -> None:
    x, y = rng.normal(0, 1, (1000, 2)), rng.normal(1, 1, (1000, 2))
    check(emd(x, y), x, y, np.full(1000, 1e-3), np.full(1000, 1e-3))


@pytest.mark.parametrize("distance", [emd, emd_1d])
def test_bad_input(distance) -> None:  # type: ignore[no-untyped-def]
    for x, y, says in (
        ([[0.0]], [[0.0, 1.0]], "columns"),
        (np.zeros((0, 1)), [[0.0]], "0 rows"),
        ([[np.nan]], [[0.0]], "NaN"),
    ):
        with pytest.raises(BadInput, match=says):
            distance(x, y)
    for p in ([-1.0, 2.0], [1.0], [0.0, 0.0], [np.nan, 1.0]):
        with pytest.raises(BadInput, match="weights"):
            distance([0.0, 1.0], [2.0], p)
    with pytest.raises(BadInput, match="use emd"):
        emd_1d([[0.0, 1.0]], [[0.0, 1.0]])
