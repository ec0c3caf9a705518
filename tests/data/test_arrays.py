from typing import Any

import numpy as np
import pytest
import torch

from sparring.data import load
from sparring.errors import BadInput

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (5, 7, 6), np.uint8)
COLOUR = RNG.integers(0, 256, (5, 7, 6, 3), np.uint8)


@pytest.mark.parametrize(
    "x",
    [
        COLOUR,
        np.moveaxis(COLOUR, 3, 1),
        torch.from_numpy(COLOUR),
        torch.from_numpy(COLOUR).permute(0, 3, 1, 2),
        COLOUR.astype(np.int64),
        COLOUR.astype(np.uint16) * 257,
        (COLOUR / 255).astype(np.float32),
        COLOUR / 255,
        torch.from_numpy(COLOUR / 127.5 - 1).permute(0, 3, 1, 2),
        np.concatenate([COLOUR, np.full((5, 7, 6, 1), 255, np.uint8)], 3),
        (COLOUR.astype(np.uint16) * 257).astype(">u2"),
    ],
    ids=str,
)
def test_every_way_to_write_the_same_pictures_is_read_alike(x: Any) -> None:
    data = load(x)
    assert data.shape == (3, 7, 6)
    assert np.array_equal(data.rows[np.arange(5)], COLOUR)
    assert data.x().is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("x", [GREY, GREY[..., None], GREY[:, None], torch.from_numpy(GREY), GREY / 255, GREY.tolist()], ids=type)
def test_grey_pictures(x: Any) -> None:
    data = load(x)
    assert data.shape == (1, 7, 6)
    assert np.array_equal(data.rows[np.arange(5)][..., 0], GREY)


def test_alpha_is_composited_over_white_and_booleans_are_black_and_white() -> None:
    pixels = np.zeros((2, 5, 5, 4), np.uint8)
    pixels[1, ..., 3] = 255
    rows = load(pixels).rows[np.arange(2)]
    assert rows.shape == (2, 5, 5, 3)
    assert (rows[0] == 255).all()
    assert (rows[1] == 0).all()
    assert set(np.unique(load(np.eye(5, dtype=bool)[None].repeat(2, 0)).rows)) == {0, 255}


def test_the_assumed_range_is_told() -> None:
    assert "[0, 1]" in " ".join(load(GREY / 255).notes)
    assert "[-1, 1]" in " ".join(load(GREY / 127.5 - 1).notes)


def test_vectors_stay_what_they_are() -> None:
    x = RNG.normal(size=(9, 4)) * 1000
    data = load(x)
    assert not data.is_image
    assert data.shape == (4,)
    torch.testing.assert_close(data.x(), torch.from_numpy(x).float())
    assert load(np.arange(6).reshape(3, 2)).x().tolist() == [[0, 1], [2, 3], [4, 5]]


def holed(shape: tuple[int, ...], row: int, value: float) -> np.ndarray:
    x = np.zeros(shape)
    x[(row, *[0] * (len(shape) - 1))] = value
    return x


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (holed((9, 4), 7, np.nan), "row 7 holds NaN"),
        (holed((9, 4), 3, -np.inf), "row 3 holds an infinite"),
        (holed((9, 4), 3, 1e300), "too large for float32"),
        (holed((9, 5, 5), 8, np.nan), "row 8 holds NaN"),
        (holed((9, 5, 5), 0, 2.5), "between 0 and 2.5"),
        (holed((9, 5, 5), 0, -3), "between -3 and 0"),
        (holed((9, 5, 5), 0, 255.0), "between 0 and 255"),
        (np.full((2, 5, 5), 1000, np.int64), "between 1000 and 1000"),
        (np.float64(3), "shape ()"),
        (np.zeros(7), r"shape \(7,\)"),
        (np.zeros((2, 2, 2, 2, 2)), "shape"),
        (np.zeros((0, 4)), "no rows"),
        (np.zeros((0, 8, 8), np.uint8), "no rows"),
        (np.zeros((4, 0)), "no values"),
        (np.zeros((4, 8, 8, 2)), "no axis of 1, 3 or 4"),
        (np.zeros((4, 3, 9, 3)), "alike"),
        (np.zeros((480, 640, 3), np.uint8), "one colour picture"),
        (np.array([["a", "b"]]), "type <U1"),
        (np.zeros((3, 2), complex), "complex"),
        (np.array([[None, {}]]), "object"),
        (torch.zeros(3, 2).to_sparse(), "makes no array"),
        ([[1, 2], [3]], "makes no array"),
        (7, "holds no data"),
        (None, "holds no data"),
        ({}, "holds no data"),
        ([], "no rows|shape"),
    ],
    ids=str,
)
def test_bad_arrays(x: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        load(x)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([0, 1], "2 labels for 3 rows"),
        ([0.0, np.nan, 1.0], "use -1"),
        ([0.5, 1.0, 2.0], "whole numbers"),
        ([0, np.inf, 1], "whole numbers"),
        ([0, -2, 1], "-2 in row 1"),
        (np.eye(3), "argmax"),
        ([None, 1, 2], "object"),
        (np.array([2**63, 0, 1], np.uint64), "too large"),
        (np.zeros((3, 1, 1)), "one label a row"),
    ],
    ids=str,
)
def test_bad_labels(labels: Any, says: str) -> None:
    x = np.zeros((3, 2))
    with pytest.raises(BadInput, match=says):
        load((x, labels))
    with pytest.raises(BadInput, match=says):
        load(x, labels=labels)


def test_labels() -> None:
    x = np.zeros((4, 2))
    assert load((x, np.array([[1.0], [0.0], [-1.0], [3.0]]))).y().tolist() == [1, 0, -1, 3]
    data = load(x, labels=["10", "9", "", "10"])
    assert (data.y().tolist(), data.label_names) == ([1, 0, -1, 1], ("9", "10"))
    data = load(x, labels=torch.tensor([700_000, -1, 5, 5]))
    assert (data.y().tolist(), data.label_names) == ([1, -1, 0, 0], ("5", "700000"))
    assert load((x, [-1] * 4)).classes == 0
    assert load((x, [True, False, True, True])).y().tolist() == [1, 0, 1, 1]


def test_size_and_channels() -> None:
    data = load(GREY, size=(10, 8), channels=3)
    assert data.shape == (3, 10, 8)
    assert any("as asked" in note for note in data.notes)
    lazy = load(GREY, size=(10, 8), channels=3, cache_bytes=10)
    assert lazy.x().equal(data.x())
    flat = np.full((3, 9, 12), 77, np.uint8)
    assert (load(flat, size=4).rows == np.uint8(77)).all()  # type: ignore[attr-defined]
    for bad in ({"size": 0}, {"size": (4, 4, 4)}, {"size": "8"}, {"channels": 2}):
        with pytest.raises(BadInput):
            load(GREY, **bad)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="vectors"):
        load(np.zeros((3, 2)), size=8)
