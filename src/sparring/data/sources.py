"""`load`: whatever the user has, as `Data`."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ..errors import BadInput, unknown
from .arrays import from_array, with_labels
from .dataset import Data, Lazy, Rows
from .files import from_file, from_idx_folder, idx_folder
from .named import names

SPLITS = ("train", "test", "all")
MOST_HELD_OUT = 10_000
FOLDER_BYTES = 2**28  # files can be read again at a few ms a batch, so a folder that takes more is not worth the memory
SEED = 0  # of the split, so that every run holds out the same rows


def load(
    source: Any,
    *,
    split: str = "all",
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    labels: Any = None,
    holdout: float = 0.2,
    cache_bytes: int = 2**30,
) -> Data:
    """Make `Data` of whatever holds pictures or vectors.

    Args:
        source: a name (see `names`); a path: a folder of pictures (sub-folders are labels, or `labels.csv` beside them), .npy,
            .npz with `images` or `x` and `labels`, IDX with its labels file beside it; an array or tensor, or a pair (x, y);
            a torch Dataset of x or (x, y); anything that yields PIL images; a `Data`.
        split: "train", "test" or "all". MNIST, USPS and Fashion-MNIST have a test split of their own; of all else `holdout` of
            the rows, at most 10,000, are kept for testing, always the same ones, in the proportions of the labels.
        size: pixels, one number or (H, W); pictures are cropped about their centre to that shape and resized.
        channels: 1 (grey) or 3 (colour); by default what the pictures have.
        labels: one for each row, integers (-1: unlabelled) or strings, in place of what the source says.
        holdout: the share of rows held out for testing, in (0, 1).
        cache_bytes: what may be held in memory, of a folder at most 256 MiB; larger folders and files are read as rows are drawn.

    Raises:
        BadInput: anything that cannot be data, in one sentence.

    >>> load("digits", split="test")
    Data('digits', test: 359 x (1, 8, 8), 10 classes)
    >>> load((np.zeros((4, 2)), [0, 1, 1, -1])).y()
    tensor([ 0,  1,  1, -1])
    """
    if split not in SPLITS:
        raise unknown("split", str(split), SPLITS)
    if not 0 < holdout < 1:
        raise BadInput(f"holdout={holdout}: the share of rows to hold out lies between 0 and 1.")
    data = _read(source, size, channels, cache_bytes)
    if labels is not None:
        data = with_labels(data, labels)
    if size is not None or channels is not None:
        data = _fitted(data, size, channels, cache_bytes)
    return _split(data, split, holdout)


def _read(source: Any, size: Any, channels: int | None, cache_bytes: int) -> Data:
    if isinstance(source, Data):
        return replace(source, notes=list(source.notes))
    if isinstance(source, str | os.PathLike):
        return _of_text(source, size, channels, cache_bytes)
    if isinstance(source, tuple) and len(source) == 2 and all(isinstance(x, list) or _is_array(x) for x in source):
        return with_labels(_read(source[0], size, channels, cache_bytes), source[1])
    if _is_array(source):
        return from_array("array", source)
    from . import items

    if hasattr(source, "__len__") and hasattr(source, "__getitem__") and not isinstance(source, dict):
        return items.from_items(source, size=size, channels=channels, cache_bytes=cache_bytes)
    if hasattr(source, "__iter__") and not isinstance(source, dict):
        return items.from_iterable(source, size=size, channels=channels, cache_bytes=cache_bytes)
    raise BadInput(
        f"{type(source).__name__} holds no data: pass a name, a path, an array, a tensor, a torch Dataset or PIL images."
    )


def _is_array(x: Any) -> bool:
    """An array, a tensor, a data frame, or lists of numbers; not a list of pictures or of (x, y)."""
    if isinstance(x, list):
        return not x or isinstance(x[0], int | float | list | np.number)
    return isinstance(x, np.ndarray | Tensor) or hasattr(x, "__array__")


def _of_text(source: str | os.PathLike[str], size: Any, channels: int | None, cache_bytes: int) -> Data:
    text = os.fspath(source)
    known = names()
    path = Path(os.path.expanduser(text))
    if text in known and isinstance(source, str):
        here = known[text].path()
        if not known[text].folder or not isinstance(here, Path):
            return known[text].read()
        path = here
    try:
        if path.is_dir():
            found = idx_folder(path)
            if found is not None:
                return from_idx_folder(path.name, found)
            from .folders import from_folder

            return from_folder(path, size=size, channels=channels, cache_bytes=min(cache_bytes, FOLDER_BYTES))
        if path.is_file():
            from .pictures import SUFFIXES

            if path.name.lower().endswith(SUFFIXES):
                raise BadInput(f"{path} is a single picture; a folder of pictures is needed.")
            return from_file(path, cache_bytes)
        if path.exists():
            raise BadInput(f"{path} is neither a file nor a folder.")
    except (OSError, ValueError) as error:  # also names no file system takes
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{text!r} cannot be opened: {error}.") from None
    if len(path.parts) > 1 or path.suffix or not isinstance(source, str):
        raise BadInput(f"There is no file or folder {path}.")
    raise BadInput(f"{unknown('data set', text, known)} Nor is there a file or folder of that name.")


def _fitted(data: Data, size: Any, channels: int | None, cache_bytes: int) -> Data:
    """Pictures at another size or depth; folders come fitted already."""
    from . import pictures

    if not data.is_image:
        raise BadInput(f"{data.name} holds vectors; size and channels are for pictures.")
    if channels not in (None, 1, 3):
        raise BadInput(f"channels={channels}: pictures have 1 (grey) or 3 (colour) channels.")
    depth, height, width = data.shape
    target: tuple[int, int] = (height, width) if size is None else pictures.as_size(size)
    wanted = channels or depth
    if (wanted, *target) == data.shape:
        return data
    data.notes.append(f"Pictures of {height} x {width} x {depth} became {target[0]} x {target[1]} x {wanted}, as asked.")
    lazy = Lazy(partial(_row, data.rows, target, wanted), range(len(data)), (*target, wanted), data.skipped)
    data.rows = lazy
    if len(data) * int(np.prod(lazy.shape[1:])) <= cache_bytes:
        data.rows = np.empty(lazy.shape, np.uint8)
        for i in range(len(data)):
            data.rows[i] = lazy.read(i)
    return data


def _row(rows: Rows, size: tuple[int, int], channels: int, i: int) -> np.ndarray:
    from PIL import Image

    from . import pictures

    row = rows[np.array([i])][0]
    return pictures.fit(Image.fromarray(row[..., 0] if row.shape[2] == 1 else row), size, channels)


def _split(data: Data, split: str, holdout: float) -> Data:
    if split == "all":
        return data
    if data.split != "all":
        raise BadInput(f"{data.name} is a {data.split} split already; it has no '{split}' split.")
    test = data.own_test if data.own_test is not None else held_out(data, holdout)
    index = test if split == "test" else np.setdiff1d(np.arange(len(data)), test)
    part = data.subset(index)
    part.split = split
    part.notes.append(
        f"{len(index):,} of {len(data):,} rows are the {split} split{'' if data.own_test is None else ' of its makers'}."
    )
    return part


def held_out(data: Data, holdout: float) -> np.ndarray:
    """The rows kept for testing, ascending: a fixed choice, in the proportions of the labels."""
    n = len(data)
    if n < 2:
        raise BadInput(f"{data.name}: {n} row cannot be split; use split='all'.")
    count = min(max(1, round(n * holdout)), n - 1, MOST_HELD_OUT)
    order = np.random.default_rng(SEED).permutation(n)
    if data.labels is not None:
        order = order[np.argsort(data.labels[order], kind="stable")]
    # Evenly spaced in an order shuffled and then sorted by label: as many of each label as its share allows.
    return np.sort(order[((np.arange(count) + 0.5) * (n / count)).astype(np.int64)])
