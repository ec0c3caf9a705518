import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from sparring.data import grid_modes, load, named, names, ring_modes
from sparring.errors import BadInput


def test_every_name_says_where_it_comes_from_and_how_to_get_it() -> None:
    for name, entry in names().items():
        assert entry.name == name
        assert entry.description
        assert entry.source
        assert entry.how_to_get.endswith(".")
        assert entry.path() in (None, "made") or name == "fashion-mnist"  # which a system may have installed


@pytest.mark.parametrize(("name", "near"), [("digitz", "digits"), ("mnits", "mnist"), ("fashon-mnist", "fashion-mnist")])
def test_an_unknown_name_gets_the_nearest_known(name: str, near: str) -> None:
    with pytest.raises(BadInput, match=f"did you mean '{near}'"):
        load(name)


@pytest.mark.parametrize("name", ["a\0b", "x" * 10_000, "nothing/like/this", "~nobody-of-that-name/x"])
def test_names_no_file_system_takes(name: str) -> None:
    with pytest.raises(BadInput):
        load(name)


def test_digits() -> None:
    from sklearn.datasets import load_digits

    data = load("digits")
    assert (len(data), data.shape, data.classes) == (1797, (1, 8, 8), 10)
    rows = data.rows[np.arange(1797)][..., 0]
    assert rows.max() == 255
    assert np.array_equal(np.rint(rows / 255 * 16), load_digits().images)
    assert data.y().tolist() == load_digits().target.tolist()


@pytest.mark.parametrize(("name", "modes", "count"), [("ring", ring_modes(), 8), ("grid", grid_modes(), 25)])
def test_mixtures(name: str, modes: named.Any, count: int) -> None:
    data = load(name)
    assert (len(data), data.shape, data.classes) == (50_000, (2,), count)
    assert modes.centres.shape == (count, 2)
    centres = modes.centres
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2) + 9 * np.eye(count)
    assert apart.min() > 0.7  # no two modes are one
    if name == "ring":
        assert np.allclose(np.linalg.norm(centres, axis=1), 1)
    else:
        assert {float(v) for v in centres.ravel()} == {-4, -2, 0, 2, 4}
    x, y = data.x().double().numpy(), data.y().numpy()
    assert set(np.bincount(y)) == {50_000 // count}
    residual = (x - centres[y]) / modes.sigma
    assert abs(residual.mean()) < 5 / 100_000**0.5
    assert abs(residual.var() - 1) < 5 * (2 / 100_000) ** 0.5
    assert np.array_equal(load(name).rows[np.arange(9)], data.rows[np.arange(9)])


def idx(x: np.ndarray) -> bytes:
    return gzip.compress(bytes([0, 0, 8, x.ndim]) + struct.pack(f">{x.ndim}I", *x.shape) + x.astype(np.uint8).tobytes())


def test_sets_kept_in_files_are_found_and_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARRING_DATA", str(tmp_path))
    x, y = np.arange(3 * 4 * 4).reshape(3, 4, 4), np.arange(3)
    (tmp_path / "fashion-mnist").mkdir()
    for part, count in (("train", 3), ("t10k", 2)):
        (tmp_path / "fashion-mnist" / f"{part}-images-idx3-ubyte.gz").write_bytes(idx(x[:count]))
        (tmp_path / "fashion-mnist" / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx(y[:count]))
    assert names()["fashion-mnist"].path() == tmp_path / "fashion-mnist"
    train, test = load("fashion-mnist", split="train"), load("fashion-mnist", split="test", size=8)
    assert (len(train), len(test), test.shape) == (3, 2, (1, 8, 8))
    assert train.label_names[2] == "Pullover"
    assert len(load(load("fashion-mnist"), split="test")) == 2
    np.savez(tmp_path / "usps.npz", x_train=x, y_train=y, x_test=x[:1], y_test=y[:1])
    assert len(load("usps", split="train")) == 3


def test_a_set_that_is_nowhere_says_how_to_get_it() -> None:
    with pytest.raises(BadInput, match=r"mnist is not on this machine .*no network in tests.*SPARRING_DATA/mnist"):
        load("mnist")


def test_a_fetched_set_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from types import SimpleNamespace

    monkeypatch.undo()
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SPARRING_DATA", raising=False)
    calls = []

    def fetch_openml(**how: object) -> SimpleNamespace:
        calls.append(how)
        rows = np.tile(np.linspace(-1, 1, 256), (7_295, 1))
        return SimpleNamespace(data=rows, target=np.array([str(1 + i % 10) for i in range(7_295)]))

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch_openml)
    for _ in range(2):
        data = load("usps", split="test")
        assert (len(data), data.shape) == (4, (1, 16, 16))
        assert data.y().tolist() == [(7_291 + i) % 10 for i in range(4)]
        assert (data.x().min(), data.x().max()) == (-1, 1)
    assert len(calls) == 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["usps.npz"]
