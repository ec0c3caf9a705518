"""The report: one file, whole HTML, nothing fetched, every section a game can fill, and a sentence where something is missing."""

import json
from dataclasses import dataclass
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from sparring.data import load as load_data
from sparring.games import SYSTEMS
from sparring.report import SECTIONS, write_report
from sparring.report.charts import limits, ticks
from sparring.report.header import command
from sparring.run import load, prepare, train

VOID = {"meta", "link", "img", "br", "hr", "input"}
HOSTILE = '<script>alert("1")</script>&"\'</svg>'
SCORES = [
    {"name": "nmi", "value": 0.61, "passport": {"interval_95": [0.5, 0.7], "split": {"sample": "test"}, "baseline": 0.4}},
    {"name": "nmi[k-means]", "value": 0.55, "passport": {"interval_95": [0.5, 0.6]}},
    {"name": "reverse-kl", "value": float("inf"), "passport": {"interval_95": None}},
]


class Page(HTMLParser):
    """What a browser would find: headings, pictures, texts; fails on tags that do not match and pictures without a word."""

    def __init__(self, text):
        super().__init__()
        self.open, self.headings, self.images, self.scripts, self.text = [], [], 0, 0, ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        assert len(found) == len(attributes), f"<{tag}> has an attribute twice"
        assert not [a for a in found if a.startswith("on")]
        for name in ("src", "href"):
            assert found.get(name, "#").startswith(("data:", "#"))
        if tag == "img":
            assert "alt" in found
            self.images += 1
        assert found.get("role") != "img" or found["aria-label"]
        self.scripts += tag == "script"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        assert dict(attributes).get("src") is None

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data + "\n"


def read(run, **options):
    text = write_report(run, **options).read_text(encoding="utf-8")
    assert "http://" not in text
    assert "https://" not in text
    return Page(text)


def toy(shape, seed=0, names=("a", "b", "c")):
    rng = np.random.default_rng(seed)
    vectors = len(shape) == 1
    x = rng.normal(size=(40, *shape)) if vectors else rng.integers(0, 256, (40, *shape[1:], shape[0]))
    data = load_data((x.astype(np.float32 if vectors else np.uint8), rng.integers(0, len(names), 40)))
    data.label_names = tuple(names)
    return data


def played(tmp_path, system, data, **options):
    return train(system, data, rounds=4, batch=16, out=tmp_path / "run", quiet=True, width=8, **options)


# ── what is promised ─────────────────────────────────────────────────────────────────────
PROMISED = [
    ("gan", "digits", ["Scores", "Losses", "Samples", "Film"]),
    ("infogan", "digits", ["Scores", "Losses", "Samples", "Film", "Traversals", "Map of codes"]),
    ("gan", "ring", ["Scores", "Losses", "Samples", "Film"]),
    ("infogan", "ring", ["Scores", "Losses", "Samples", "Film", "Traversals", "Map of codes"]),
]


@pytest.mark.parametrize(("system", "data", "headings"), PROMISED)
def test_a_report_has_the_sections_its_game_can_fill(tmp_path, system, data, headings):
    run = played(tmp_path, system, data)
    (run.path / "scores.json").write_text(json.dumps(SCORES))
    page = read(run)
    assert page.headings == headings
    assert "Not shown" not in page.text
    assert page.images == {
        ("gan", "digits"): 64 + 4 * 16,
        # the film of 4 frames, and five lines of each code: ten values of the categorical one, ten steps of either continuous one
        ("infogan", "digits"): 64 + 4 * 16 + 3 * 5 * 10,
    }.get((system, data), 4)
    assert f"sparring train {system} {data} --rounds 4 --seed 0 --batch 16" in page.text
    for word in ("0.610 [0.500, 0.700]", "k-means", "0.550 [0.500, 0.600]", "baseline", "∞", "interval 95"):
        assert word in page.text


@pytest.mark.parametrize("shape", [(3,), (1, 8, 8)], ids=str)
@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_has_a_report(tmp_path, name, shape):
    data = [toy(shape), toy(shape, seed=1)] if SYSTEMS[name].view == "domains" else toy(shape)
    run = prepare(name, data, batch=16, out=tmp_path / "run", width=8)
    run.path.mkdir()
    page = read(run)
    assert "Not shown" not in page.text
    assert "The history is empty" in page.text


