"""The scikit-learn face: its contract, and what a user of it may get wrong."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import check_estimator

from sparring.errors import BadInput
from sparring.estimators import AdversarialFeatures, DANNClassifier, TripleGANClassifier

TINY = {"width": 8}
FEATURES = AdversarialFeatures(rounds=3, options={**TINY, "z": 3}, random_state=0)
TRIPLE = TripleGANClassifier(rounds=25, options={"width": 16, "lr": 2e-2}, random_state=0)
DANN = DANNClassifier(rounds=60, options={"width": 16, "lr": 0.1}, random_state=0)
ALL = {type(e).__name__: e for e in (FEATURES, TRIPLE, DANN)}

TABLE, Y = make_blobs(90, 4, random_state=0)
PICTURES = np.random.default_rng(0).integers(0, 256, (90, 8, 10), dtype=np.uint8)
KINDS = {
    "table": TABLE,
    "grey": PICTURES,
    "colour": np.stack([PICTURES] * 3, -1),
    "floats": PICTURES / 255,
    "plus and minus": PICTURES.astype(np.float32) / 127.5 - 1,
    "tensor": torch.from_numpy(PICTURES)[:, None],
}
UNLABELLED = {
    "check_classifiers_classes": "asks for a class named -1, which marks unlabelled rows here as it does in sklearn.semi_supervised "
    "(whose estimators are exempt by name)"
}


@pytest.mark.parametrize("name", ALL)
def test_every_estimator_passes_all_of_scikit_learns_checks(name):
    expected = {} if name == "AdversarialFeatures" else UNLABELLED
    results = check_estimator(ALL[name], expected_failed_checks=expected, on_skip=None)
    assert {r["check_name"] for r in results if r["status"] == "xfail"} == set(expected)
    assert sum(r["status"] == "passed" for r in results) > 40


def outcome(estimator, X):
    return estimator.transform(X) if hasattr(estimator, "transform") else estimator.predict_proba(X)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ALL)
def test_every_estimator_takes_tables_and_pictures_and_repeats_itself(name, kind):
    X = KINDS[kind]
    a, b, other = (clone(ALL[name]).set_params(rounds=2, random_state=seed).fit(X, Y) for seed in (1, 1, 2))
    assert a.n_features_in_ == np.prod(X.shape[1:])
    np.testing.assert_array_equal(outcome(a, X), outcome(b, X))
    assert (outcome(a, X) != outcome(other, X)).any()
    np.testing.assert_allclose(outcome(a, X[:3]), outcome(a, X)[:3], atol=1e-5)


@pytest.mark.parametrize("kind", ["table", "grey"])
@pytest.mark.parametrize("name", ALL)
def test_a_fitted_estimator_pickles_with_nothing_in_it_but_values(name, kind):
    X = KINDS[kind]
    options = {**TINY, "average": 0.5} if name != "DANNClassifier" else TINY
    fitted = clone(ALL[name]).set_params(rounds=3, options=options).fit(X, Y)
    state = pickle.dumps(fitted)
    assert isinstance(fitted.__getstate__()["game_"], bytes)
    assert b"sparring.estimators" in state
    assert not any(word in state for word in (b"sparring.game", b"sparring.networks", b"torch.nn", b"torch.optim"))
    again = pickle.loads(state)
    np.testing.assert_array_equal(outcome(again, X), outcome(fitted, X))
    assert pickle.loads(pickle.dumps(clone(fitted))).get_params() == fitted.get_params()


def test_going_on_after_a_pickle_is_going_on():
    straight, stopped = (clone(FEATURES).set_params(batch=16).partial_fit(TABLE[:40]) for _ in range(2))
    stopped = pickle.loads(pickle.dumps(stopped))
    for estimator in (straight, stopped):
        estimator.partial_fit(TABLE[40:])
        assert estimator.rounds_ == 3 + 4  # batches of 16 in 40 rows, and in 50
    np.testing.assert_array_equal(straight.transform(TABLE), stopped.transform(TABLE))
    assert (straight.transform(TABLE) != clone(FEATURES).partial_fit(TABLE[:40]).transform(TABLE)).any()


def test_in_a_pipeline_and_a_parallel_search():
    pipeline = make_pipeline(MinMaxScaler(), clone(FEATURES), LogisticRegression())
    grid = {"adversarialfeatures__options": [{**TINY, "z": 2}, {**TINY, "z": 5}], "adversarialfeatures__rounds": [2]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(TABLE, Y)
    best = search.best_estimator_[:-1]
    z = search.best_params_["adversarialfeatures__options"]["z"]
    assert list(best.get_feature_names_out()) == [f"adversarialfeatures{i}" for i in range(z)]
    assert best.transform(TABLE).shape == (90, z)


def test_a_search_over_few_labels_scores_only_rows_that_have_one():
    few = np.where(np.arange(90) < 30, Y, -1)
    search = GridSearchCV(clone(TRIPLE).set_params(), {"batch": [10, 20]}, cv=2).fit(TABLE, few)
    assert search.best_score_ > 0.8, "two thirds of the rows count as wrong where -1 counts as a class"
    known = few >= 0
    assert search.score(TABLE, few) == (search.predict(TABLE[known]) == few[known]).mean()


def test_the_learning_of_features_hears_nothing_of_labels_and_can_be_undone_where_codes_decode():
    a, b = (clone(FEATURES).fit(TABLE, y) for y in (Y, None))
    np.testing.assert_array_equal(a.transform(TABLE), b.transform(TABLE))
    assert a.inverse_transform(a.transform(TABLE)).shape == TABLE.shape
    pictures = clone(FEATURES).fit(PICTURES)
    rows = pictures.inverse_transform(pictures.transform(PICTURES))
    assert (rows.shape, rows.dtype) == ((90, 8, 10, 1), np.uint8)
    assert not hasattr(AdversarialFeatures("infogan"), "inverse_transform")
    assert AdversarialFeatures("infogan", rounds=2, options=TINY).fit_transform(TABLE).shape == (90, 12)
    with pytest.raises(BadInput, match="5 columns"):
        a.inverse_transform(np.zeros((2, 5)))


@pytest.mark.parametrize("names", [np.array(["", "cat", "dog", "emu"]), np.array([-1, 7, 3, 5])], ids=["strings", "numbers"])
def test_unlabelled_rows_teach_no_class(names):
    few = np.where(np.arange(90) < 60, names[1 + Y], names[0])
    fitted = clone(TRIPLE).fit(TABLE, few)
    assert list(fitted.classes_) == sorted(names[1:])
    assert fitted.predict_proba(TABLE).shape == (90, 3)
    assert set(fitted.predict(TABLE)) <= set(names[1:])
    assert fitted.score(TABLE, few) > 0.8


def test_labels_of_the_target_are_never_looked_at():
    domain = np.where(np.arange(90) < 50, 1, -2)
    told, hidden = Y.copy(), np.where(domain < 0, -1, Y)
    wrong = np.where(domain < 0, 8, Y)
    fits = [clone(DANN).set_params(rounds=5).fit(TABLE, y, sample_domain=domain) for y in (told, hidden, wrong)]
    fits.append(clone(DANN).set_params(rounds=5).fit(TABLE, hidden))  # unlabelled rows are the target
    for fitted in fits:
        assert list(fitted.classes_) == [0, 1, 2]
        np.testing.assert_array_equal(fitted.predict_proba(TABLE), fits[0].predict_proba(TABLE))


def test_nobody_elses_random_numbers_are_touched(capsys):
    torch.manual_seed(5), np.random.seed(5)  # noqa: NPY002
    expected = torch.rand(1), np.random.rand()  # noqa: NPY002
    torch.manual_seed(5), np.random.seed(5)  # noqa: NPY002
    clone(FEATURES).fit(TABLE)
    assert (torch.rand(1), np.random.rand()) == expected  # noqa: NPY002
    assert capsys.readouterr() == ("", "")


MANY = np.where(np.arange(90) % 2, Y, -1)
BAD = {
    "one class": (TRIPLE, TABLE, np.where(MANY < 0, -1, 4), {}, "one class, .*4"),
    "no labelled rows": (TRIPLE, TABLE, np.full(90, -1), {}, "No row of y has a label"),
    "NaN for unlabelled": (TRIPLE, TABLE, np.where(MANY < 0, np.nan, MANY), {}, "row 0 is NaN or None; .* -1"),
    "None for unlabelled": (DANN, TABLE, np.where(MANY < 0, None, "a"), {}, "row 0 is NaN or None; .* -1"),
    "no target": (DANN, TABLE, Y, {"sample_domain": np.ones(90)}, "No row is of the target"),
    "no source": (DANN, TABLE, Y, {"sample_domain": -np.ones(90)}, "No row is of the source"),
    "neither": (DANN, TABLE, Y, {"sample_domain": np.arange(90) - 40}, "row 40 is 0"),
    "no label in the source": (DANN, TABLE, MANY, {"sample_domain": np.where(MANY < 0, 1, -1)}, "No row of y has a label"),
    "constant rows": (FEATURES, np.ones((9, 3)), None, {}, "All 9 rows of X are the same"),
    "constant pictures": (FEATURES, np.ones((9, 8, 8)), None, {}, "All 9 rows of X are the same"),
    "one row": (FEATURES, np.ones((1, 8, 8)), None, {}, "1 sample"),
    "NaN in pictures": (FEATURES, np.full((9, 8, 8), np.nan), None, {}, "row 0 holds NaN"),
    "a strange range": (FEATURES, PICTURES * 3.0, None, {}, "must lie in"),
}
WRONG = {
    "fewer rows than a batch": ({"batch": 100}, "only 90 rows"),
    "a batch of one": ({"batch": 1}, "2 rows or more"),
    "no rounds": ({"rounds": 0}, "at least one round"),
    "precision": ({"precision": "fp8"}, "precision 'fp8'"),
    "options": ({"options": {"widht": 8}}, "did you mean 'width'"),
    "a supervised system": ({"system": "dann"}, "learnt without labels 'dann'"),
}


@pytest.mark.parametrize("case", BAD)
def test_data_that_cannot_be_learnt_from_are_refused_in_a_sentence(case):
    estimator, X, y, more, words = BAD[case]
    fresh = clone(estimator)
    with pytest.raises(ValueError, match=words):
        fresh.fit(X, y, **more)
    with pytest.raises(NotFittedError):
        outcome(fresh, X)


@pytest.mark.parametrize("case", WRONG)
def test_parameters_that_cannot_be_are_refused_in_a_sentence(case):
    change, words = WRONG[case]
    with pytest.raises(BadInput, match=words):
        clone(FEATURES).set_params(**change).fit(TABLE)


def test_what_was_fitted_to_one_kind_of_rows_takes_no_other():
    table, grey = clone(FEATURES).fit(TABLE), clone(FEATURES).fit(PICTURES)
    with pytest.raises(BadInput, match="table of 4 columns"):
        table.transform(PICTURES)
    with pytest.raises(BadInput, match="pictures of 8 x 10"):
        grey.transform(TABLE)
    with pytest.raises(BadInput, match="floats"):
        grey.transform(PICTURES / 255)
    with pytest.raises(BadInput, match=r"\(10, 8, 1\)"):
        grey.transform(PICTURES.transpose(0, 2, 1))
    signed = KINDS["plus and minus"]
    grey_again = np.zeros((1, 8, 10), np.float32)  # alone, they might as well lie in [0, 1]
    fitted = clone(FEATURES).fit(signed)
    together = fitted.transform(np.concatenate([signed, grey_again]))[-1:]
    np.testing.assert_allclose(fitted.transform(grey_again), together, atol=1e-5)
