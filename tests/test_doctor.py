"""The doctor: runs made sick on purpose are told so by name, healthy ones are not."""

import copy
import json

import numpy as np
import pytest
import torch
from torch import nn

from sparring import cli, run
from sparring.data import load as load_data
from sparring.data import ring_modes
from sparring.data.toys import mixture
from sparring.doctor import EXAMINATIONS, Diagnosis, Watch, diagnose, divergence, lipschitz, mode_collapse, overfit, saturated
from sparring.doctor import copied_rows as copied
from sparring.games import SYSTEMS

LATE = 5000
RING = ring_modes()


def patient(tmp_path, system="gan", data="ring", played=LATE, width=8, **options):
    """A run with fresh weights that says it has played `played` rounds."""
    made = run.prepare(system, data, batch=64, out=tmp_path / "run", width=width, **options)
    made.path.mkdir()
    made.round = played
    return made


def told(sick, examine):
    (diagnosis,) = diagnose(sick, [examine])
    assert diagnosis.remedy
    assert any(c.isdigit() for c in diagnosis.evidence) or diagnosis.level == "ok"
    return diagnosis


def samples_are(sick, rows):
    """Let the game make random rows of `rows`."""
    sick.game.sample = lambda n, generator=None: rows[torch.randint(len(rows), (n,), generator=generator)].float()


def write_history(sick, losses):
    lines = [{"round": i + 1, "seconds": float(i), "discriminator/real": loss} for i, loss in enumerate(losses)]
    (sick.path / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    path = tmp_path_factory.mktemp("healthy") / "run"
    return run.train("r3gan", "ring", rounds=300, out=path, quiet=True, width=16, lr=2e-3, average=0.98)


# ── healthy ──────────────────────────────────────────────────────────────────────────────
def test_a_healthy_run_is_not_accused(healthy):
    diagnoses = diagnose(healthy)
    assert {d.name for d in diagnoses} == {
        "mode collapse",
        "divergence",
        "saturated objective",
        "discriminator overfit",
        "copied training rows",
    }
    assert [d for d in diagnoses if d.level != "ok"] == []


def test_a_healthy_critic_is_not_accused(tmp_path):
    critic = run.train("wgan-gp", "ring", rounds=30, out=tmp_path / "run", quiet=True, width=16, lr=1e-3)
    assert told(critic, lipschitz).level == "ok"


@pytest.mark.parametrize("shape", [(3,), (1, 8, 8)], ids=str)
@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_can_be_examined_and_does_not_move(tmp_path, name, shape):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(160, *shape)) if len(shape) == 1 else rng.integers(0, 256, (160, *shape[1:], shape[0]))
    rows = (x.astype(np.float32 if len(shape) == 1 else np.uint8), rng.integers(0, 3, 160))
    data = [rows, rows] if SYSTEMS[name].view == "domains" else rows
    fresh = patient(tmp_path, name, data, played=1)
    state = {key: value.clone() for key, value in fresh.game.state_dict().items()}
    modes = [m.training for m in fresh.game.modules()]
    random = torch.get_rng_state()
    first = diagnose(fresh)
    assert diagnose(fresh) == first
    assert torch.equal(torch.get_rng_state(), random)
    assert [m.training for m in fresh.game.modules()] == modes
    assert all(torch.equal(state[key], value) for key, value in fresh.game.state_dict().items())
    assert all(p.grad is None for p in fresh.game.parameters())
    # Nothing is sick that has not begun; that samples are not yet as various as data may be noted.
    assert {d.level for d in first if d.name != "mode collapse"} == {"ok"}
    assert {d.level for d in first} <= {"ok", "note"}


def test_without_its_data_a_run_is_examined_for_what_is_left(tmp_path):
    made = patient(tmp_path, data=np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32))
    made.sources, made._data = [None], {}
    assert [d.name for d in diagnose(made)] == ["divergence"]


def test_rows_that_were_trained_on_are_not_held_out(tmp_path):
    data = load_data("digits", split="train")  # a Data has no split, so it is its own test
    assert diagnose(patient(tmp_path, data=data), [overfit, copied]) == []


# ── sick ─────────────────────────────────────────────────────────────────────────────────
def test_a_generator_that_makes_one_row(tmp_path):
    sick = patient(tmp_path)
    last = [m for m in sick.game.G.modules() if isinstance(m, nn.Linear)][-1]
    nn.init.zeros_(last.weight)
    diagnosis = told(sick, mode_collapse)
    assert diagnosis.level == "error"
    assert "ratio 0.00" in diagnosis.evidence
    sick.round = 10
    assert told(sick, mode_collapse).level == "note"


