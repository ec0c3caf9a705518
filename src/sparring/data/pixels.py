"""Pixels at the border: uint8 (n, H, W, C) outside, float32 (n, C, H, W) channels_last in [-1, 1] inside."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import BadInput

GAP = 2  # white pixels between the pictures of a grid
VISIBLE = 48  # pictures smaller than this on their longer side are enlarged by a whole factor


def to_tensor(rows: np.ndarray) -> Tensor:
    """Pictures (n, H, W, C) uint8 as (n, C, H, W) float32 in [-1, 1], channels_last; other rows as float32, unscaled.

    >>> to_tensor(np.array([[[[0], [255]]]], np.uint8)).tolist()
    [[[[-1.0, 1.0]]]]
    """
    x = torch.from_numpy(rows)
    if rows.dtype != np.uint8:
        return x.float()
    # The permuted view is channels_last as it stands, and .to keeps its strides: nothing is moved twice.
    return x.permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1)


def to_uint8(x: Tensor) -> np.ndarray:
    """Pictures (n, C, H, W) in [-1, 1], clipped, as (n, H, W, C) uint8: inverts `to_tensor` exactly."""
    pixels = x.detach().float().add(1).mul(127.5).round().clamp(0, 255)
    return np.ascontiguousarray(pixels.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())


def save_grid(images: Tensor | np.ndarray, path: str | Path, columns: int | None = None) -> None:
    """Write pictures as one PNG, row by row, every pixel exact.

    Args:
        images: (n, C, H, W) tensor in [-1, 1] or uint8, or (n, H, W, C) uint8 array, C = 1 or 3. Small pictures are enlarged by a
            whole factor, nearest neighbour.
        columns: pictures a row; a near-square grid by default.

    Raises:
        BadInput: anything but pictures, or none.
    """
    from PIL import Image

    if isinstance(images, Tensor):
        if images.ndim == 4 and images.dtype == torch.uint8:
            images = images.permute(0, 2, 3, 1).cpu().numpy()
        elif images.ndim == 4 and images.is_floating_point():
            images = to_uint8(images)
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise BadInput(f"A grid needs grey or colour pictures (n, C, H, W), not an input of shape {tuple(images.shape)}.")
    if 0 in images.shape:
        raise BadInput("A grid needs at least one picture.")
    factor = max(1, -(-VISIBLE // max(images.shape[1:3])))
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    n, height, width, channels = images.shape
    columns = min(n, columns or int(np.ceil(np.sqrt(n))))
    lines = -(-n // columns)
    canvas = np.full((lines * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * (height + GAP), i % columns * (width + GAP)
        canvas[top : top + height, left : left + width] = image
    Image.fromarray(canvas[..., 0] if channels == 1 else canvas).save(path, format="PNG")


def save_cloud(points: Tensor, path: str | Path, like: Tensor, side: int = 240) -> None:
    """Write vectors as dots on a square PNG, black on white: their first two dimensions, cut off outside the frame.

    Args:
        points: (n, d); a single dimension is drawn along the middle.
        like: (m, d) what the frame is laid round, so that clouds of different rounds share it.
        side: pixels.
    """
    from PIL import Image, ImageDraw

    fine = 4 * side  # drawn large and then reduced, for smooth edges
    canvas = Image.new("L", (fine, fine), 255)
    pen, radius = ImageDraw.Draw(canvas), fine / 120
    low, high = like[:, :2].amin(0), like[:, :2].amax(0)
    unit = 0.6 * fine / max(float((high - low).max()), 1e-12)  # one unit on both axes: a circle stays one
    shown = fine / 2 + unit * (points[:, :2].detach().cpu().float() - (low + high) / 2)
    for at in shown[((shown > -fine) & (shown < 2 * fine)).all(1)].tolist():
        x, y = at[0], fine - at[1] if len(at) > 1 else fine / 2
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)
    canvas.resize((side, side), Image.Resampling.LANCZOS).save(path, format="PNG")
