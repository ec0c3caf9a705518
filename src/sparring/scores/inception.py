"""Inception v3 as the Frechet Inception Distance has it: the network only; its weights are the user's, from disk.

Module names are those of the published state dict (pytorch-fid's port of the 2015 TensorFlow graph), so that it loads as it is.
It differs from the torchvision model of the same name in its pools: averages leave the padding out, and the last block takes a
maximum.

References:
    Rethinking the Inception Architecture for Computer Vision (Szegedy et al., 2016).
    GANs Trained by a Two Time-Scale Update Rule (Heusel et al., 2017).
"""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F


class Conv(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inside: int, outside: int, kernel: int | tuple[int, int], *, stride: int = 1, pad: bool = True):
        super().__init__()
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (height // 2, width // 2) if pad else 0
        self.conv = nn.Conv2d(inside, outside, (height, width), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outside, eps=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.bn(self.conv(x)))


average = partial(F.avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=False)
maximum = partial(F.max_pool2d, kernel_size=3, stride=1, padding=1)
halve = partial(F.max_pool2d, kernel_size=3, stride=2)


class Block(nn.Module):
    """Branches side by side, concatenated.

    A branch is a chain of convolutions; a chain's last step may itself be a fork of two.
    """

    def __init__(self, convs: dict[str, Conv], branches: list[list[str | tuple[str, str]]], pool: partial[torch.Tensor]):
        super().__init__()
        for name, conv in convs.items():
            self.add_module(name, conv)
        self.branches, self.pool = branches, pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outs = []
        for branch in self.branches:
            h = x
            for step in branch:
                h = (
                    torch.cat([self.get_submodule(s)(h) for s in step], 1)
                    if isinstance(step, tuple)
                    else self.get_submodule(step)(h)
                )
            outs.append(h)
        pooled = self.pool(x)
        outs.append(self.get_submodule("branch_pool")(pooled) if "branch_pool" in self._modules else pooled)
        return torch.cat(outs, dim=1)


def block_a(n: int, pooled: int) -> Block:
    """35 x 35: n channels to 224 + pooled."""
    convs = {
        "branch1x1": Conv(n, 64, 1),
        "branch5x5_1": Conv(n, 48, 1),
        "branch5x5_2": Conv(48, 64, 5),
        "branch3x3dbl_1": Conv(n, 64, 1),
        "branch3x3dbl_2": Conv(64, 96, 3),
        "branch3x3dbl_3": Conv(96, 96, 3),
        "branch_pool": Conv(n, pooled, 1),
    }
    triple: list[str | tuple[str, str]] = ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"]
    return Block(convs, [["branch1x1"], ["branch5x5_1", "branch5x5_2"], triple], average)


def block_b(n: int) -> Block:
    """35 x 35 to 17 x 17: n channels to 480 + n."""
    convs = {
        "branch3x3": Conv(n, 384, 3, stride=2, pad=False),
        "branch3x3dbl_1": Conv(n, 64, 1),
        "branch3x3dbl_2": Conv(64, 96, 3),
        "branch3x3dbl_3": Conv(96, 96, 3, stride=2, pad=False),
    }
    return Block(convs, [["branch3x3"], ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"]], halve)


def block_c(c: int) -> Block:
    """17 x 17, 768 channels; c inside the factorised 7 x 7 convolutions."""
    across, down = (1, 7), (7, 1)
    convs = {
        "branch1x1": Conv(768, 192, 1),
        "branch7x7_1": Conv(768, c, 1),
        "branch7x7_2": Conv(c, c, across),
        "branch7x7_3": Conv(c, 192, down),
        "branch7x7dbl_1": Conv(768, c, 1),
        "branch7x7dbl_2": Conv(c, c, down),
        "branch7x7dbl_3": Conv(c, c, across),
        "branch7x7dbl_4": Conv(c, c, down),
        "branch7x7dbl_5": Conv(c, 192, across),
        "branch_pool": Conv(768, 192, 1),
    }
    return Block(
        convs, [["branch1x1"], [f"branch7x7_{i}" for i in (1, 2, 3)], [f"branch7x7dbl_{i}" for i in range(1, 6)]], average
    )


def block_d() -> Block:
    """17 x 17 to 8 x 8: 768 channels to 1280."""
    convs = {
        "branch3x3_1": Conv(768, 192, 1),
        "branch3x3_2": Conv(192, 320, 3, stride=2, pad=False),
        "branch7x7x3_1": Conv(768, 192, 1),
        "branch7x7x3_2": Conv(192, 192, (1, 7)),
        "branch7x7x3_3": Conv(192, 192, (7, 1)),
        "branch7x7x3_4": Conv(192, 192, 3, stride=2, pad=False),
    }
    return Block(convs, [["branch3x3_1", "branch3x3_2"], [f"branch7x7x3_{i}" for i in range(1, 5)]], halve)


def block_e(n: int, pool: partial[torch.Tensor]) -> Block:
    """8 x 8: n channels to 2048."""
    convs = {
        "branch1x1": Conv(n, 320, 1),
        "branch3x3_1": Conv(n, 384, 1),
        "branch3x3_2a": Conv(384, 384, (1, 3)),
        "branch3x3_2b": Conv(384, 384, (3, 1)),
        "branch3x3dbl_1": Conv(n, 448, 1),
        "branch3x3dbl_2": Conv(448, 384, 3),
        "branch3x3dbl_3a": Conv(384, 384, (1, 3)),
        "branch3x3dbl_3b": Conv(384, 384, (3, 1)),
        "branch_pool": Conv(n, 192, 1),
    }
    double: list[str | tuple[str, str]] = ["branch3x3dbl_1", "branch3x3dbl_2", ("branch3x3dbl_3a", "branch3x3dbl_3b")]
    return Block(convs, [["branch1x1"], ["branch3x3_1", ("branch3x3_2a", "branch3x3_2b")], double], pool)


class Inception(nn.Module):
    """Images (n, 3, 299, 299) in [-1, 1] to the features before the classifier (n, 2048)."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Conv(3, 32, 3, stride=2, pad=False)
        self.Conv2d_2a_3x3 = Conv(32, 32, 3, pad=False)
        self.Conv2d_2b_3x3 = Conv(32, 64, 3)
        self.Conv2d_3b_1x1 = Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = Conv(80, 192, 3, pad=False)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = block_a(192, 32), block_a(256, 64), block_a(288, 64)
        self.Mixed_6a = block_b(288)
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = block_c(128), block_c(160), block_c(160), block_c(192)
        self.Mixed_7a = block_d()
        self.Mixed_7b, self.Mixed_7c = block_e(1280, average), block_e(2048, maximum)
        self.fc = nn.Linear(2048, 1008)  # unused; it stands in the published weights, and its width tells them from others

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = halve(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))))  # (n, 64, 73, 73)
        x = halve(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)))  # (n, 192, 35, 35)
        x = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x))))  # (n, 768, 17, 17)
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(x))))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))  # (n, 2048, 8, 8)
        return x.mean(dim=(2, 3))
