"""Runs: the same bits however often they are stopped, one process a directory, and failures that lose nothing."""

import json
import math
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

import sparring
from sparring import Game, Player, checkpoint
from sparring import run as runs
from sparring.errors import BadInput, RunFailed
from sparring.games import GAN, SYSTEMS

from .test_checkpoint import bits, full_disk, hurt, same

SYSTEMS_HERE = {"gan": {"average": 0.9, "decay": 0.5}, "infogan": {"categorical": (3,), "q_hidden": 8}}


def rows(shape=(24, 8, 8), seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def data(tmp_path):
    np.savez(tmp_path / "toy.npz", images=rows(), labels=np.arange(24) % 3)
    return tmp_path / "toy.npz"


def train(data, out, system="gan", rounds=12, **options):
    options = {"z": 4, "width": 4} | SYSTEMS_HERE.get(system, {}) | options
    return sparring.train(system, data, rounds=rounds, batch=8, out=out, quiet=True, **options)


def plays(run):
    """What the history says, but for the time it took."""
    return [{k: v for k, v in line.items() if k != "seconds"} for line in run.history()]


def files(path, folder):
    return {file.name: file.read_bytes() for file in sorted((path / folder).iterdir())}


def assert_same_run(a, b):
    assert a.round == b.round
    assert same(bits(a.game), bits(b.game))
    assert plays(a) == plays(b)
    assert files(a.path, "samples") == files(b.path, "samples")
    for run in (a, b):  # and what is on the disk is what is in memory
        assert same(bits(sparring.load(run.path).game), bits(run.game))
    assert files(a.path, "checkpoint").keys() == files(b.path, "checkpoint").keys()
    assert files(a.path, "checkpoint")["networks.safetensors"] == files(b.path, "checkpoint")["networks.safetensors"]


# ── stopping and going on ────────────────────────────────────────────────────────────────
def stop_after(run, number, which, rounds=None):
    """Play `run`, sending this process a signal when so many rounds are played."""
    log = run._log

    def signalling(line):
        log(line)
        if line["round"] == number:
            signal.raise_signal(which)

    run._log = signalling
    run.play(rounds, quiet=True)
    del run._log


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("system", SYSTEMS_HERE)
def test_ctrl_c_saves_and_what_goes_on_has_the_same_bits(data, tmp_path, system, which):
    whole = train(data, tmp_path / "whole", system)
    run = runs.prepare(system, data, rounds=12, batch=8, out=tmp_path / "stopped", **whole.config["options"])
    stop_after(run, 4, which)
    assert run.interrupted
    assert run.round == 5  # the round after the signal is finished
    assert checkpoint.verify(run.path / "checkpoint")["round"] == 5
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, "handlers are given back"
    again = sparring.load(run.path)
    stop_after(again, 9, which)
    assert again.round == 10
    assert_same_run(sparring.resume(run.path, quiet=True), whole)
    assert_same_run(run.play(quiet=True), whole)  # and the run in memory goes on just as well


def test_a_second_ctrl_c_does_not_wait(data, tmp_path):
    run = runs.prepare("gan", data, rounds=12, batch=8, out=tmp_path / "run", z=4, width=4)
    run._log = lambda line: [signal.raise_signal(signal.SIGINT) for _ in range(2)]
    with pytest.raises(KeyboardInterrupt):
        run.play(quiet=True)
    assert sparring.resume(run.path, quiet=True).round == 12


KILLED_AT_RANDOM = """
import json, os, random, signal, sys, time
import sparring
from sparring import run as runs
runs.CHECKPOINT_SECONDS = 0.0
chance = random.Random(0)
for job in json.loads(sys.argv[1]):
    first, kills = runs.prepare(**job), 0
    while True:
        pid = os.fork()
        if not pid:  # a process of its own, that plays as far as it is let
            run = sparring.load(job["out"]) if kills else first
            run.play(quiet=True)
            os._exit(0)
        while not (kills or os.path.exists(job["out"] + "/checkpoint/progress.json")):
            time.sleep(0.001)
        if kills < 5:
            time.sleep(chance.uniform(0, 0.2))
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0 and kills
            break
        kills += 1
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_kills_at_random_moments_change_no_bit(data, tmp_path):
    """`kill -9`, five times over one run: each process goes on from what the one before it left on the disk."""
    wholes = [train(data, tmp_path / f"whole-{system}", system, rounds=50) for system in SYSTEMS_HERE]
    jobs = [
        {"system": system, "data": str(data), "rounds": 50, "batch": 8, "out": str(tmp_path / system), **whole.config["options"]}
        for system, whole in zip(SYSTEMS_HERE, wholes, strict=True)
    ]
    command = [sys.executable, "-c", KILLED_AT_RANDOM, json.dumps(jobs)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    for system, whole in zip(SYSTEMS_HERE, wholes, strict=True):
        assert_same_run(sparring.load(tmp_path / system), whole)


def test_a_history_line_cut_short_by_a_kill_is_left_out(data, tmp_path):
    run = train(data, tmp_path / "run", rounds=4)
    with (run.path / "history.jsonl").open("a") as file:
        file.write('{"round": 5, "seco')
    assert len(sparring.load(run.path).history()) == 4
    assert [line["round"] for line in sparring.resume(run.path, 6, quiet=True).history()] == [1, 2, 3, 4, 5, 6]


def test_more_rounds_than_were_planned(data, tmp_path):
    flat = {"decay": 1.0}  # a schedule over the run would know how long it is
    whole = train(data, tmp_path / "whole", rounds=8, **flat)
    train(data, tmp_path / "run", rounds=5, **flat)
    run = sparring.resume(tmp_path / "run", 8, quiet=True)
    assert same(bits(run.game), bits(whole.game))
    assert sparring.load(tmp_path / "run").config["rounds"] == 8
    assert sparring.resume(tmp_path / "run", quiet=True).round == 8


def test_data_in_memory_are_asked_for_again_and_must_be_the_same(tmp_path):
    whole = train(rows(), tmp_path / "whole", rounds=6, decay=1.0)
    train(rows(), tmp_path / "run", rounds=3, decay=1.0)
    with pytest.raises(BadInput, match="was trained on data in memory; give the data again"):
        sparring.resume(tmp_path / "run", 6, quiet=True)
    with pytest.raises(BadInput, match="is not what this run was trained on"):
        sparring.resume(tmp_path / "run", 6, data=rows(seed=1), quiet=True)
    assert same(bits(sparring.resume(tmp_path / "run", 6, data=rows(), quiet=True).game), bits(whole.game))


def test_a_file_that_has_changed_since_is_noticed(data, tmp_path):
    train(data, tmp_path / "run", rounds=3)
    np.savez(data, images=rows(seed=1), labels=np.arange(24) % 3)
    with pytest.raises(BadInput, match="is not what this run was trained on"):
        sparring.resume(tmp_path / "run", 6, quiet=True)


def test_training_leaves_the_random_state_of_the_process_alone(data, tmp_path):
    state = torch.manual_seed(4).get_state()
    train(data, tmp_path / "run", rounds=2)
    assert torch.equal(torch.get_rng_state(), state)


# ── directories that cannot be trusted ───────────────────────────────────────────────────
def test_the_previous_checkpoint_is_taken_with_a_warning(data, tmp_path, capsys):
    whole = train(data, tmp_path / "whole")
    run = runs.prepare("gan", data, rounds=12, batch=8, out=tmp_path / "run", **whole.config["options"])
    stop_after(run, 4, signal.SIGINT)
    stop_after(run, 8, signal.SIGINT)
    hurt(run.path / "checkpoint" / "networks.safetensors", "one bit flipped")
    assert sparring.load(run.path).round in (4, 5, 8)
    told = capsys.readouterr().err
    assert told.startswith(f"warning: {run.path / 'checkpoint' / 'networks.safetensors'} is missing or not as it was written")
    assert "Going on from the previous checkpoint, round" in told
    assert len(told.splitlines()) == 1
    assert_same_run(sparring.resume(run.path, quiet=True), whole)


DAMAGE = {
    "cut short": (lambda c: json.dumps(c)[:80], "is missing, damaged or from another version"),
    "not an object": (lambda c: "[]", "is missing, damaged"),
    "no rounds": (lambda c: json.dumps({k: v for k, v in c.items() if k != "rounds"}), "KeyError: 'rounds'"),
    "rounds a word": (lambda c: json.dumps(c | {"rounds": "many"}), "'rounds' must be of type int"),
    "no data": (lambda c: json.dumps(c | {"data": []}), "is missing, damaged"),
    "options a list": (lambda c: json.dumps(c | {"options": ["z"]}), "'options' must be of type dict"),
    "shape of words": (lambda c: json.dumps(c | {"data": [c["data"][0] | {"shape": ["a", "b", "c"]}]}), "run.json"),
    "shape negative": (lambda c: json.dumps(c | {"data": [c["data"][0] | {"shape": [1, -8, 8]}]}), "run.json"),
    "system of tomorrow": (lambda c: json.dumps(c | {"system": "gann"}), "There is no system 'gann'; did you mean 'gan'?"),
    "option of tomorrow": (
        lambda c: json.dumps(c | {"options": c["options"] | {"widht": 3}, "versions": {"sparring": "9.9"}}),
        f"of sparring 9.9 (this is {sparring.__version__}): There is no option 'widht'; did you mean 'width'?",
    ),
    "another width": (lambda c: json.dumps(c | {"options": c["options"] | {"width": 5}}), "does not fit this game"),
}


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    path = tmp_path_factory.mktemp("played") / "run"
    train(rows(), path, rounds=2)
    return path


@pytest.mark.parametrize("how", DAMAGE)
def test_a_run_json_that_is_damaged_or_of_another_version(played, how):
    damage, sentence = DAMAGE[how]
    file = played / "run.json"
    before = file.read_text()
    try:
        file.write_text(damage(json.loads(before)))
        with pytest.raises(BadInput) as found:
            sparring.load(played)
    finally:
        file.write_text(before)
    assert sentence in str(found.value)
    assert str(played) in str(found.value)


def test_directories_that_are_no_runs(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match=r"There is no run at .*; `sparring train` makes one"):
        sparring.load(tmp_path / "nothing")
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(BadInput, match=r"run.json is missing, damaged or from another version"):
            sparring.load(path)


def test_a_run_of_a_machine_that_had_a_gpu_loads_on_one_that_has_none(played):
    file = played / "run.json"
    before = file.read_text()
    try:
        file.write_text(before.replace('"device": "cpu"', '"device": "there is no such device"'))
        assert sparring.load(played).game.device.type == "cpu"
    finally:
        file.write_text(before)


@pytest.mark.skipif(sys.platform == "win32", reason="locks are of POSIX")
def test_one_process_a_directory(data, tmp_path):
    run = train(data, tmp_path / "run", rounds=3)
    before = files(run.path, "checkpoint"), (run.path / "run.json").read_bytes()
    holding = (
        "import pathlib, sys; from sparring.files import lock\n"
        "with lock(pathlib.Path(sys.argv[1])): print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        other.stdout.readline()
        with pytest.raises(BadInput, match=r"Another process plays .* right now"):
            sparring.resume(run.path, 6, quiet=True)
        other.kill()
    assert (files(run.path, "checkpoint"), (run.path / "run.json").read_bytes()) == before
    assert sparring.resume(run.path, 6, quiet=True).round == 6  # the lock went with its process


def test_a_directory_that_cannot_be_made_is_refused_before_anything_is_played(data, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match=r"cannot be written .*give another --out"):
        train(data, tmp_path / "file" / "run")
    with pytest.raises(BadInput, match="exists already; give another --out, or go on with `sparring resume"):
        train(data, tmp_path)


# ── what stops a run ─────────────────────────────────────────────────────────────────────
WRITERS = {
    "checkpoint": (checkpoint, "save_file"),
    "samples": (runs, "save_grid"),
    "history": (runs.Path, "open"),
}


@pytest.mark.parametrize("what", WRITERS)
def test_a_full_disk_stops_the_run_and_keeps_its_last_checkpoint(data, tmp_path, monkeypatch, what):
    options = train(data, tmp_path / "run", rounds=3, decay=1.0).config["options"]
    before = files(tmp_path / "run", "checkpoint")
    run = sparring.load(tmp_path / "run")
    owner, name = WRITERS[what]
    original = getattr(owner, name)

    def refusing(*arguments, **options):
        of_history = name != "open" or arguments == (run.path / "history.jsonl", "a")
        return full_disk() if of_history and run.round >= 4 else original(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, refusing)
        with pytest.raises(RunFailed, match=r"could not be written.*No space left on device"):
            run.play(6, quiet=True)
    assert files(tmp_path / "run", "checkpoint")["networks.safetensors"] == before["networks.safetensors"]
    whole = train(data, tmp_path / "whole", rounds=6, **options)
    assert same(bits(sparring.resume(tmp_path / "run", 6, quiet=True).game), bits(whole.game))


class Poisoned(GAN):
    """A GAN whose generator's loss is no number in round 7."""

    def round(self, data):
        for move in super().round(data):
            if self.t == 7 and self.generator in move:
                move = {self.generator: {"forged": move[self.generator] * math.nan}}
            yield move


def test_a_value_that_is_not_finite_stops_the_run_and_keeps_its_last_checkpoint(data, tmp_path, monkeypatch):
    monkeypatch.setitem(SYSTEMS, "poisoned", Poisoned)
    monkeypatch.setattr(runs, "CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(
        RunFailed, match=r"^Round 7, player 'generator': its loss term 'forged' is nan; .* last checkpoint is kept"
    ):
        train(data, tmp_path / "run", "poisoned")
    run = sparring.load(tmp_path / "run")
    assert run.round == 7
    assert [line["round"] for line in run.history()] == list(range(1, 8))
    good = train(data, tmp_path / "good", rounds=7, average=0.0, decay=1.0)
    assert same(bits(run.game), bits(good.game))


# ── what is refused before anything is written ───────────────────────────────────────────
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"system": "gna"}, "There is no system 'gna'; did you mean 'gan'?"),
        ({"rounds": 0}, "Option --rounds is a whole number of at least 1, not 0"),
        ({"rounds": 2.5}, "Option --rounds is a whole number of at least 1, not 2.5"),
        ({"batch": 1}, "Option --batch is a whole number of at least 2, not 1"),
        ({"seed": -1}, "Option --seed is a whole number of at least 0, not -1"),
        ({"precision": "fp16"}, "Option --precision is fp32 or bf16, not 'fp16'"),
        ({"device": "gpu"}, "Option --device: 'gpu' is none that can be used here"),
        ({"widht": 4}, "There is no option 'widht'; did you mean 'width'?"),
        ({"width": -4}, "No GAN can be made with"),
        ({"objective": "minmax"}, "There is no value of --objective 'minmax'; did you mean 'minimax'?"),
    ],
    ids=str,
)
def test_input_that_cannot_work_is_refused_and_nothing_is_written(tmp_path, given, sentence):
    arguments = {"system": "gan", "data": rows(), "out": tmp_path / "run", "quiet": True, "width": 4} | given
    with pytest.raises(BadInput) as found:
        sparring.train(**arguments)
    assert sentence in str(found.value)
    assert not list(tmp_path.iterdir())


