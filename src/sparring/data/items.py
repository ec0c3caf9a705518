"""Anything that yields pictures: a torch Dataset by its two methods, a list of PIL images, a generator of them."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from ..errors import BadInput
from . import pictures
from .arrays import channels_last, limits, meaning, plain, with_labels
from .dataset import Data, Lazy
from .folders import SAMPLE, enough
from .progress import progress

NAME = "items"


def from_iterable(source: Iterable[Any], *, size: Any = None, channels: int | None = None, cache_bytes: int = 2**30) -> Data:
    """Data of what an iterator yields, kept in memory.

    Raises:
        BadInput: nothing came, or more than `cache_bytes` (pictures already at the size asked for, where one was).
    """
    items: list[Any] = []
    held = 0
    target = None if size is None else pictures.as_size(size)
    for item in source:
        x, y = parts(item)
        if isinstance(x, Image.Image):
            with pictures.quiet(), pictures.reasons():
                x.load()
                if target is not None:
                    grey = (channels or (1 if pictures.describe(x).grey else 3)) == 1
                    fitted = pictures.fit(x, target, 1 if grey else 3)
                    x = Image.fromarray(fitted[..., 0] if grey else fitted)
            held += x.width * x.height * len(x.getbands())
        else:
            x = plain(x)
            held += x.nbytes
        if held > cache_bytes:
            raise BadInput(
                f"{len(items):,} items took more than {cache_bytes / 2**20:,.0f} MiB; pass size=, or save them as a folder."
            )
        items.append((x,) if y is None else (x, y))
    return from_items(items, size=size, channels=channels, cache_bytes=cache_bytes)


def from_items(source: Any, *, size: Any = None, channels: int | None = None, cache_bytes: int = 2**30) -> Data:
    """Data of anything with a length whose items are x or (x, y), x a picture (PIL, tensor, array) or a vector.

    Raises:
        BadInput: no items, items of another kind, of unequal shapes or of an unknown range.
    """
    n = len(source)
    if not n:
        raise BadInput("There are no items to learn from.")
    sample = [parts(source[int(i)])[0] for i in np.unique(np.linspace(0, n - 1, SAMPLE).astype(int))]
    with pictures.quiet():
        if isinstance(sample[0], Image.Image):
            return _images(source, n, sample, size, channels, cache_bytes)
        return _arrays(source, n, sample, cache_bytes)


def parts(item: Any) -> tuple[Any, Any]:
    """(x, y) of an item that is x, (x,) or (x, y); y is None where there is none."""
    if isinstance(item, tuple | list) and len(item) in (1, 2) and not np.isscalar(item[0]):
        return item[0], item[1] if len(item) == 2 else None
    if isinstance(item, Image.Image) or hasattr(item, "__array__"):
        return item, None
    if isinstance(item, tuple | list) and item and all(np.isscalar(v) for v in item):
        return np.asarray(item), None
    raise BadInput(f"An item is {type(item).__name__}; x or (x, y) is needed, x a picture, an array or a tensor.")


def _images(source: Any, n: int, sample: list[Any], size: Any, channels: int | None, cache_bytes: int) -> Data:
    if not all(isinstance(x, Image.Image) for x in sample):
        raise BadInput("Some items are PIL images and others are not.")
    target, depth, notes = pictures.decide([pictures.describe(x) for x in sample], size, channels)

    def convert(x: Any) -> np.ndarray:
        with pictures.reasons():
            return pictures.fit(x, target, depth)

    return _rows(source, n, (*target, depth), convert, notes, cache_bytes)


def _arrays(source: Any, n: int, sample: list[Any], cache_bytes: int) -> Data:
    stack = [plain(x) for x in sample]
    shapes = sorted({x.shape for x in stack})
    if len(shapes) > 1:
        raise BadInput(f"Items differ in shape, {shapes[0]} and {shapes[1]}; resize them, or yield PIL images.")
    x = np.stack(stack)
    if x.dtype.kind not in "buif" or x.ndim not in (2, 3, 4) or 0 in x.shape:
        raise BadInput(f"Items of shape {shapes[0]} and type {x.dtype} are neither pictures nor vectors.")
    if x.ndim == 2:
        if 4 * n * x.shape[1] > cache_bytes:
            raise BadInput(
                f"{n:,} vectors take more than {cache_bytes / 2**20:,.0f} MiB; save them as .npy, which stays on disk."
            )
        return _vectors(source, n, x.shape[1])
    tensor = hasattr(sample[0], "permute")  # tensors are (C, H, W) where a shape reads both ways
    shape = channels_last(NAME, x, tensor).shape[1:]
    pixels = meaning(NAME, x.dtype, *limits(NAME, x))

    def convert(value: Any) -> np.ndarray:
        value = plain(value)[None]
        if value.shape[1:] != shapes[0]:
            raise BadInput(f"shape {value.shape[1:]} among items of {shapes[0]}")
        return pixels(channels_last(NAME, value, tensor)[0])

    depth = 3 if shape[2] == 4 else shape[2]
    return _rows(source, n, (*shape[:2], depth), convert, [pixels.note] if pixels.note else [], cache_bytes)


def _vectors(source: Any, n: int, width: int) -> Data:
    rows = np.empty((n, width), np.float32)
    labels = []
    for i in range(n):
        x, y = parts(source[i])
        x = plain(x)
        if x.shape != (width,) or x.dtype.kind not in "buif":
            raise BadInput(f"Item {i} is {x.dtype} of shape {x.shape} among vectors of {width} values.")
        rows[i] = x
        labels.append(y)
    limits(NAME, rows)
    return _labelled(Data(NAME, rows), labels, source)


def _rows(
    source: Any, n: int, shape: tuple[int, int, int], convert: Callable[[Any], np.ndarray], notes: list[str], cache_bytes: int
) -> Data:
    notes.insert(0, f"{n:,} items of {type(source).__name__}.")
    if n * int(np.prod(shape)) > cache_bytes:
        notes.append(f"Read as they are drawn, for in memory they would take more than {cache_bytes / 2**20:,.0f} MiB.")
        data = Data(NAME, np.empty(0), notes=notes)
        data.rows = Lazy(partial(_item, source, convert), range(n), shape, data.skipped)
        targets = getattr(source, "targets", None)
        return data if targets is None else _labelled(data, targets, source)
    rows = np.empty((n, *shape), np.uint8)
    labels: list[Any] = []
    skipped: list[tuple[str, str]] = []
    for i in progress(range(n), n, "Reading the items"):
        x, y = parts(source[i])
        try:
            rows[len(labels)] = convert(x)
            labels.append(y)
        except BadInput as error:
            skipped.append((f"item {i}", str(error)))
    if skipped:
        enough(len(labels), n, skipped)
    return _labelled(Data(NAME, rows[: len(labels)], notes=notes, skipped=skipped), labels, source)


def _item(source: Any, convert: Callable[[Any], np.ndarray], i: int) -> np.ndarray:
    return convert(parts(source[i])[0])


def _labelled(data: Data, labels: Any, source: Any) -> Data:
    if any(label is None for label in labels):
        return data
    names = getattr(source, "classes", None)
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        names = None
    values = [label if isinstance(label, str) else plain(label) for label in labels]
    return with_labels(data, values, None if names is None else tuple(names))
