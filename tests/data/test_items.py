from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, TensorDataset

from sparring.data import draw, load, views
from sparring.errors import BadInput

COLOUR = np.random.default_rng(0).integers(0, 256, (12, 10, 8, 3), np.uint8)


class Items(Dataset[Any]):
    """A data set as users write them."""

    def __init__(self, items: list[Any], **more: Any) -> None:
        self.items = items
        vars(self).update(more)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> Any:
        return self.items[i]


def pil() -> list[Image.Image]:
    return [Image.fromarray(row) for row in COLOUR]


TENSORS = list(torch.from_numpy(COLOUR).permute(0, 3, 1, 2))
WAYS: dict[str, Any] = {
    "PIL": pil(),
    "generator": (image for image in pil()),
    "arrays": list(COLOUR),
    "PIL Dataset": Items(pil()),
    "uint8 tensors": Items(TENSORS),
    "ToTensor": Items([t / 255 for t in TENSORS]),
    "Normalize": Items([t / 127.5 - 1 for t in TENSORS]),
    "TensorDataset of one": TensorDataset(torch.stack(TENSORS)),
    "with labels": Items([(t, i % 3) for i, t in enumerate(TENSORS)]),
    "with tensor labels": TensorDataset(torch.stack(TENSORS), torch.arange(12) % 3),
    "with names": Items([(t, i % 3) for i, t in enumerate(TENSORS)], classes=["a", "b", "c"]),
    "PIL with labels": Items([(image, i % 3) for i, image in enumerate(pil())]),
    "pair": (pil(), [i % 3 for i in range(12)]),
    "labelled generator": ((image, i % 3) for i, image in enumerate(pil())),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_yield_the_same_pictures_is_read_alike(way: str) -> None:
    data = load(WAYS[way])
    assert data.shape == (3, 10, 8)
    assert np.array_equal(data.rows[np.arange(12)], COLOUR)
    if "label" in way or way in ("pair", "with names"):
        assert data.y().tolist() == [0, 1, 2] * 4
    assert data.label_names == (("a", "b", "c") if way == "with names" else data.label_names)


@pytest.mark.parametrize("way", ["PIL Dataset", "ToTensor", "Normalize"])
def test_a_large_dataset_is_read_as_drawn(way: str) -> None:
    source = Items(WAYS[way].items, targets=[i % 3 for i in range(12)])
    data = load(source, cache_bytes=100)
    assert "Read as they are drawn" in " ".join(data.notes)
    assert data.x().equal(load(WAYS[way]).x())
    x, y = next(draw(views.labelled, data, 5, 0, 0, 0))
    assert [data.x().eq(row).flatten(1).all(1).nonzero().item() % 3 for row in x] == y.tolist()


def test_vectors() -> None:
    data = load(TensorDataset(torch.arange(6.0).reshape(3, 2), torch.tensor([1, 0, -1])))
    assert data.x().tolist() == [[0, 1], [2, 3], [4, 5]]
    assert data.y().tolist() == [1, 0, -1]
    assert load(iter([[1.0, 2.0], [3.0, 4.0]])).x().tolist() == [[1, 2], [3, 4]]


def test_pictures_of_all_sizes() -> None:
    images = [Image.new("RGB", (100 + i, 90)) for i in range(5)]
    assert load(images).shape == (3, 64, 64)
    assert load((image for image in images), size=(7, 9), channels=1).shape == (1, 7, 9)


def endless() -> Iterator[Image.Image]:
    while True:
        yield Image.new("RGB", (30, 20))


def test_a_picture_that_cannot_be_decoded_is_skipped(tmp_path: Any) -> None:
    for i, image in enumerate(pil()):
        image.resize((80, 100)).save(tmp_path / f"{i}.bmp")
    short = tmp_path / "0.bmp"
    short.write_bytes(short.read_bytes()[:1000])
    images = [Image.open(tmp_path / f"{i}.bmp") for i in range(12)]
    data = load(images)
    for image in images:
        image.close()
    assert len(data) == 11
    assert data.skipped[0][0] == "item 0"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (Items([]), "no items"),
        (iter([]), "no items"),
        (endless(), "MiB"),
        (Items([{"image": 1}]), "An item is dict"),
        (Items(["a.png"]), "An item is str"),
        (Items([(1, 2, 3, "x")]), "type"),
        (Items([torch.zeros(1, 8, 8), torch.zeros(1, 8, 9)]), "differ in shape"),
        (Items([torch.zeros(1, 8, 8), torch.full((1, 8, 8), 7.0)]), "between 0 and 7"),
        (Items([torch.zeros(1, 8, 8), torch.full((1, 8, 8), torch.nan)]), "row 1 holds NaN"),
        (Items([torch.zeros(3), torch.full((3,), torch.inf)]), "row 1 holds an infinite"),
        (Items([torch.zeros(2, 2, 2, 2)] * 3), "neither pictures nor vectors"),
        (Items([Image.new("L", (8, 8)), torch.zeros(1, 8, 8)]), "PIL"),
        (Items([(torch.zeros(3), {"box": 1})] * 2), "labels"),
        (Items([(torch.zeros(3), 5)] * 2, classes=["a"]), "no name"),
        (Image.new("L", (8, 8)), "holds no data|looks like one"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_bad_items(source: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        load(source, cache_bytes=10_000)
