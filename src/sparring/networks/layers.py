"""Convolutions that change the resolution, folded: one strided convolution in place of two passes over the large map.

Both are exact identities; kernels are stored 3x3, so weights mean what they mean in the papers' networks.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Nearest upsampling shows every pixel twice, so neighbouring taps of the kernel meet the same pixel and may be added first.
UP = torch.tensor([[0.0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]])
# The mean of two neighbouring outputs of a 3-tap kernel is one output of a 4-tap kernel.
DOWN = torch.tensor([[1.0, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]]) / 2


class _Folded(nn.Conv2d):
    fold: Tensor

    def __init__(self, inputs: int, outputs: int, fold: Tensor, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=bias)
        self.register_buffer("fold", fold.clone(), persistent=False)  # each its own: .to() would part shared ones

    def kernel(self) -> Tensor:
        fold = self.fold.to(self.weight.dtype)
        return fold @ self.weight @ fold.T  # (out, in, 3, 3) -> (out, in, 4, 4)


class UpConv2d(_Folded):
    """Nearest upsampling by two, then a 3x3 convolution: (n, i, h, w) -> (n, o, 2h, 2w).

    >>> layer, x = UpConv2d(2, 3).double(), torch.randn(1, 2, 4, 5).double()
    >>> slow = F.conv2d(F.interpolate(x, scale_factor=2), layer.weight, layer.bias, padding=1)
    >>> torch.allclose(layer(x), slow)
    True
    """

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__(inputs, outputs, UP, bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, self.kernel().transpose(0, 1), self.bias, stride=2, padding=1)


class DownConv2d(_Folded):
    """A 3x3 convolution, then the mean over 2x2 pixels: (n, i, 2h, 2w) -> (n, o, h, w).

    >>> layer, x = DownConv2d(2, 3).double(), torch.randn(1, 2, 4, 6).double()
    >>> torch.allclose(layer(x), F.avg_pool2d(F.conv2d(x, layer.weight, layer.bias, padding=1), 2))
    True
    """

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__(inputs, outputs, DOWN, bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel(), self.bias, stride=2, padding=1)


class ToMap(nn.Linear):
    """The matrix product that a transposed convolution of a 1x1 map is: (n, i) -> (n, c, h, w), laid out channels last."""

    def __init__(self, inputs: int, channels: int, height: int, width: int, bias: bool = True) -> None:
        super().__init__(inputs, height * width * channels, bias)
        self.map = (height, width, channels)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).unflatten(1, self.map).permute(0, 3, 1, 2)


class FromMap(nn.Module):
    """(n, c, h, w) -> (n, h * w * c): the flattening that moves nothing when the map is laid out channels last."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


class Crop(nn.Module):
    """The middle (height, width) of a map that powers of two made a little too large."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.size = (height, width)

    def forward(self, x: Tensor) -> Tensor:
        (h, w), (height, width) = x.shape[-2:], self.size
        top, left = (h - height) // 2, (w - width) // 2
        return x[..., top : top + height, left : left + width]
