"""Checkpoints: exact, whole whenever the machine stops, checked before they are believed, never executed."""

import hashlib
import json
import os
import pickle
import shutil
import zipfile

import pytest
import torch

from sparring import checkpoint, play
from sparring.checkpoint import CURRENT, FILES, NEW, PREVIOUS
from sparring.errors import BadInput, RunFailed
from sparring.games import GAN


def make_game(seed=0, **options):
    torch.manual_seed(seed)
    return GAN((2,), z=4, width=4, average=0.9, **options)


def advance(game, start, stop):
    for _ in play(game, lambda t: iter([torch.randn(8, 2, generator=torch.Generator().manual_seed(t))]), start, stop):
        pass
    return game


def bits(game):
    """Everything a game is: weights, buffers, averages, optimiser states."""
    players = {
        name: (p.optimizer.state_dict()["state"], p.average and p.average.state_dict()) for name, p in game.players.items()
    }
    return {"weights": game.state_dict(), "players": players}


def same(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b) and a.dtype == b.dtype
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@pytest.fixture
def saved(tmp_path):
    """A directory with the checkpoints of rounds 2 and 4."""
    game = advance(make_game(), 0, 2)
    checkpoint.save(game, tmp_path, round=2)
    checkpoint.save(advance(game, 2, 4), tmp_path, round=4)
    return tmp_path


def restored(path):
    game = make_game(seed=1)
    return game, checkpoint.load(game, path)


def test_a_checkpoint_restores_every_bit(saved):
    game, progress = restored(saved)
    assert progress["round"] == 4
    assert progress["faults"] == []
    assert same(bits(game), bits(advance(make_game(), 0, 4)))
    assert same(bits(advance(game, 4, 6)), bits(advance(make_game(), 0, 6)))
    assert sorted(p.name for p in (saved / CURRENT).iterdir()) == sorted([*FILES, "progress.json"])


def test_the_optimisers_file_loads_without_executing(saved):
    assert sorted(torch.load(saved / CURRENT / "optimisers.pt", weights_only=True)) == ["discriminator", "generator"]


def hurt(file, how):
    content = file.read_bytes()
    if how == "missing":
        file.unlink()
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "truncated":
        file.write_bytes(content[: len(content) // 2])
    else:
        at = len(content) // 2
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])


@pytest.mark.parametrize("how", ["missing", "empty", "truncated", "one bit flipped"])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named_and_the_previous_checkpoint_taken(saved, name, how):
    hurt(saved / CURRENT / name, how)
    game, progress = restored(saved)
    assert progress["round"] == 2
    assert len(progress["faults"]) == 1
    assert str(saved / CURRENT / name) in progress["faults"][0]
    assert same(bits(game), bits(advance(make_game(), 0, 2)))


@pytest.mark.parametrize("how", ["missing", "empty", "truncated"])
def test_damaged_progress_makes_a_checkpoint_untrustworthy(saved, how):
    hurt(saved / CURRENT / "progress.json", how)
    _, progress = restored(saved)
    assert progress["round"] == 2
    assert "progress.json is missing or damaged" in progress["faults"][0]


def test_when_none_is_whole_every_fault_is_said(saved):
    for folder, name in ((CURRENT, FILES[0]), (PREVIOUS, FILES[2])):
        hurt(saved / folder / name, "truncated")
    with pytest.raises(BadInput) as found:
        restored(saved)
    assert str(saved / CURRENT / FILES[0]) in str(found.value)
    assert str(saved / PREVIOUS / FILES[2]) in str(found.value)


def test_no_checkpoint_at_all(tmp_path):
    with pytest.raises(BadInput, match="There is no checkpoint in"):
        restored(tmp_path)


def test_another_format_is_refused_by_number(saved):
    shutil.rmtree(saved / PREVIOUS)
    file = saved / CURRENT / "progress.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 7}))
    with pytest.raises(BadInput, match="has checkpoint format 7; this version of sparring reads format 1"):
        restored(saved)


def test_a_checkpoint_of_another_game_is_refused(saved):
    with pytest.raises(BadInput, match="does not fit this game"):
        checkpoint.load(GAN((3,), z=4, width=4), saved)
    with pytest.raises(BadInput, match="does not fit this game"):
        checkpoint.load(GAN((2,), z=4, width=4, optimizer="rmsprop", spectral=True), saved)


