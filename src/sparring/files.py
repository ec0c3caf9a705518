"""What a run directory asks of the file system: whole files or the old ones, one writer, an orderly stop."""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import distribute
from .errors import BadInput, RunFailed


def read_history(file: Path) -> list[dict[str, float]]:
    """Lines of a history; a line that a kill cut short is left out."""
    lines = []
    for text in file.read_text().splitlines() if file.exists() else []:
        try:
            lines.append(json.loads(text))
        except ValueError:
            continue
    return [line for line in lines if isinstance(line, dict) and isinstance(line.get("round"), int)]


def replace_text(file: Path, text: str) -> None:
    """Write a whole file or leave the old one."""
    part = file.with_name(file.name + ".part")
    with disk(file):
        try:
            part.write_text(text)
            os.replace(part, file)
        except OSError:
            part.unlink(missing_ok=True)
            raise


def write_json(file: Path, value: Any) -> None:
    replace_text(file, json.dumps(value, indent=1) + "\n")


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """The sentence for a disk that refuses, full or otherwise, while a run is under way."""
    try:
        yield
    except OSError as error:
        raise RunFailed(f"{path} could not be written ({error.strerror or error}); the last checkpoint is kept.") from error


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Make the directory and hold it for this process; the operating system lets go when the process ends, however it ends."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        file = (path / ".lock").open("a")
    except OSError as error:
        raise BadInput(f"The run directory {path} cannot be written ({error.strerror}); give another --out.") from error
    with file:
        if distribute.rank() == 0 and sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BadInput(f"Another process plays {path} right now; wait for it, or train into another --out.") from error
        yield


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """A list that a first Ctrl-C or SIGTERM fills, so that the round at hand is finished; a second one interrupts at once."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def note(number: int, frame: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    old = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