@pytest.mark.parametrize(
    ("modes", "level"), [((0, 4), "error"), ((0, 2, 3, 5, 7), "warning"), (range(7), "ok"), (range(8), "ok")], ids=str
)
def test_lost_modes_are_found_though_samples_lie_far_apart(tmp_path, modes, level):
    sick = patient(tmp_path)
    data = mixture("ring", RING, 4000, seed=7)
    samples_are(sick, data.x(np.isin(data.labels, list(modes))))
    assert told(sick, mode_collapse).level == level


@pytest.mark.parametrize(("beside", "sigma"), [(0, 0.002), (0.02, 0.003), (0.03, 0.01), (0.1, 0.05)])
def test_modes_that_are_narrow_or_a_little_beside_are_not_lost(tmp_path, beside, sigma):
    made = patient(tmp_path)
    rng = np.random.default_rng(0)
    centres = RING.centres[rng.integers(0, 8, 4000)] * (1 + beside)
    samples_are(made, torch.from_numpy(centres + sigma * rng.standard_normal((4000, 2))))
    assert told(made, mode_collapse).level == "ok"


def test_a_blurred_generator_is_not_collapsed(tmp_path):
    sick = patient(tmp_path, data="digits")
    x = load_data("digits", split="test").x()
    samples_are(sick, 0.5 * x + 0.5 * x.mean(0) + 0.3 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0)))
    assert told(sick, mode_collapse).level == "ok"


