"""Differentiable augmentation of whatever a discriminator sees.

References:
    Differentiable Augmentation for Data-Efficient GAN Training (Zhao et al., 2020)
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def color(x: Tensor) -> Tensor:
    """Brightness within +-.5, saturation 0 to 2, contrast .5 to 1.5, each drawn for each picture."""
    u = torch.rand(3, len(x), 1, 1, 1, device=x.device, dtype=x.dtype)
    x = x + u[0] - 0.5
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * 2 * u[1]
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + (x - mean) * (0.5 + u[2])


def translation(x: Tensor, ratio: float = 0.125) -> Tensor:
    """Each picture moved by up to an eighth of its size, zeros moving in."""
    n, _, h, w = x.shape
    far_h, far_w = round(h * ratio), round(w * ratio)
    rows = torch.arange(h, device=x.device) + torch.randint(
        2 * far_h + 1, (n, 1), device=x.device
    )  # (n, h) into the padded picture
    columns = torch.arange(w, device=x.device) + torch.randint(2 * far_w + 1, (n, 1), device=x.device)
    padded = F.pad(x, (far_w, far_w, far_h, far_h))
    picked = padded.permute(0, 2, 3, 1)[torch.arange(n, device=x.device)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return picked.permute(0, 3, 1, 2)


def cutout(x: Tensor, ratio: float = 0.5) -> Tensor:
    """A rectangle of half the size, anywhere, set to zero."""
    n, _, h, w = x.shape
    size_h, size_w = round(h * ratio), round(w * ratio)
    top = torch.randint(h + (1 - size_h % 2), (n, 1), device=x.device) - size_h // 2
    left = torch.randint(w + (1 - size_w % 2), (n, 1), device=x.device) - size_w // 2
    y, z = torch.arange(h, device=x.device), torch.arange(w, device=x.device)
    inside_y, inside_z = (y >= top) & (y < top + size_h), (z >= left) & (z < left + size_w)
    return x * ~(inside_y[:, None, :, None] & inside_z[:, None, None, :])


AUGMENTATIONS = {"color": color, "translation": translation, "cutout": cutout}


class DiffAugment(nn.Module):
    """(n, C, H, W) -> (n, C, H, W): the augmentations named, in order; gradients pass through.

    >>> DiffAugment(["color", "translation", "cutout"])(torch.zeros(2, 3, 16, 16)).shape
    torch.Size([2, 3, 16, 16])
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(names)

    def forward(self, x: Tensor) -> Tensor:
        for name in self.names:
            x = AUGMENTATIONS[name](x)
        return x
