"""Array files: .npy, .npz and IDX, plain or compressed. Known by their first bytes, never by executing anything in them."""

import gzip
import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import BadInput
from .arrays import from_array
from .dataset import Data

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MAX_BYTES = 2**36  # what a compressed file may claim to unpack to
PACKING = 1100  # deflate packs at most 1032 to 1; a header that claims more lies
IMAGES, LABELS = ("images", "x"), ("labels", "y")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever goes wrong while a file is parsed is BadInput that names the file."""
    try:
        yield
    except BadInput:
        raise
    except MemoryError:
        raise BadInput(f"{path} does not fit into memory.") from None
    except Exception as error:  # parsers of broken files raise whatever they stumble over
        raise BadInput(f"{path} cannot be read: {' '.join(str(error).split())[:200] or type(error).__name__}.") from None


def from_file(path: Path, cache_bytes: int = 2**30) -> Data:
    """Data of an array file; large .npy files stay on disk.

    Raises:
        BadInput: not a known file, broken, or its arrays are no data.
    """
    with reading(path):
        with open(path, "rb") as stream:
            start = stream.read(6)
        if start == b"\x93NUMPY":
            return from_array(path.stem, npy(path, cache_bytes))
        if start[:2] == b"PK":
            return from_npz(path)
        if start[:2] == b"\x1f\x8b" or start[:2] == b"\0\0":
            labels = idx_labels(path)
            data = from_array(path.name.split(".")[0], idx(path), None if labels is None else idx(labels))
            data.notes.append("No labels file beside it." if labels is None else f"Labels from {labels.name}.")
            return data
    raise BadInput(f"{path} is not a file of data: a folder of pictures, .npy, .npz or IDX (also .gz) is needed.")


def npy(path: Path, cache_bytes: int) -> np.ndarray:
    """The array of a .npy file, mapped from disk where it is larger than `cache_bytes`."""
    with open(path, "rb") as stream:
        check_header(stream, path.stat().st_size, str(path))
    return np.load(path, mmap_mode="r" if path.stat().st_size > cache_bytes else None, allow_pickle=False)


def check_header(stream: IO[bytes], size: int, name: str) -> None:
    """BadInput where a .npy header asks for Python objects, or for more bytes than the file has."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    if dtype.hasobject:
        raise BadInput(f"{name} holds Python objects, which could execute code; save plain numbers.")
    if math.prod(shape) * dtype.itemsize > size:
        raise BadInput(f"{name} is cut short: {shape} of {dtype} needs more than its {size:,} bytes.")


def from_npz(path: Path) -> Data:
    """Data of a .npz with `images` or `x`, and `labels` or `y`; or `x_train`, `y_train`, `x_test`, `y_test`, its own split."""
    arrays = npz(path)
    if "x_train" in arrays and "x_test" in arrays:
        pairs = [(arrays[f"x_{part}"], arrays.get(f"y_{part}")) for part in ("train", "test")]
        return joined(path.stem, *pairs)
    key = next((k for k in IMAGES if k in arrays), next(iter(arrays)) if len(arrays) == 1 else None)
    if key is None:
        raise BadInput(f"{path} has no array 'images' or 'x', only {', '.join(sorted(arrays)) or 'nothing'}.")
    labels = next((arrays[k] for k in LABELS if k in arrays), None)
    return from_array(path.stem, arrays[key], labels)


def npz(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a .npz."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        for member in members:
            if member.file_size > min(MAX_BYTES, PACKING * max(1, member.compress_size)):
                raise BadInput(f"{path}: {member.filename} claims to unpack to {member.file_size:,} bytes, which cannot be.")
            with archive.open(member) as stream:
                check_header(stream, member.file_size, f"{path}: {member.filename}")
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def idx(path: Path) -> np.ndarray:
    """The array of an IDX file: two zero bytes, type, rank, big-endian sizes, values; plain or gzip-compressed."""
    with open(path, "rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    with gzip.open(path, "rb") if packed else open(path, "rb") as stream:
        magic = stream.read(4)
        if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in IDX_TYPES:
            raise BadInput(f"{path} is not an IDX file: its first bytes are {magic.hex() or 'missing'}.")
        dtype = np.dtype(IDX_TYPES[magic[2]])
        sizes = stream.read(4 * magic[3])
        if len(sizes) < 4 * magic[3]:
            raise BadInput(f"{path} is cut short within its header.")
        shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
        needed = math.prod(shape) * dtype.itemsize
        values = b""
        if needed <= min(MAX_BYTES, os.path.getsize(path) * (PACKING if packed else 1)):
            values = stream.read(needed)
    if len(values) < needed:
        raise BadInput(f"{path} is cut short: {shape} needs {needed:,} bytes.")
    return np.frombuffer(bytearray(values), dtype).reshape(shape)


def idx_labels(path: Path) -> Path | None:
    """The labels file beside an IDX file of images, named as MNIST's are."""
    name = path.name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")
    beside = [path.with_name(name + suffix) for suffix in ("", ".gz")]
    return next((p for p in beside if p.name != path.name and p.is_file()), None)


def idx_folder(path: Path) -> dict[str, Path] | None:
    """MNIST's four files in a folder, by "train-images", "train-labels", "t10k-images", "t10k-labels"; None without all four."""
    found = {}
    for part in ("train-images", "train-labels", "t10k-images", "t10k-labels"):
        stem = f"{part}-idx{3 if part.endswith('images') else 1}-ubyte"
        file = next((path / (stem + suffix) for suffix in ("", ".gz") if (path / (stem + suffix)).is_file()), None)
        if file is None:
            return None
        found[part] = file
    return found


def from_idx_folder(name: str, found: dict[str, Path]) -> Data:
    """Data of MNIST's four files, with their own test split."""
    arrays = {}
    for part, file in found.items():
        with reading(file):
            arrays[part] = idx(file)
    return joined(name, *((arrays[f"{part}-images"], arrays[f"{part}-labels"]) for part in ("train", "t10k")))


def joined(name: str, train: tuple[Any, Any], test: tuple[Any, Any]) -> Data:
    """Training and test rows as one `Data` that knows its own test rows."""
    if train[0].shape[1:] != test[0].shape[1:] or train[0].dtype != test[0].dtype:
        raise BadInput(f"{name}: training rows {train[0].shape[1:]} and test rows {test[0].shape[1:]} differ in shape or type.")
    for x, y in (train, test):
        if y is not None and len(y) != len(x):
            raise BadInput(f"{name}: {len(y):,} labels for {len(x):,} rows; their numbers must be equal.")
    labels = None if train[1] is None or test[1] is None else np.concatenate([train[1], test[1]])
    data = from_array(name, np.concatenate([train[0], test[0]]), labels)
    data.own_test = np.arange(len(train[0]), len(data))
    return data
