"""A folder of pictures: listed quickly, decoded into memory where it fits, read as drawn where it does not."""

import csv
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..errors import BadInput
from . import pictures
from .arrays import encode
from .dataset import WORKERS, Data, Lazy
from .progress import progress

T = TypeVar("T")
SAMPLE = 1000  # headers looked at before deciding whether a folder fits into memory
LABELS = "labels.csv"
Skipped = list[tuple[str, str]]


def from_folder(path: Path, *, size: Any = None, channels: int | None = None, cache_bytes: int = 2**30) -> Data:
    """Data of a folder of pictures, sub-folders being labels, or `labels.csv` (file, label, further attributes ...) beside them.

    Raises:
        BadInput: fewer than two readable pictures, more than 10 % unreadable, or a `labels.csv` that says nothing of the files.
    """
    files, other, table = listing(path)
    if not files:
        raise BadInput(
            f"{path} holds no pictures (looked for {', '.join(s[1:] for s in pictures.SUFFIXES)}, sub-folders included)."
        )
    sample = files if len(files) <= SAMPLE else [files[i] for i in np.linspace(0, len(files) - 1, SAMPLE).astype(int)]
    with pictures.quiet():
        skipped: Skipped = []
        headers = _every(partial(_header, path), sample, skipped, len(sample), "Looking at the pictures")
        target, depth, notes = pictures.decide(list(headers.values()), size, channels)
        if len(files) * target[0] * target[1] * depth > cache_bytes:
            data = _lazy(path, files, target, depth, skipped)
            notes.append(f"Read as they are drawn, for in memory they would take more than {cache_bytes / 2**20:,.0f} MiB.")
            if len(sample) < len(files):
                notes.append(f"Size and colour were judged by {len(sample):,} of the {len(files):,}.")
        else:
            if len(sample) < len(files):  # all of them will be decoded: let all of them decide
                skipped = []
                headers = _every(partial(_header, path), files, skipped, len(files), "Looking at the pictures")
                target, depth, notes = pictures.decide(list(headers.values()), size, channels)
            data = _decoded(path, list(headers), target, depth, skipped, len(files))
    data.notes = [f"{len(data):,} pictures in {path}.", *notes]
    if other:
        data.notes.append(f"{other:,} hidden files and files of other kinds were ignored.")
    _label(data, path / LABELS if table else None)
    return data


def listing(path: Path) -> tuple[list[str], int, bool]:
    """Picture files below a folder, relative to it and sorted; the number of others; whether labels.csv stands beside them."""
    files: list[str] = []
    other, table = 0, False
    seen: set[tuple[int, int]] = set()
    todo = [""]
    while todo:
        below = todo.pop()
        folder = os.path.join(path, below)
        try:
            status = os.stat(folder)
            if (status.st_dev, status.st_ino) in seen:  # a link that leads back
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                for entry in entries:
                    name = os.path.join(below, entry.name)
                    if entry.name.startswith("."):
                        other += 1
                    elif entry.name.lower().endswith(pictures.SUFFIXES) and entry.is_file():
                        files.append(name)
                    elif entry.is_dir():
                        todo.append(name)
                    elif name == LABELS:
                        table = True
                    else:
                        other += 1
        except OSError as error:
            raise BadInput(f"{folder} cannot be listed: {error.strerror}.") from None
    return sorted(files), other, table


def _header(path: Path, name: str) -> pictures.Header:
    return pictures.header(os.path.join(path, name))


def _every(work: Callable[[str], T], names: Sequence[str], skipped: Skipped, count: int, what: str) -> dict[str, T]:
    """`work` done for every file by a few threads, in order; what fails is skipped, and too many failures are an error."""

    def attempt(name: str) -> T | BadInput:
        try:
            return work(name)
        except BadInput as error:
            return error

    done: dict[str, T] = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        # A part at a time: a future weighs more than a file name.
        results = (result for i in range(0, len(names), SAMPLE) for result in pool.map(attempt, names[i : i + SAMPLE]))
        for name, result in zip(names, progress(results, len(names), what), strict=True):
            if isinstance(result, BadInput):
                skipped.append((name, str(result)))
            else:
                done[name] = result
    enough(count - len(skipped), count, skipped)
    return done