# ── what a run directory holds ───────────────────────────────────────────────────────────
def test_a_run_directory_holds_what_is_promised(data, tmp_path):
    run = train(data, tmp_path / "run", rounds=20)
    config = json.loads((run.path / "run.json").read_text())
    assert {"system", "options", "data", "seed", "versions", "command", "rounds", "batch", "precision"} <= config.keys()
    assert config["data"][0]["source"] == str(data)
    assert [line["round"] for line in run.history()] == list(range(1, 21))
    assert {"round", "seconds", "discriminator/real", "discriminator/fake", "generator/loss"} == run.history()[0].keys()
    seconds = [line["seconds"] for line in run.history()]
    assert seconds == sorted(seconds)
    assert [p.name for p in sorted((run.path / "samples").iterdir())] == [f"{n:06d}.png" for n in range(2, 21, 2)]
    assert {p.name for p in run.path.iterdir()} >= {"run.json", "checkpoint", "history.jsonl", "samples"}
    assert run.scores == []


def test_runs_are_numbered_where_no_place_is_given(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [train(data, None, rounds=1).path for _ in range(2)]
    assert [str(p) for p in paths] == ["runs/gan-toy-1", "runs/gan-toy-2"]


def test_a_seed_makes_everything_and_another_seed_something_else(data, tmp_path):
    a, b, c = (train(data, tmp_path / str(i), rounds=2, seed=seed) for i, seed in enumerate((0, 0, 1)))
    assert_same_run(a, b)
    assert not same(bits(a.game), bits(c.game))


def test_timing_rounds_moves_nothing(data, tmp_path):
    run = runs.prepare("gan", data, batch=8, out=tmp_path / "run", z=4, width=4, average=0.9)
    before, state = bits(run.game)["weights"], torch.get_rng_state()
    before = {k: v.clone() for k, v in before.items()}
    assert runs.time_rounds(run) > 0
    assert same(before, run.game.state_dict())
    assert torch.equal(state, torch.get_rng_state())
    assert not run.path.exists()


def test_a_game_that_cannot_sample_leaves_no_pictures(data, tmp_path, monkeypatch):
    class Mute(Game):
        def __init__(self, shape):
            super().__init__()
            self.net = torch.nn.Linear(64, 1)
            self.player = Player(self.net)

        def round(self, data):
            yield {self.player: self.net(next(data).flatten(1)).square().mean()}

    monkeypatch.setitem(SYSTEMS, "mute", Mute)
    run = sparring.train("mute", data, rounds=3, batch=8, out=tmp_path / "run", quiet=True)
    assert run.round == 3
    assert not (run.path / "samples").exists()