@pytest.mark.parametrize(("rows", "level"), [(16, "error"), (2000, "ok")])
def test_a_discriminator_that_knows_its_rows_by_heart(tmp_path, rows, level):
    """Rows without a pattern and fakes like them: nothing but memory tells them apart."""
    rng = np.random.default_rng(0)
    known, new = (load_data(rng.normal(size=(n, 16)).astype(np.float32)) for n in (rows, 400))
    sick = patient(tmp_path, data=known, width=32)
    sick._data["test"] = (new,)
    samples_are(sick, torch.from_numpy(rng.normal(size=(4000, 16))))
    x, D = known.x(), sick.game.D
    optimizer = torch.optim.Adam(D.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(100):
        real = x[torch.randint(len(x), (64,), generator=generator)]
        loss = sum(sick.game.judge(D(real), D(torch.randn(64, 16, generator=generator))).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert told(sick, overfit).level == level


@pytest.mark.parametrize(("objective", "level"), [("minimax", "error"), ("non-saturating", "ok"), ("hinge", "ok")])
def test_a_discriminator_far_ahead_of_a_minimax_generator(tmp_path, objective, level):
    sick = patient(tmp_path, objective=objective, width=32)
    assert told(sick, saturated).level == "ok"  # nobody has begun
    x, D, G = sick.data()[0].x(slice(0, 512)), sick.game.D, sick.game.G
    optimizer = torch.optim.Adam(D.parameters(), lr=1e-2)
    for _ in range(100):
        fake = G(sick.game.noise(512)).detach()
        loss = nn.functional.softplus(-D(x)).mean() + nn.functional.softplus(D(fake)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert told(sick, saturated).level == level


def test_numbers_that_are_not_finite(tmp_path):
    sick = patient(tmp_path)
    write_history(sick, [1.0] * 50 + [float("nan")])
    diagnosis = told(sick, divergence)
    assert (diagnosis.level, "discriminator/real" in diagnosis.evidence) == ("error", True)
    with torch.no_grad():
        sick.game.G[0].weight[0, 0] = float("inf")
    (only,) = diagnose(sick)  # nothing else can be measured
    assert only.evidence.startswith("1 of 1024 numbers of 'G.0.weight'")


T = np.arange(1, 501) / 500
HISTORIES = {
    "explodes": (np.exp(20 * T), "error"),
    "explodes downwards": (-np.exp(20 * T), "error"),
    "drifts": (-500 * T, "ok"),
    "sinks": (1e4 * (1 - T), "ok"),
    "one wild batch": (np.where(np.arange(500) == 470, 1e9, 1.0), "ok"),
    "rises within bounds": (1e-6 + 50 * T**4, "ok"),
    "too short to say": (np.exp(20 * T)[::50], "ok"),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_losses_that_grow_without_bound(tmp_path, name):
    losses, level = HISTORIES[name]
    made = patient(tmp_path)
    write_history(made, losses.tolist())
    assert told(made, divergence).level == level


def test_a_critic_without_its_penalty(tmp_path):
    made = run.prepare("wgan-gp", "ring", rounds=40, out=tmp_path / "run", width=16, lr=1e-2)
    made.game.weight = 0.0
    diagnosis = told(made.play(quiet=True), lipschitz)
    assert diagnosis.level in ("warning", "error")
    assert "--weight" in diagnosis.remedy


def test_a_critic_that_is_not_clipped(tmp_path):
    sick = patient(tmp_path, "wgan")
    assert told(sick, lipschitz).level == "ok"
    with torch.no_grad():
        for p in sick.game.D.parameters():
            p.copy_(sick.game.clip * torch.sign(p + 1e-12))
    assert told(sick, lipschitz).level == "ok"  # all at their bounds, as clipping has it
    with torch.no_grad():
        sick.game.D.head.weight.mul_(2)
    assert told(sick, lipschitz).level == "error"


def test_a_generator_that_copies(tmp_path):
    sick = patient(tmp_path, data="digits")
    train, new = sick.data("train")[0].x(), sick.data("test")[0].x()
    generator = torch.Generator().manual_seed(0)
    faint = 0.01 * torch.randn(train.shape, generator=generator)
    mixed = train[torch.randint(len(train), (20, 600), generator=generator)].mean(0)
    half = torch.cat([train[:300] + faint[:300], new[:300]])
    for rows, level in ((train, "error"), (train + faint, "error"), (half, "warning"), (new, "ok"), (mixed, "ok")):
        samples_are(sick, rows)
        found = told(sick, copied)
        assert found.level == level or (rows is half and found.level != "ok")


def test_copies_are_found_where_not_all_rows_can_be_searched(tmp_path, monkeypatch):
    sick = patient(tmp_path, data="digits")
    monkeypatch.setattr("sparring.doctor.samples.NUMBERS", 64 * 300)
    samples_are(sick, sick.data("train")[0].x())
    diagnosis = told(sick, copied)
    assert diagnosis.level == "error"
    assert "300 of 1,438 rows searched" in diagnosis.evidence


# ── when it speaks ───────────────────────────────────────────────────────────────────────
def test_worst_first(tmp_path):
    sick = patient(tmp_path)
    samples_are(sick, torch.zeros(1, 2))
    levels = [d.level for d in diagnose(sick)]
    assert levels == ["error"] + ["ok"] * (len(levels) - 1)
    assert len(levels) == len(EXAMINATIONS) - 1  # no bound on a slope in this game


def test_in_play_it_says_once_what_it_finds_twice_in_a_row(monkeypatch):
    a, b = (Diagnosis(name, "warning", "1", "2") for name in "ab")
    well, noted = Diagnosis("c", "ok", "1", "2"), Diagnosis("d", "note", "1", "2")
    visits = iter([[a], [b, well, noted], [a, noted], [a, b], [a, b], [a]])
    monkeypatch.setattr("sparring.doctor.diagnose", lambda run, among: next(visits))
    watch = Watch()
    assert [watch(None) for _ in range(6)] == [[], [], [], [a], [b], []]


def test_a_generator_that_stays_collapsed_is_named_while_it_plays(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sparring.doctor.samples.YOUNG", 0)
    made = run.prepare("gan", "ring", rounds=20, batch=16, out=tmp_path / "run", width=8, lr=1e-12, lr_d=1e-3)
    nn.init.zeros_(made.game.G[-1].weight)
    made.play()
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Doctor")]
    assert len(lines) == 1
    assert lines[0].startswith("Doctor: mode collapse: 512 samples lie ")
    assert "after 12 rounds" in lines[0]  # of 20: not before half of them, and not the first time it is seen


def test_watching_changes_no_bit(tmp_path, capsys):
    options = {"rounds": 20, "batch": 16, "width": 8, "norm_d": "batch", "average": 0.9}
    quiet = run.train("gan", "digits", out=tmp_path / "a", quiet=True, **options)
    heard = run.train("gan", "digits", out=tmp_path / "b", **options)
    assert "Doctor" not in capsys.readouterr().out
    a, b = quiet.game.state_dict(), heard.game.state_dict()
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_the_command_line_passes_on_what_it_says(tmp_path, capsys):
    path = tmp_path / "run"
    made = run.train("gan", "ring", rounds=2, batch=16, width=8, out=path, quiet=True)
    line = str(told(made, mode_collapse))
    for arguments, heard in (
        (["evaluate", str(path)], True),
        (["evaluate", str(path), "--json"], False),
        (["report", str(path)], True),
    ):
        assert cli.main(arguments) == 0
        out = capsys.readouterr().out
        assert (line in out) == heard
    assert "Diagnosis" in (path / "report.html").read_text()


def test_a_game_is_not_changed_by_copying_it(healthy):
    """The doctor measures on a copy; a copy that were not one would move the run."""
    twin = copy.deepcopy(healthy.game)
    assert {id(p) for p in twin.generator.parameters} == {id(p) for p in twin.G.parameters()}
    assert not {id(p) for p in twin.parameters()} & {id(p) for p in healthy.game.parameters()}
