import gzip
import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sparring.data import files, load
from sparring.errors import BadInput

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 6, 5), np.uint8)
LABELS = np.arange(20) % 4


def idx(x: np.ndarray) -> bytes:
    code = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}[x.dtype.str[1:]]
    return bytes([0, 0, code, x.ndim]) + struct.pack(f">{x.ndim}I", *x.shape) + x.astype(x.dtype.newbyteorder(">")).tobytes()


def npy(x: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, x, allow_pickle=True)
    return stream.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=True, **arrays)
    return stream.getvalue()


def same(path: Path) -> None:
    data = load(path)
    assert np.array_equal(data.rows[np.arange(20)][..., 0], IMAGES)
    if data.labels is not None:
        assert np.array_equal(data.labels, LABELS)


def test_npy(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(npy(IMAGES))
    same(tmp_path / "x.npy")
    assert isinstance(files.npy(tmp_path / "x.npy", cache_bytes=100), np.memmap)


@pytest.mark.parametrize(
    "x", [IMAGES, IMAGES / 255, np.repeat(IMAGES[:, None], 3, 1), np.linspace(0, 1, 80).reshape(20, 4)], ids=str
)
def test_a_file_larger_than_memory_allows_gives_the_same_rows(tmp_path: Path, x: np.ndarray) -> None:
    np.save(tmp_path / "x.npy", x)
    whole, mapped = load(tmp_path / "x.npy"), load(tmp_path / "x.npy", cache_bytes=10)
    assert mapped.shape == whole.shape
    assert mapped.x([3, 1]).equal(whole.x([3, 1]))
    assert load(tmp_path / "x.npy", cache_bytes=10, split="test").x().equal(load(x, split="test").x())


@pytest.mark.parametrize("names", [("images", "labels"), ("x", "y"), ("x", "labels"), ("anything", None)])
def test_npz(tmp_path: Path, names: tuple[str, str | None]) -> None:
    arrays = {names[0]: IMAGES} | ({names[1]: LABELS} if names[1] else {})
    (tmp_path / "x.npz").write_bytes(npz(**arrays))
    same(tmp_path / "x.npz")


def test_npz_with_a_split_of_its_own(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x_train=IMAGES[:15], y_train=LABELS[:15], x_test=IMAGES[15:], y_test=LABELS[15:])
    same(tmp_path / "x.npz")
    test = load(tmp_path / "x.npz", split="test")
    assert np.array_equal(test.rows[np.arange(5)][..., 0], IMAGES[15:])
    assert len(load(tmp_path / "x.npz", split="train")) == 15


@pytest.mark.parametrize("packed", [False, True])
def test_idx_with_its_labels_beside_it(tmp_path: Path, packed: bool) -> None:
    pack: Callable[[bytes], bytes] = gzip.compress if packed else bytes
    suffix = ".gz" if packed else ""
    path = tmp_path / f"train-images-idx3-ubyte{suffix}"
    path.write_bytes(pack(idx(IMAGES)))
    assert load(path).labels is None
    (tmp_path / f"train-labels-idx1-ubyte{suffix}").write_bytes(pack(idx(LABELS.astype(np.uint8))))
    same(path)
    assert load(path).classes == 4
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(IMAGES[:7]))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(LABELS[:7].astype(np.int32)))
    assert [len(load(tmp_path, split=split)) for split in ("train", "test", "all")] == [20, 7, 27]


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "i4"])
def test_idx_of_every_type(tmp_path: Path, dtype: str) -> None:
    x = np.arange(12).reshape(4, 3).astype(dtype)
    (tmp_path / "x.idx").write_bytes(idx(x))
    assert load(tmp_path / "x.idx").x().tolist() == x.tolist()


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('executed')",)


def bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy(IMAGES))
    body = bytearray(stream.getvalue())
    at = body.rindex(b"PK\x01\x02") + 24  # the size unpacked, in the archive's directory
    body[at : at + 4] = struct.pack("<I", 2**32 - 2)
    return bytes(body)


BAD = {
    "empty": b"",
    "text": b"hello, world",
    "pickle": pickle.dumps(Trap()),
    "objects.npy": npy(np.array([Trap()], object)),
    "objects.npz": npz(x=np.array([Trap()], object)),
    "short.npy": npy(IMAGES)[:-1],
    "huge.npy": npy(np.zeros(0)).replace(b"(0,), }            ", b"(999999999999,), } "),
    "short.npz": npz(x=IMAGES)[:-30],
    "others.npz": npz(a=IMAGES, b=IMAGES),
    "none.npz": npz(),
    "bomb.npz": bomb(),
    "labels.npz": npz(x=IMAGES, y=LABELS[:-1]),
    "split.npz": npz(x_train=IMAGES, y_train=LABELS[:4], x_test=IMAGES, y_test=LABELS),
    "shapes.npz": npz(x_train=IMAGES, x_test=IMAGES[:, 1:]),
    "short.idx": idx(IMAGES)[:-1],
    "header.idx": b"\0\0\x08\x03\0\0",
    "type.idx": b"\0\0\x07\x01" + bytes(5),
    "huge.idx": b"\0\0\x08\x03" + b"\xff" * 12 + bytes(20),
    "huge.gz": gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12 + bytes(20)),
    "short.gz": gzip.compress(idx(IMAGES))[:-40],
    "text.gz": gzip.compress(b"hello"),
    "rank.idx": idx(np.arange(3, dtype=np.uint8)),
    "zero.idx": idx(IMAGES[:0]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BAD[name])
    with pytest.raises(BadInput) as error:
        load(tmp_path / name)
    stem = name.split(".")[0]
    assert stem in str(error.value)  # says which file
    assert "\n" not in str(error.value)


GOOD = {
    "a.npy": npy(IMAGES),
    "b.npz": npz(images=IMAGES, labels=LABELS),
    "c.idx": idx(IMAGES),
    "d.gz": gzip.compress(idx(IMAGES / 255)),
}


@pytest.mark.parametrize("name", GOOD)
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
def test_a_mutated_file_is_read_or_refused(tmp_path: Path, name: str, data: st.DataObject) -> None:
    changed = bytearray(GOOD[name])
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, min(len(changed) - 1, 140)))] = data.draw(st.integers(0, 255))
    del changed[data.draw(st.integers(1, len(changed))) :]
    (tmp_path / name).write_bytes(changed)
    for cache_bytes in (2**30, 10):
        try:
            load(tmp_path / name, cache_bytes=cache_bytes).x([0])
        except BadInput as error:
            assert str(error)  # noqa: PT017
