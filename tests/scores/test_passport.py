"""A passport says what a number was measured with; scores that differ in what matters are not compared."""

import json

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score

from sparring.errors import BadInput
from sparring.scores.passport import FIELDS, IMMATERIAL, Score, bootstrap, compare, mean, passport, proportion, wilson

SCORE = Score("frechet[random-conv-0]", 3.5, (3.0, 4.0), passport(reference=100, sample=200, seed=1, k=5))


def test_json_has_the_contracted_form_and_comes_back():
    entry = json.loads(json.dumps(SCORE.json(), allow_nan=False))
    assert set(entry) == {"name", "value", "passport"}
    assert set(FIELDS) | {"interval_95"} <= set(entry["passport"])
    assert entry["passport"]["interval_95"] == [3.0, 4.0]
    assert Score.from_json(entry).json() == SCORE.json()
    assert compare(SCORE, Score.from_json(entry))[1].value == 3.5


@pytest.mark.parametrize("key", [*FIELDS, "k", "something nobody thought of"])
def test_compare_refuses_by_name_whatever_matters(key):
    other = SCORE.signed(**{key: "changed"})
    if key in IMMATERIAL:
        assert compare(SCORE, SCORE, other) == (SCORE, SCORE, other)
    else:
        with pytest.raises(BadInput, match=key):
            compare(SCORE, SCORE, other)


def test_compare_refuses_another_name():
    with pytest.raises(BadInput, match="name"):
        compare(SCORE, SCORE.signed(name="fid"))


@pytest.mark.parametrize("entry", [{}, {"name": "a", "value": 1}, {"name": "a", "value": "x", "passport": {}}, 3])
def test_what_is_no_score_is_refused(entry):
    with pytest.raises(BadInput, match="score"):
        Score.from_json(entry)


def test_wilson_agrees_with_scipy():
    for k, n in [(0, 5), (3, 10), (10, 10), (450, 1000)]:
        expected = stats.binomtest(k, n).proportion_ci(method="wilson")
        np.testing.assert_allclose(wilson(k, n), expected, atol=1e-12)


def test_bootstrap_of_a_mean_is_the_normal_interval():
    x = np.random.default_rng(0).normal(3, 2, 400)
    half = 1.96 * x.std(ddof=1) / 20
    np.testing.assert_allclose(bootstrap(np.mean, x, n=4000), (x.mean() - half, x.mean() + half), atol=0.02)
    np.testing.assert_allclose(mean("m", x, passport(sample=400)).interval, (x.mean() - half, x.mean() + half), rtol=1e-4)


def test_bootstrap_draws_pairs_together_and_samples_apart():
    x = np.random.default_rng(0).normal(size=200)
    low, high = bootstrap(lambda a, b: (a - b).mean(), x, x)
    assert low == high == 0
    low, high = bootstrap(lambda a, b: a.mean() - b.mean(), x, x[:50], paired=False)
    assert high - low > 0.4  # 4 standard errors of a mean of 50


def test_a_proportion_carries_its_interval():
    y = np.array([0, 1, 1, 0])
    score = proportion("accuracy", y == [0, 1, 0, 0], passport(sample=4))
    assert score.value == accuracy_score(y, [0, 1, 0, 0])
    assert score.interval == wilson(3, 4)