def enough(readable: int, count: int, skipped: Skipped) -> None:
    """BadInput where too few pictures of a folder can be read."""
    first = f", first {skipped[0][0]} ({skipped[0][1]})" if skipped else ""
    if readable < 2:
        raise BadInput(f"{readable} readable of {count:,} pictures{first}; at least two are needed.")
    if 10 * len(skipped) > count:
        raise BadInput(
            f"{len(skipped):,} of {count:,} pictures cannot be read{first}; remove them, or check where they came from."
        )


def _decoded(path: Path, names: list[str], size: pictures.Size, channels: int, skipped: Skipped, count: int) -> Data:
    rows = np.empty((len(names), *size, channels), np.uint8)
    place = {name: i for i, name in enumerate(names)}

    def decode(name: str) -> None:
        rows[place[name]] = pictures.read(os.path.join(path, name), size, channels)

    done = _every(decode, names, skipped, count, "Reading the pictures")
    if len(done) < len(names):
        rows = rows[[place[name] for name in done]]
    return Data(path.name, rows, files=tuple(done), skipped=sorted(skipped))


def _read(path: Path, names: list[str], size: pictures.Size, channels: int, row: int) -> np.ndarray:
    return pictures.read(os.path.join(path, names[row]), size, channels)


def _lazy(path: Path, names: list[str], size: pictures.Size, channels: int, skipped: Skipped) -> Data:
    known = {name for name, _ in skipped}
    names = [name for name in names if name not in known]
    rows = Lazy(partial(_read, path, names, size, channels), names, (*size, channels), skipped)
    return Data(path.name, rows, files=tuple(names), skipped=skipped)


def _label(data: Data, table: Path | None) -> None:
    assert data.files is not None
    if table is not None:
        columns = read_table(table)
        if not any(name in columns[1] for name in data.files):
            raise BadInput(
                f"{table} names none of the {len(data):,} pictures beside it; its first column must hold their file names."
            )
        for i, column in enumerate(columns[0]):
            values = [columns[1].get(name, [""] * len(columns[0]))[i] for name in data.files]
            codes, names = encode(f"{table}, column '{column}'", values, len(data))
            if i == 0:
                data.labels, data.label_names = codes, names
            else:
                data.attributes[column] = (names, codes)
        missing = sorted(set(columns[1]) - set(data.files) - {name for name, _ in data.skipped})
        if missing:
            data.notes.append(f"{table.name} names {len(missing):,} files that are not there, first {missing[0]}.")
        source = table.name
    else:
        folders = [name.split(os.sep)[0] if os.sep in name else "" for name in data.files]
        if len(set(folders)) < 2:
            return
        data.labels, data.label_names = encode(data.name, folders, len(data))
        source = "sub-folders"
    assert data.labels is not None
    counts = np.bincount(data.labels[data.labels >= 0], minlength=1)
    bare = int((data.labels < 0).sum())
    data.notes.append(
        f"{data.classes:,} labels from {source}, {counts.min():,} to {counts.max():,} pictures each"
        + (f"; {bare:,} without a label." if bare else ".")
    )


def read_table(path: Path) -> tuple[list[str], dict[str, list[str]]]:
    """`labels.csv`: the names of its label columns, and each file's values. A first line `file,...` is the header.

    Raises:
        BadInput: not a table of text with a file name and a label a line.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            lines = [[cell.strip() for cell in line] for line in csv.reader(stream) if line]
    except (OSError, UnicodeError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read as a table: {error}.") from None
    width = len(lines[0]) if lines else 0
    wrong = next((i for i, line in enumerate(lines, 1) if len(line) != width), None)
    if width < 2 or wrong is not None:
        raise BadInput(f"{path}: line {wrong or 1} must hold a file name and {max(1, width - 1)} label(s), separated by commas.")
    titles = ["label", *(f"column {i}" for i in range(3, width + 1))]
    if not lines[0][0].lower().endswith(pictures.SUFFIXES):
        titles, lines = lines[0][1:], lines[1:]
    return titles, {os.path.normpath(line[0]): line[1:] for line in lines}
