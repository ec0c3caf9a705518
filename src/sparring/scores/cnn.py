"""Our own classifier, trained on the data's labels: an extractor that knows the data, and the judge of generated classes.

It is trained on pictures the generator may have seen; its held-out accuracy travels with it, into its file and every passport,
because agreement with a judge that errs in 5 % of cases says little about the last 5 %.
"""

import json
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from sparring.errors import BadInput
from sparring.scores import arrays
from sparring.scores.extractors import Extractor, fit, pictures


@dataclass(frozen=True, eq=False)
class Classifier(Extractor):
    """An extractor (its 128 features before the last layer) that also answers; `train_classifier` makes one.

    Args:
        head: from features to one logit for each of `classes`. accuracy: on rows it was not trained on.
    """

    head: nn.Module = field(default_factory=nn.Identity)
    classes: tuple[Any, ...] = ()
    accuracy: float = float("nan")

    def probabilities(self, images: Any) -> np.ndarray:
        """(n, classes) float32, columns in the order of `classes`."""
        return self._run(nn.Sequential(self.network, self.head, nn.Softmax(dim=1)), images)

    def predict(self, images: Any) -> np.ndarray:
        """The most probable class of each image (n,)."""
        return np.asarray(self.classes)[self.probabilities(images).argmax(axis=1)]

    def sign(self, score: Any, **facts: Any) -> Any:
        return super().sign(score, **{"extractor_accuracy": self.accuracy, **facts})

    def save(self, path: str | Path) -> None:
        """Write weights, classes and accuracy as one safetensors file."""
        from safetensors.torch import save_file

        about = {"shape": self.shape, "classes": self.classes, "accuracy": self.accuracy}
        weights = {key: value.contiguous() for key, value in self._weights().items()}
        save_file(weights, str(path), metadata={"classifier": json.dumps(about)})

    @classmethod
    def load(cls, path: str | Path) -> "Classifier":
        """The classifier that `save` wrote; the same hash, the same bits.

        Raises:
            BadInput: no such file, or not one of ours.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(str(path), framework="pt") as file:
                about = json.loads(file.metadata()["classifier"])
                weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (a safetensors file is no dict)
            found = _new(tuple(about["shape"]), about["classes"], about["accuracy"], seed=0)
            found._both.load_state_dict(weights)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise BadInput(
                f"{path} does not hold a classifier of ours: {str(error)[:120]}; train one from the labels."
            ) from error
        return found

    @property
    def _both(self) -> nn.ModuleDict:
        return nn.ModuleDict({"network": self.network, "head": self.head})

    def _weights(self) -> dict[str, torch.Tensor]:
        return self._both.state_dict()


def train_classifier(
    images: Any, labels: Any, *, held_out: tuple[Any, Any] | None = None, side: int = 32, steps: int = 1000, seed: int = 0
) -> Classifier:
    """A small CNN trained on labelled images; deterministic by seed on one machine.

    Args:
        images: (n, C, H, W), uint8 0..255 or floats in [-1, 1], at least 20. labels: (n,) integers or names.
        held_out: images and labels to measure its accuracy on; a random tenth is set aside if there are none.
        side: larger pictures are resized until their shorter side has this many pixels; cost grows with its square.
        steps: of 128 images (32 when there are few), Adam with one cycle of the learning rate.

    Raises:
        BadInput: one class only, too few images, NaN.

    References:
        Super-Convergence (Smith & Topin, 2018): the learning rate's cycle.
    """
    images = pictures(images)
    if len(images) < 20:
        raise BadInput(f"A classifier needs at least 20 images, these are {len(images)}: give more.")
    labels = arrays.classes(labels, len(images), "labels")
    classes, targets = np.unique(labels, return_inverse=True)
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(images), generator=generator)
    if held_out is None:
        tenth = max(1, len(rows) // 10)
        held_out, rows = (images[rows[:tenth]], labels[rows[:tenth].numpy()]), rows[tenth:]
    scale = min(1.0, side / min(images.shape[2:]))
    shape = (images.shape[1], round(images.shape[2] * scale), round(images.shape[3] * scale))
    judge = _new(shape, classes.tolist(), float("nan"), seed)
    _train(judge, images, torch.from_numpy(targets), rows, steps, generator)
    accuracy = float((judge.predict(held_out[0]) == np.asarray(held_out[1])).mean())
    return Classifier(judge.name, judge.network, shape, head=judge.head, classes=judge.classes, accuracy=accuracy)


def _train(
    judge: Classifier, images: torch.Tensor, targets: torch.Tensor, rows: torch.Tensor, steps: int, generator: torch.Generator
) -> None:
    batch = 128 if len(rows) >= 1280 else min(32, len(rows))
    model = nn.Sequential(judge.network, judge.head).train().requires_grad_(True)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks this form
    optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=4e-3, total_steps=steps)
    order = rows[:0]
    for _ in range(steps):
        if len(order) < batch:
            order = rows[torch.randperm(len(rows), generator=generator)]
        chosen, order = order[:batch], order[batch:]
        x = fit(images[chosen], judge.shape, judge.antialias).contiguous(memory_format=torch.channels_last)
        loss = F.cross_entropy(model(x), targets[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    model.eval().requires_grad_(False)


def _new(shape: tuple[int, int, int], classes: list[Any], accuracy: float, seed: int) -> Classifier:
    """An untrained one: convolution, batch norm, ReLU and pooling, halving until about 4 x 4 are left."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        depth = max(1, round(np.log2(min(shape[1:]) / 4)))
        widths = [shape[0], *(min(32 * 2**i, 128) for i in range(depth))]
        layers: list[nn.Module] = []
        for inside, outside in pairwise(widths):
            conv = nn.Conv2d(inside, outside, 3, padding=1, bias=False)
            layers += [conv, nn.BatchNorm2d(outside), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]
        height, width = (-(-size // 2**depth) for size in shape[1:])
        network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * height * width, 128), nn.ReLU())
        head = nn.Linear(128, len(classes))
    frozen = (module.eval().requires_grad_(False) for module in (network, head))
    return Classifier("own-classifier", next(frozen), shape, head=next(frozen), classes=tuple(classes), accuracy=accuracy)
