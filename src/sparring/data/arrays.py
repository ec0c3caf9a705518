"""Arrays as data: which axes are what, which range is meant, and what labels say."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import BadInput
from .dataset import Data, Lazy, Rows

CHUNK = 2**22  # values looked at together: memory stays bounded for arrays that are on disk
SLACK = 1e-3  # resampling overshoots its range by rounding; this much is clipped rather than refused


def from_array(name: str, x: Any, labels: Any = None) -> Data:
    """Data of an array or a tensor.

    Args:
        x: pictures (n, H, W), (n, H, W, C) or (n, C, H, W) with C = 1, 3 or 4 (alpha), as uint8, bool, uint16 or floats in
            [0, 1] or [-1, 1]; or vectors (n, d).
        labels: (n,) integers, -1 where unlabelled, or strings; None without.

    Raises:
        BadInput: another rank or type, no rows, a value that is not finite or outside its range, labels that do not match.
    """
    tensor, x = isinstance(x, Tensor), plain(x)
    if x.dtype.kind not in "buif":
        raise BadInput(f"{name}: an array of type {x.dtype} is neither pictures nor vectors; numbers are needed.")
    if not 2 <= x.ndim <= 4:
        raise BadInput(
            f"{name}: an array of shape {x.shape} is neither vectors (n, d) nor pictures (n, H, W), (n, H, W, C) or (n, C, H, W)."
        )
    if 0 in x.shape:
        raise BadInput(f"{name}: an array of shape {x.shape} holds no {'rows' if not len(x) else 'values'}.")
    notes: list[str] = []
    rows = _vectors(name, x, notes) if x.ndim == 2 else _pictures(name, channels_last(name, x, tensor), notes)
    data = Data(name, rows, notes=notes)
    return data if labels is None else with_labels(data, labels)


def plain(x: Any) -> np.ndarray:
    """An array, a tensor, or what numpy makes of it, in the machine's byte order."""
    try:
        if isinstance(x, Tensor):
            x = x.detach().cpu()
            x = (x.float() if x.dtype == torch.bfloat16 else x).numpy()  # a type numpy has not
        elif not isinstance(x, np.memmap):
            x = np.asarray(x)
    except (TypeError, ValueError, RuntimeError) as error:
        raise BadInput(f"{type(x).__name__} makes no array of numbers: {' '.join(str(error).split())[:120]}") from None
    return x if x.dtype.isnative else x.astype(x.dtype.newbyteorder("="))


def _vectors(name: str, x: np.ndarray, notes: list[str]) -> np.ndarray:
    rows = x
    if x.dtype != np.float32:
        with np.errstate(over="ignore"):  # what overflows is named below
            rows = x.astype(np.float32)
        if x.dtype.kind != "f":
            notes.append(f"{x.dtype} vectors were converted to float32, unscaled.")
    limits(name, rows)
    return rows


