"""The exact state of a game on disk: written atomically, checked by checksum, loaded without executing anything.

    checkpoint/            the last one: networks.safetensors, averages.safetensors, optimisers.pt, progress.json
    checkpoint.previous/   the one before

A new checkpoint is written beside the old one and becomes `checkpoint` by renaming, so a kill at any moment leaves a whole one.
Random states are not stored: every round draws from (seed, rank, round), and the round is a counter in progress.json.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from .errors import BadInput, RunFailed
from .game import Game

CURRENT, PREVIOUS, NEW = "checkpoint", "checkpoint.previous", "checkpoint.new"
FILES = ("networks.safetensors", "averages.safetensors", "optimisers.pt")
FORMAT = 1


def save(game: Game, run: Path, **progress: Any) -> None:
    """Write `game` as the last checkpoint of the directory `run`; the one it replaces is kept as the previous one.

    Args:
        game: Networks, averages and optimisers are written; nothing else is state.
        run: The run directory.
        progress: Counters to find again in progress.json, at least `round`.

    Raises:
        RunFailed: The disk refused (full, read-only); the last checkpoint is untouched.
    """
    new = run / NEW
    try:
        if new in candidates(run) and not (run / CURRENT).exists():  # a kill came between the renames below: do the second
            new.rename(run / CURRENT)
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        players = game.players
        save_file(_contiguous(game.state_dict()), new / "networks.safetensors")
        averages = {f"{k}.{name}": t for k, p in players.items() if p.average for name, t in p.average.state_dict().items()}
        save_file(_contiguous(averages), new / "averages.safetensors")
        torch.save({name: player.optimizer.state_dict() for name, player in players.items()}, new / "optimisers.pt")
        sums = {file.name: _checksum(file) for file in sorted(new.iterdir())}
        (new / "progress.json").write_text(json.dumps({"format": FORMAT, **progress, "sha256": sums}, indent=1))
        for file in new.iterdir():
            _sync(file)
        _sync(new)
        if (run / CURRENT).exists():
            shutil.rmtree(run / PREVIOUS, ignore_errors=True)
            (run / CURRENT).rename(run / PREVIOUS)
        new.rename(run / CURRENT)
        _sync(run)
    except (OSError, SafetensorError, RuntimeError) as error:
        shutil.rmtree(new, ignore_errors=True)
        reason = getattr(error, "strerror", None) or error
        raise RunFailed(f"The checkpoint could not be written to {run} ({reason}); the last one is kept.") from error


def load(game: Game, run: Path) -> dict[str, Any]:
    """Bring `game` to the newest whole checkpoint of `run`, exactly; gives its progress.

    Raises:
        BadInput: No checkpoint, or none that is whole and made for this game; says which file is at fault.
    """
    faults = []
    for folder in candidates(run):
        try:
            progress = verify(folder)
            _restore(game, folder)
        except BadInput as fault:
            faults.append(str(fault))
        else:
            return {**progress, "faults": faults}
    raise BadInput(
        " ".join(faults) or f"There is no checkpoint in {run}; the run was stopped before it wrote one. Train it again."
    )


def candidates(run: Path) -> Iterator[Path]:
    """Where a whole checkpoint may be, newest first; a finished `.new` is the last resort, or between `save`'s renames the newest."""
    folders = [run / name for name in (CURRENT, PREVIOUS) if (run / name).exists()]
    if (run / NEW / "progress.json").exists():
        folders.insert(len(folders) if (run / CURRENT).exists() else 0, run / NEW)
    yield from folders


def verify(folder: Path) -> dict[str, Any]:
    """The progress of a checkpoint whose files are all as they were written; BadInput names the one that is not."""
    try:
        progress = json.loads((folder / "progress.json").read_text())
        version, sums = progress["format"], progress["sha256"]
        if not isinstance(progress["round"], int):
            raise TypeError("round")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder / 'progress.json'} is missing or damaged, so this checkpoint cannot be trusted.") from error
    if version != FORMAT:
        raise BadInput(f"{folder} has checkpoint format {version}; this version of sparring reads format {FORMAT}.")
    for file in (folder / name for name in FILES):
        if not file.is_file() or _checksum(file) != sums.get(file.name):
            raise BadInput(f"{file} is missing or not as it was written (its checksum differs).")
    return progress


def _restore(game: Game, folder: Path) -> None:
    device = game.device
    try:
        networks = load_file(folder / "networks.safetensors")
        averages = load_file(folder / "averages.safetensors")
        optimisers = torch.load(folder / "optimisers.pt", map_location=device, weights_only=True)
        game.load_state_dict(networks)
        for name, player in game.players.items():
            player.optimizer.load_state_dict(optimisers[name])
            if player.average is not None:
                own = {k.removeprefix(f"{name}."): v for k, v in averages.items() if k.startswith(f"{name}.")}
                player.average.load_state_dict(own)
    except Exception as error:  # whatever a damaged or hostile file raises, the sentence is the same
        raise BadInput(f"{folder} does not fit this game, or is damaged ({type(error).__name__}).") from error


def _contiguous(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().contiguous() for name, tensor in state.items()}


def _checksum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Make the operating system put it on disk now; directories only where that is possible."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no directories
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