class Command:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("form", ["pickle", "torch.save", "inside the archive"])
def test_a_crafted_optimisers_file_is_not_executed(saved, form):
    """As a stranger would make it, with a checksum that fits."""
    shutil.rmtree(saved / PREVIOUS)
    target, file = saved / "executed", saved / CURRENT / "optimisers.pt"
    if form == "pickle":
        file.write_bytes(pickle.dumps(Command(target)))
    elif form == "torch.save":
        torch.save({"generator": Command(target)}, file)
    else:
        with zipfile.ZipFile(file) as old:
            parts = {name: old.read(name) for name in old.namelist()}
        with zipfile.ZipFile(file, "w") as new:
            for name, content in parts.items():
                new.writestr(name, pickle.dumps(Command(target)) if name.endswith("data.pkl") else content)
    progress = json.loads((saved / CURRENT / "progress.json").read_text())
    progress["sha256"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    (saved / CURRENT / "progress.json").write_text(json.dumps(progress))
    with pytest.raises(BadInput, match="does not fit this game, or is damaged"):
        restored(saved)
    assert not target.exists()


class Killed(BaseException):
    """What a kill is to this process: nothing after it happens, nothing catches it."""


STEPS = {
    "shutil.rmtree": (checkpoint.shutil, "rmtree"),
    "save_file": (checkpoint, "save_file"),
    "torch.save": (checkpoint.torch, "save"),
    "_sync": (checkpoint, "_sync"),
    "rename": (checkpoint.Path, "rename"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", [0, 1, 2])
def test_a_kill_at_any_step_of_a_save_leaves_a_whole_checkpoint(saved, monkeypatch, step, after, nth):
    game = advance(restored(saved)[0], 4, 6)
    owner, name = STEPS[step]
    original, calls = getattr(owner, name), []

    def fatal(*args, **kwargs):
        calls.append(args)
        if len(calls) == nth + 1 and not after:
            raise Killed
        result = original(*args, **kwargs)
        if len(calls) == nth + 1:
            raise Killed
        return result

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fatal)
        try:
            checkpoint.save(game, saved, round=6)
        except Killed:
            pass
        else:
            assert len(calls) <= nth, "a step that was reached must have been fatal"
    found, progress = restored(saved)
    assert progress["round"] in (4, 6)
    assert progress["faults"] == []
    assert same(bits(found), bits(advance(make_game(), 0, progress["round"])))
    # And whoever goes on from there saves as ever.
    checkpoint.save(advance(found, progress["round"], 7), saved, round=7)
    assert restored(saved)[1]["round"] == 7
    assert sorted(p.name for p in saved.iterdir()) == [CURRENT, PREVIOUS]


def test_between_the_renames_the_new_one_counts_and_a_disk_that_is_full_then_cannot_take_it(saved, monkeypatch):
    game = restored(saved)[0]
    (saved / CURRENT).rename(saved / NEW)  # the kill came after CURRENT had become PREVIOUS
    assert restored(saved)[1]["round"] == 4
    monkeypatch.setattr(checkpoint, "save_file", full_disk)
    with pytest.raises(RunFailed):
        checkpoint.save(game, saved, round=5)
    assert restored(saved)[1]["round"] == 4


def test_a_kill_while_a_damaged_checkpoint_is_replaced_leaves_the_new_one(saved, monkeypatch):
    hurt(saved / CURRENT / FILES[0], "truncated")
    game, progress = restored(saved)
    assert progress["round"] == 2
    monkeypatch.setattr(checkpoint.Path, "rename", lambda *_: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        checkpoint.save(game, saved, round=2)
    assert not (saved / PREVIOUS).exists()
    found, progress = restored(saved)
    assert progress["round"] == 2
    assert same(bits(found), bits(game))


def full_disk(*args, **kwargs):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["save_file", "torch.save", "_sync", "rename"])
def test_a_full_disk_keeps_the_last_checkpoint(saved, monkeypatch, step):
    game = advance(restored(saved)[0], 4, 6)
    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[step], full_disk)
        with pytest.raises(RunFailed, match=r"could not be written to .* \(No space left on device\); the last one is kept"):
            checkpoint.save(game, saved, round=6)
    assert not (saved / NEW).exists()
    assert restored(saved)[1] == json.loads((saved / CURRENT / "progress.json").read_text()) | {"faults": []}
    assert restored(saved)[1]["round"] == 4