@dataclass(frozen=True)
class Pixels:
    """How an array's pixels become 8-bit ones: scaled, shifted, and composited over white where they have alpha."""

    scale: float
    shift: float
    note: str

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(..., C) -> (..., C) uint8, C = 4 becoming 3; BadInput where a value is outside the range that was found."""
        if x.dtype == np.uint8:
            pixels = x
        else:
            values = x.astype(np.float32) * self.scale + self.shift
            if not (values.min() >= -0.5 and values.max() <= 255.5):  # never true of NaN
                raise BadInput(f"values between {x.min():g} and {x.max():g} among rows of another range")
            pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
        if pixels.shape[-1] != 4:
            return pixels
        alpha = pixels[..., 3:].astype(np.float32) / 255
        return np.rint(pixels[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)


def _pictures(name: str, x: np.ndarray, notes: list[str]) -> Rows:
    pixels = meaning(name, x.dtype, *limits(name, x))
    if pixels.note:
        notes.append(pixels.note)
    shape = (*x.shape[1:3], 3 if x.shape[3] == 4 else x.shape[3])
    if shape[2] != x.shape[3]:
        notes.append("Alpha was composited over white.")
    if x.dtype == np.uint8 and shape[2] == x.shape[3]:
        return x if isinstance(x, np.memmap) else np.ascontiguousarray(x)
    if isinstance(x, np.memmap):
        return Lazy(partial(_row, pixels, x), range(len(x)), shape, [])
    rows = np.empty((len(x), *shape), np.uint8)
    for part in _parts(x):
        rows[part] = pixels(x[part])
    return rows


def _row(pixels: Pixels, x: np.ndarray, i: int) -> np.ndarray:
    return pixels(x[i])


def channels_last(name: str, x: np.ndarray, tensor: bool = False) -> np.ndarray:
    """Pictures as (n, H, W, C); where the shape says it both ways, tensors are (n, C, H, W).

    Raises:
        BadInput: no axis can be the channels, or either could.
    """
    if x.ndim == 3:
        if x.shape[2] in (3, 4) and x.shape[1] > 4:
            raise BadInput(f"{name}: shape {x.shape} looks like one colour picture; several are needed, (n, H, W, C).")
        return x[..., None]
    for depths in ((1, 3), (4,)):
        last, first = x.shape[3] in depths, x.shape[1] in depths
        if first and (tensor or not last):
            return np.moveaxis(x, 1, 3)
        if last and (not first or x.shape[1:] == (1, 1, 1)):
            return x
        if last and first:
            raise BadInput(
                f"{name}: shape {x.shape} reads as (n, H, W, C) and as (n, C, H, W) alike; pass a torch tensor (n, C, H, W)."
            )
    raise BadInput(f"{name}: shape {x.shape} has no axis of 1, 3 or 4 channels; use (n, H, W, C) or (n, C, H, W).")


def meaning(name: str, dtype: np.dtype, low: float, high: float) -> Pixels:
    """What pixels of this type between these limits mean.

    Raises:
        BadInput: nothing that is known; the sentence gives the range found.
    """
    if dtype == np.uint8:
        return Pixels(1, 0, "")
    if dtype.kind == "b":
        return Pixels(255, 0, "Boolean pixels were read as black and white.")
    if dtype == np.uint16:
        return Pixels(255 / 65535, 0, "16-bit pixels were scaled to 8 bits.")
    found = f"ixels of type {dtype} between {low:g} and {high:g}"
    if dtype.kind == "f" and low >= -SLACK and high <= 1 + SLACK:
        return Pixels(255, 0, f"P{found} were taken to lie in [0, 1] and stored with 8 bits.")
    if dtype.kind == "f" and low >= -1 - SLACK and high <= 1 + SLACK:
        return Pixels(127.5, 127.5, f"P{found} were taken to lie in [-1, 1] and stored with 8 bits.")
    if dtype.kind in "iu" and low >= 0 and high <= 255:
        return Pixels(1, 0, f"P{found} were taken to lie in 0..255.")
    raise BadInput(
        f"{name}: p{found}; floats must lie in [0, 1] or [-1, 1], integers in 0..255: rescale them or convert to uint8."
    )


def _parts(x: np.ndarray) -> list[slice]:
    """Slices of rows, CHUNK values each."""
    step = max(1, CHUNK // max(1, x[0].size))
    return [slice(start, start + step) for start in range(0, len(x), step)]


def limits(name: str, x: np.ndarray) -> tuple[float, float]:
    """The least and the greatest value; BadInput names the first row with one that is not finite."""
    if x.dtype.kind != "f":
        return (0, 255) if x.dtype == np.uint8 else (float(x.min()), float(x.max()))
    low, high = np.inf, -np.inf
    for part in _parts(x):
        chunk = x[part]
        low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
        if not (np.isfinite(low) and np.isfinite(high)):
            bad = ~np.isfinite(chunk).reshape(len(chunk), -1).all(axis=1)
            row = int(np.flatnonzero(bad)[0])
            kind = "NaN" if np.isnan(chunk[row]).any() else "an infinite value (or one too large for float32)"
            raise BadInput(f"{name}: row {part.start + row} holds {kind}; remove or repair such rows first.")
    return low, high


def with_labels(data: Data, labels: Any, names: tuple[str, ...] | None = None) -> Data:
    """The same data with these labels: (n,) integers, -1 for unlabelled, or strings; `names` of the classes 0, 1, ... if any."""
    column, found = encode(data.name, labels, len(data))
    if names is not None:
        if column.max(initial=-1) >= len(names):
            raise BadInput(f"{data.name}: label {column.max()} has no name; there are {len(names)} names.")
        found = names
    data.labels, data.label_names = column, found
    return data


def encode(name: str, labels: Any, rows: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels as (n,) int64 and the names of the classes.

    Integers stay what they are, so that two data sets agree on what a 3 is; strings are numbered in order, "" is unlabelled.

    >>> encode("pets", ["dog", "cat", "", "dog"], 4)
    (array([ 1,  0, -1,  1]), ('cat', 'dog'))
    >>> encode("digits", [0, 2, -1], 3)
    (array([ 0,  2, -1]), ('0', '1', '2'))
    """
    column = plain(labels)
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim != 1:
        raise BadInput(f"{name}: labels of shape {column.shape}; one label a row is needed (of one-hot rows take argmax(1)).")
    if len(column) != rows:
        raise BadInput(f"{name}: {len(column):,} labels for {rows:,} rows; their numbers must be equal.")
    if column.dtype.kind == "O" and all(isinstance(v, str) for v in column):
        column = column.astype(str)
    if column.dtype.kind == "U":
        return _numbered(column, column != "")
    if column.dtype.kind == "f":
        if np.isnan(column).any():
            raise BadInput(
                f"{name}: the label of row {int(np.flatnonzero(np.isnan(column))[0])} is NaN; use -1 for unlabelled rows."
            )
        if not (np.isfinite(column).all() and (column == np.rint(column)).all() and (abs(column) < 2**53).all()):
            raise BadInput(f"{name}: labels must be whole numbers or strings, not {column.dtype} fractions.")
    if column.dtype.kind not in "buif":
        raise BadInput(f"{name}: labels of type {column.dtype}; use integers (-1 for unlabelled) or strings.")
    if column.dtype.kind == "u" and column.dtype.itemsize == 8 and column.max(initial=0) >= 2**63:
        raise BadInput(f"{name}: label {column.max()} is too large for a label.")
    column = column.astype(np.int64)
    if column.min(initial=0) < -1:
        raise BadInput(f"{name}: label {column.min()} in row {int(column.argmin())}; labels start at 0, and -1 means unlabelled.")
    classes = int(column.max(initial=-1)) + 1
    if classes > max(1000, rows):
        return _numbered(column, column >= 0)  # identifiers rather than class numbers
    return column, tuple(map(str, range(classes)))


def _numbered(column: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    values, inverse = np.unique(column[known], return_inverse=True)
    try:
        order = sorted(range(len(values)), key=lambda i: int(values[i]))  # "2" before "10"
    except ValueError:
        order = list(range(len(values)))
    rank = np.empty(len(values), np.int64)
    rank[order] = np.arange(len(values))
    out = np.full(len(column), -1, np.int64)
    out[known] = rank[inverse]
    return out, tuple(str(values[i]) for i in order)
