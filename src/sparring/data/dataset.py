"""A data set: rows in memory or on disk, what is known of them, and batches drawn by (seed, rank, round).

Counters instead of a stored generator state: a round's data depend on nothing but these three numbers, so a run that was stopped
goes on with the very batches it would have seen. Rows are never copied by a split: a subset is an index over its parent's rows.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..errors import BadInput
from .pixels import to_tensor

T = TypeVar("T")
WORKERS = min(8, os.cpu_count() or 1)


class Rows(Protocol):
    """What holds the rows: an array, a memory map, or files read as they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: np.ndarray, /) -> np.ndarray: ...


class Unreadable(BadInput):
    """Some rows asked for turned out to be unreadable; `positions` says which of them."""

    def __init__(self, message: str, positions: Sequence[int]) -> None:
        super().__init__(message)
        self.positions = list(positions)


class Picked:
    """Some rows of others, in an order of their own, without a copy."""

    def __init__(self, rows: Rows, index: np.ndarray) -> None:
        self.rows, self.index = rows, index
        self.shape = (len(index), *rows.shape[1:])

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, index: np.ndarray, /) -> np.ndarray:
        return self.rows[self.index[index]]


class Lazy:
    """Pictures read when they are asked for: memory for one batch, whatever their number.

    Args:
        read: row number -> (H, W, C) uint8; raises BadInput with the reason where it cannot. Called from several threads.
        names: (n,) what to call each row when it cannot be read.
        shape: (H, W, C) of every row.
        skipped: the list that (name, reason) of an unreadable row is added to, once.
    """

    def __init__(
        self, read: Callable[[int], np.ndarray], names: Sequence[Any], shape: tuple[int, int, int], skipped: list[tuple[str, str]]
    ) -> None:
        self.read, self.names, self.skipped = read, names, skipped
        self.shape = (len(names), *shape)
        self.broken: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: np.ndarray, /) -> np.ndarray:
        rows = np.empty((len(index), *self.shape[1:]), np.uint8)

        def place(position: int) -> None:
            row = int(index[position])
            if row not in self.broken:
                try:
                    rows[position] = self.read(row)
                except BadInput as error:
                    self.broken[row] = str(error)
                    self.skipped.append((str(self.names[row]), str(error)))

        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(place, range(len(index))))
        # All of a batch's broken rows at once, whether known before or found now: a resumed run then replaces them alike.
        positions = [p for p, row in enumerate(index) if int(row) in self.broken]
        if 10 * len(self.broken) > len(self):
            name, reason = self.skipped[-1]
            raise BadInput(f"More than 10 % of the {len(self):,} pictures cannot be read, the last of them {name} ({reason}).")
        if positions:
            row = int(index[positions[0]])
            raise Unreadable(f"{self.names[row]} cannot be read: {self.broken[row]}.", positions)
        return rows


