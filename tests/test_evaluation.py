"""Which scores a run gets: what it can do and what the data know decide, and every score carries its passport."""

import json

import numpy as np
import pytest
import torch

import sparring
from sparring.data import load as load_data
from sparring.errors import BadInput
from sparring.evaluation import evaluate, read_scores, some
from sparring.scores.passport import FIELDS, compare

OPTIONS = {"infogan": {"categorical": (3,), "q_hidden": 8}}
CLUSTERS = {"one-to-one-accuracy", "nmi", "one-to-one-accuracy[k-means]", "majority-accuracy[k-means]", "nmi[k-means]"}
CODES = {"knn-1", "knn-1[raw]"}
PICTURES = {f"{name}[random-conv-0]" for name in ("kernel", "precision", "recall", "density", "coverage")}
ABILITIES = {
    "gan": PICTURES,
    "infogan": CLUSTERS | CODES | PICTURES,
    "vae-gan": CODES | {"mse", "sharpness"} | PICTURES,
    "triple-gan": CODES | {"accuracy"} | PICTURES,
}


def toy(shape=(1, 8, 8), rows=90, labels=True, seed=0):
    """Three kinds of rows, bright in different places."""
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % 3
    if len(shape) == 1:
        x = (rng.normal(size=(rows, *shape)) + y[:, None]).astype(np.float32)
    else:
        x = rng.integers(0, 100, (rows, *shape[1:], shape[0]), dtype=np.uint8)
        x[np.arange(rows), 2 * y] += np.uint8(150)
    return load_data((x, y) if labels else x)


def train(path, system="gan", data=None, **options):
    options = {"width": 4} | OPTIONS.get(system, {}) | options
    data = toy() if data is None else data
    sources = (data.subset(range(60)), data.subset(range(60, 90)))
    run = sparring.train(
        system, sources[0], rounds=2, batch=8, out=path / f"{system}-{len(list(path.iterdir()))}", quiet=True, **options
    )
    for split, rows in zip(("train", "test"), sources, strict=True):
        rows.split = split
        run._data[split] = (rows,)
    return run


@pytest.mark.parametrize("system", ABILITIES)
def test_abilities_and_labels_decide(tmp_path, system):
    scores = evaluate(train(tmp_path, system))
    assert {score.name for score in scores} == ABILITIES[system]
    assert all(np.isfinite(score.value) for score in scores)


def test_without_labels_what_needs_them_is_left_out(tmp_path, capsys):
    scores = evaluate(train(tmp_path, "infogan", toy(labels=False)))
    assert {score.name for score in scores} == PICTURES
    assert capsys.readouterr().err == ""


def test_codes_that_are_all_continuous_are_no_clusters(tmp_path):
    scores = evaluate(train(tmp_path, "infogan", categorical=()))
    assert {score.name for score in scores} == CODES | PICTURES


def test_vectors_are_transported(tmp_path):
    scores = evaluate(train(tmp_path, "gan", toy((2,))))
    assert [score.name for score in scores] == ["emd"]
    assert scores[0].value > 0


def test_mixtures_that_are_known_are_counted(tmp_path):
    run = sparring.train("gan", "ring", rounds=1, batch=8, out=tmp_path / "run", quiet=True, width=4)
    scores = {score.name: score.value for score in evaluate(run, rows=200)}
    assert scores.keys() == {"emd", "modes", "good-samples", "reverse-kl"}
    assert 0 <= scores["modes"] <= 8
    assert 0 <= scores["good-samples"] <= 1


def test_every_passport_says_what_it_was_measured_with(tmp_path):
    run = train(tmp_path, "infogan")
    scores = evaluate(run)
    for score in scores:
        passport = score.passport
        assert set(FIELDS) <= passport.keys(), score.name
        assert passport["split"] == {"reference": "train", "sample": "test"}
        assert passport["data"]["sample"].endswith(run.data("test")[0].fingerprint())
        assert passport["data"]["reference"].endswith(run.data()[0].fingerprint())
        assert passport["count"]["sample"] in (10, 30)
        assert passport["precision"] == "fp32"
        assert passport["library"] == f"sparring {sparring.__version__}"
        assert passport["rounds"] == 2
    for score in scores:
        if score.name in PICTURES:
            assert score.passport["extractor"]
            assert score.passport["extractor_hash"]


def test_what_is_kept_is_what_was_found(tmp_path):
    run = train(tmp_path)
    found = evaluate(run)
    kept = (run.path / "scores.json").read_text()
    assert run.scores == json.loads(kept) == [score.json() for score in found]
    assert [score.json() for score in read_scores(kept)] == run.scores
    assert {frozenset(entry) for entry in run.scores} == {frozenset({"name", "value", "passport"})}


def test_scores_are_the_same_each_time_and_leave_the_game_alone(tmp_path):
    run = train(tmp_path, "infogan", average=0.5)
    state = torch.manual_seed(7).get_state()
    modes = [module.training for module in run.game.modules()]
    before = {name: value.clone() for name, value in run.game.state_dict().items()}
    once, twice = ([score.json() for score in evaluate(run)] for _ in range(2))
    assert once == twice
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in run.game.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in run.game.state_dict().items())


def test_other_data_are_named_in_the_passport_and_not_compared_with_ones_own(tmp_path):
    run = train(tmp_path)
    own, other = evaluate(run)[0], evaluate(run, toy(seed=1))[0]
    assert other.passport["split"]["sample"] == "all"
    assert other.passport["data"]["sample"] != own.passport["data"]["sample"]
    with pytest.raises(BadInput, match="cannot be compared: they differ in"):
        compare(own, other)
    with pytest.raises(BadInput, match=r"rows of shape|vectors"):
        evaluate(run, toy((5,)))


def test_too_few_rows_for_a_score_lose_that_score_only(tmp_path, capsys):
    run = train(tmp_path, "vae-gan")
    scores = evaluate(run, toy(rows=4, seed=1))
    assert {score.name for score in scores} == CODES | {"mse", "sharpness"}
    assert capsys.readouterr().err.startswith("note: no scores of samples: The real features have 4 rows")


def test_a_class_that_training_never_saw_loses_what_needs_it(tmp_path, capsys):
    data = toy()
    data.labels = data.labels.copy()
    data.labels[:60] %= 2
    scores = evaluate(train(tmp_path, "infogan", data))
    assert not {score.name for score in scores} & CODES
    assert {score.name for score in scores} >= PICTURES
    assert "note: no scores of codes: The held-out labels hold 2, which no training row has" in capsys.readouterr().err


def test_rows_that_are_too_many_are_drawn_by_the_seed():
    data = toy()
    a, b, c = (some(data, 20, seed).x() for seed in (0, 0, 1))
    assert a.shape == (20, 1, 8, 8)
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert some(data, 90, 0) is data
