from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data import save_grid, to_tensor, to_uint8
from sparring.errors import BadInput


def test_uint8_survives_the_way_in_and_out() -> None:
    rows = np.arange(256, dtype=np.uint8).reshape(2, 8, 16, 1).repeat(3, 3)
    x = to_tensor(rows)
    assert np.array_equal(to_uint8(x), rows)
    assert to_uint8(torch.full((1, 1, 1, 2), 9.0)).tolist() == [[[[255], [255]]]]
    torch.testing.assert_close(x[0, 0, 0].double(), torch.arange(16, dtype=torch.float64) / 127.5 - 1, atol=1e-6, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grid_is_exact_to_the_pixel(tmp_path: Path, channels: int) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (5, 50, 60, channels), np.uint8)
    for i, images in enumerate((rows, to_tensor(rows), torch.from_numpy(rows).permute(0, 3, 1, 2))):
        save_grid(images, tmp_path / f"{i}.png", columns=3)
        grid = np.asarray(Image.open(tmp_path / f"{i}.png")).reshape(102, 184, channels)
        assert np.array_equal(grid[:50, 62:122], rows[1])
        assert np.array_equal(grid[52:, :60], rows[3])
        assert (grid[52:, 124:] == 255).all()


def test_small_pictures_are_enlarged_by_a_whole_factor(tmp_path: Path) -> None:
    rows = np.array([[[[0], [255]]]], np.uint8)
    save_grid(rows, tmp_path / "grid.png")
    grid = np.asarray(Image.open(tmp_path / "grid.png"))
    assert grid.shape == (24, 48)
    assert (grid[:, :24] == 0).all()
    assert (grid[:, 24:] == 255).all()


@pytest.mark.parametrize(
    "bad", [torch.zeros(4, 2), torch.zeros(0, 1, 4, 4), torch.zeros(2, 5, 4, 4), np.zeros((2, 4, 4, 1))], ids=str
)
def test_a_grid_needs_pictures(tmp_path: Path, bad: object) -> None:
    with pytest.raises(BadInput, match="needs"):
        save_grid(bad, tmp_path / "grid.png")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