@dataclass(eq=False, repr=False)
class Data:
    """Rows and what is known of them.

    Args:
        name: what the user called it.
        rows: `rows[int array]` gives uint8 (n, H, W, C) pictures or float32 (n, d) vectors.
        labels: (n,) int64, -1 where a row is unlabelled; None where nothing is known.
        label_names: the name of each class.
        attributes: further label columns, name -> (names of the values, (n,) int64).
        files: each row's file, where rows are files.
        skipped: (file, reason) of what could not be read; grows while a large folder is being read.
        notes: sentences for the training plan: what was found, converted, cropped, resized, and why.
        split: "train", "test" or "all".
        own_test: rows of the data set's own test split, where it has one.
    """

    name: str
    rows: Rows
    labels: np.ndarray | None = None
    label_names: tuple[str, ...] = ()
    attributes: dict[str, tuple[tuple[str, ...], np.ndarray]] = field(default_factory=dict)
    files: tuple[str, ...] | None = None
    skipped: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    split: str = "all"
    own_test: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"Data('{self.name}', {self.split}: {len(self):,} x {self.shape}, {self.classes} classes)"

    @property
    def is_image(self) -> bool:
        return len(self.rows.shape) == 4

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, H, W) of a picture, (d,) of a vector."""
        if not self.is_image:
            return tuple(self.rows.shape[1:])
        _, height, width, channels = self.rows.shape
        return channels, height, width

    @property
    def classes(self) -> int:
        """How many classes the labels know; 0 without labels."""
        return len(self.label_names)

    @cached_property
    def labelled(self) -> np.ndarray:
        """The rows that have a label, ascending."""
        return np.flatnonzero(self._labels() >= 0)

    def fingerprint(self) -> str:
        """Twelve hexadecimal digits for a score's passport: of shape, labels and 64 evenly spaced rows, not of the name."""
        digest = hashlib.sha256(repr((self.rows.shape, self.label_names)).encode())
        _, rows = self._readable(np.unique(np.linspace(0, len(self) - 1, 64).astype(np.int64)))
        digest.update(np.ascontiguousarray(rows).tobytes())
        if self.labels is not None:
            digest.update(self.labels.tobytes())
        return digest.hexdigest()[:12]

    def x(self, indices: Any = None) -> Tensor:
        """Rows by index, mask or slice (None: all): pictures (n, C, H, W) in [-1, 1] channels_last, vectors (n, d)."""
        return to_tensor(self.rows[self._index(indices)])

    def y(self, indices: Any = None) -> Tensor:
        """(n,) int64 labels, -1 where unlabelled.

        Raises:
            BadInput: the data have no labels.
        """
        return torch.from_numpy(self._labels()[self._index(indices)])

    def subset(self, indices: Any) -> "Data":
        """The rows named, in that order, without a copy of them."""
        index = self._index(indices)
        files = self.files
        return replace(
            self,
            rows=Picked(self.rows.rows, self.rows.index[index]) if isinstance(self.rows, Picked) else Picked(self.rows, index),
            labels=None if self.labels is None else self.labels[index],
            attributes={name: (values, column[index]) for name, (values, column) in self.attributes.items()},
            files=None if files is None else tuple(files[i] for i in index),
            notes=list(self.notes),
            own_test=None,
        )

    def pick(self, rng: np.random.Generator, batch: int, among: np.ndarray | None = None) -> tuple[Tensor, np.ndarray]:
        """Draw rows: without replacement where there are enough of them.

        A file found to be broken is replaced by another drawn row.

        Args:
            among: (m,) the rows to draw from; all by default.

        Returns:
            x: the rows, as `x` gives them; index: (batch,) which rows they are.
        """
        n = len(self) if among is None else len(among)
        index = rng.choice(n, batch, replace=batch > n)
        index = index if among is None else among[index]
        tried = index
        while True:
            try:
                return to_tensor(self.rows[index]), index
            except Unreadable as error:
                # What is known of broken files from earlier rounds plays no part here: a resumed run must draw the same rows.
                fresh = np.setdiff1d(np.arange(n) if among is None else among, tried)
                if not len(fresh):
                    fresh = np.delete(index, error.positions)
                if not len(fresh):
                    raise
                index = index.copy()
                index[error.positions] = rng.choice(fresh, len(error.positions), replace=len(error.positions) > len(fresh))
                tried = np.union1d(tried, index)

    def batches(self, size: int) -> Iterator[tuple[np.ndarray, Tensor]]:
        """All rows in order, `size` at a time, as (index, x); files found to be broken are left out."""
        for start in range(0, len(self), size):
            index, rows = self._readable(np.arange(start, min(start + size, len(self))))
            if len(index):
                yield index, to_tensor(rows)

    def _readable(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        while True:
            try:
                return index, self.rows[index]
            except Unreadable as error:
                index = np.delete(index, error.positions)

    def _labels(self) -> np.ndarray:
        if self.labels is None:
            raise BadInput(
                f"'{self.name}' has no labels: name sub-folders after them, put labels.csv beside the files, or pass labels=."
            )
        return self.labels

    def _index(self, indices: Any) -> np.ndarray:
        if isinstance(indices, np.ndarray) and indices.dtype == np.int64 and indices.ndim == 1:
            return indices  # a batch's way: no pass over the rows
        if isinstance(indices, Tensor):
            indices = indices.cpu().numpy()
        return np.atleast_1d(np.arange(len(self))[slice(None) if indices is None else indices])


def draw(
    view: Callable[[Any, np.random.Generator, int], T], data: Any, batch: int, seed: int, rank: int, round: int
) -> Iterator[T]:
    """One round's endless batches, decided by (seed, rank, round) alone.

    Args:
        view: what a batch is: a function of `sparring.data.views`, or one of your own.
        data: what the view takes: a `Data`, or a pair of them.
        batch: rows a batch.
    """
    rng = np.random.default_rng((seed, rank, round))
    while True:
        yield view(data, rng, batch)
