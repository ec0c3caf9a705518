"""MNIST-M is |digit - patch| channel by channel, the same for the same seed, and its test digits stand on photographs of their own."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from sparring.data import load
from sparring.data.mnist_m import mnist_m
from sparring.data.named import names
from sparring.data.pictures import fit
from sparring.errors import BadInput

COLOURS = np.uint8([(10 * i, 20 * i, 250 - 20 * i) for i in range(8)])  # every photograph of one colour tells itself


@pytest.fixture
def folder(tmp_path):
    for i, colour in enumerate(COLOURS):
        Image.new("RGB", (90 + i, 60), tuple(map(int, colour))).save(tmp_path / f"{i}.png")
    return tmp_path


def digits(n=400):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (n, 12, 12), dtype=np.uint8)
    x[:, 0, 0] = 0  # shows the patch itself
    x[:, 0, 1] = 255
    return dataclasses.replace(load((x, np.arange(n) % 10)), own_test=np.arange(n - 100, n))


def test_each_channel_is_the_absolute_difference(folder):
    source = digits()
    made = mnist_m(source, folder)
    patch = made.rows[:, :1, :1].astype(int)  # constant, by construction
    assert np.array_equal(made.rows, np.abs(source.rows.astype(int) - patch))
    assert np.array_equal(made.labels, source.labels)
    assert made.shape == (3, 12, 12)


def test_photographs_are_split_as_digits_are(folder):
    made = mnist_m(digits(), folder)
    train, test = (
        {tuple(p) for p in part.rows[np.arange(len(part))][:, 0, 0]}
        for part in (load(made, split="train"), load(made, split="test"))
    )
    assert len(train) == 6
    assert len(test) == 2
    assert train | test == {tuple(c) for c in COLOURS}


def test_seed_decides_every_patch(folder):
    a, b, c = (mnist_m(digits(), folder, seed=s).rows for s in (0, 0, 1))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_bad_input(folder, monkeypatch, tmp_path):
    Image.new("RGB", (60, 8)).save(folder / "narrow.png")
    with pytest.raises(BadInput, match=r"narrow.png is no photograph for mnist-m: 60 x 8 pixels are too few"):
        mnist_m(digits(), folder)
    (folder / "empty").mkdir()
    with pytest.raises(BadInput, match="holds 0 photographs"):
        mnist_m(digits(), folder / "empty")
    for variable in ("SPARRING_DATA", "SPARRING_CACHE"):
        monkeypatch.setenv(variable, str(tmp_path / "nowhere"))
    for name in ("mnist-m", "photos"):
        assert names()[name].path() is None
        with pytest.raises(BadInput, match=f"{name} is not on this machine.*SPARRING_DATA/photos"):
            load(name)


def test_photos_are_read_at_the_size_asked_for(folder, monkeypatch, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "photos").symlink_to(folder, target_is_directory=True)
    monkeypatch.setenv("SPARRING_DATA", str(root))
    data = load("photos", size=56)
    assert data.shape == (3, 56, 56)
    assert not any("became" in note for note in data.notes), "read once, not resized twice"


def test_a_crop_that_rounding_puts_a_hair_over_the_border(tmp_path):
    assert fit(Image.new("RGB", (967, 640)), (318, 481), 3).shape == (318, 481, 3)