def test_the_same_run_gives_the_same_page_and_does_not_move(tmp_path):
    run = played(tmp_path, "infogan", toy((3, 12, 10)))
    before = [p.clone() for p in run.game.parameters()]
    state = torch.get_rng_state()
    first = write_report(run).read_bytes()
    assert write_report(run).read_bytes() == first
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(before, run.game.parameters(), strict=True))


def test_diagnoses_stand_under_the_scores(tmp_path):
    @dataclass
    class Finding:
        name: str = "mode collapse"
        evidence: str = "2 < 8 modes"
        remedy: str = HOSTILE
        level: str = "warning"

    page = read(played(tmp_path, "gan", toy((2,))), diagnoses=[Finding()])
    assert page.headings[:2] == ["Scores", "Diagnosis"]
    assert HOSTILE in page.text
    assert page.scripts == 2


# ── odd runs ─────────────────────────────────────────────────────────────────────────────
def test_names_cannot_become_markup(tmp_path):
    data = toy((1, 8, 8), names=(HOSTILE, "b", "c"))
    data.name = HOSTILE
    run = played(tmp_path, "infogan", data)
    (run.path / "scores.json").write_text(json.dumps([{"name": HOSTILE, "value": 1, "passport": {HOSTILE: HOSTILE}}]))
    with (run.path / "history.jsonl").open("a") as file:
        file.write(json.dumps({"round": 4, "seconds": 1.0, f"generator/{HOSTILE}": 1.0}) + "\n")
    page = read(run)
    assert page.scripts == 2
    assert page.text.count(HOSTILE) >= 4  # title, score, passport, class on the map


def test_history_with_holes(tmp_path):
    run = played(tmp_path, "gan", toy((1, 8, 8)))
    log = [
        {"round": 1, "seconds": 0.1, "a/nan": float("nan"), "a/late": None, "a/huge": 1e300, "b/one": 1.0},
        {"round": 2, "seconds": 0.2, "a/nan": float("inf"), "a/late": 3.0, "a/huge": -1e300, "loose": 0.0, "a/word": "x"},
    ]
    (run.path / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log) + '{"round": 3, "sec')
    page = read(run)
    assert "2 logged values not finite." in page.text
    assert "Not shown" not in page.text
    assert "word" not in page.text


def test_what_is_missing_is_said(tmp_path):
    run = played(tmp_path, "infogan", toy((1, 8, 8)))
    for file in [run.path / "history.jsonl", *sorted((run.path / "samples").iterdir())[:-1]]:
        file.unlink()
    (run.path / "samples" / "000002.png").write_bytes(b"not a picture")
    page = read(load(run.path))  # which has lost the arrays it was trained on
    for words in ("The history is empty", "Not evaluated yet", "Unreadable: 000002.png", "was trained on data in memory"):
        assert words in page.text
    assert set(page.headings) == set(SECTIONS) - {"Classes", "Reconstructions"}


def test_samples_that_are_not_finite_are_counted(tmp_path):
    run = played(tmp_path, "gan", toy((1, 8, 8)))
    with torch.no_grad():
        next(iter(run.game.G.parameters())).fill_(float("nan"))
    assert "64 of 64 rows hold values that are not finite." in read(run).text


def test_a_section_that_fails_leaves_the_others(tmp_path):
    run = played(tmp_path, "infogan", toy((1, 8, 8)))
    run.game.traverse = None
    page = read(run)
    assert "Not shown: 'NoneType' object is not callable" in page.text
    assert page.headings[-1] == "Map of codes"


# ── parts ────────────────────────────────────────────────────────────────────────────────
def test_the_command_makes_the_same_run_again(tmp_path):
    run = played(tmp_path, "infogan", toy((2,)), categorical=(3, 4))
    assert command(run.config) == 'sparring.train("infogan", data, rounds=4, seed=0, batch=16, categorical=(3, 4), width=8)'
    run.config["data"][0]["source"] = "my rows.npy"
    run.config["options"]["spectral"] = True
    expected = "sparring train infogan 'my rows.npy' --rounds 4 --seed 0 --batch 16 --categorical 3 4 --width 8 --spectral"
    assert sorted(command(run.config).split()) == sorted(expected.split())


@pytest.mark.parametrize("values", [[], [np.nan], [0.0], [5.0, 5.0], [1e30], [-1e300, 1e300], [1e-300, 2e-300]], ids=str)
def test_a_frame_has_room_whatever_the_values(values):
    low, high = limits([np.array(values)])
    assert np.isfinite([low, high]).all()
    assert low < high
    assert 1 <= len(ticks(low, high)) <= 12
