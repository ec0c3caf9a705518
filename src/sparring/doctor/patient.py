"""A run as the doctor sees it: some rows it trained on, some it has never seen, some it makes, and its networks to try things on."""

import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from sparring import distribute
from sparring.abilities import Sample
from sparring.data import Data
from sparring.errors import BadInput
from sparring.game import Game
from sparring.networks import Discriminator

if TYPE_CHECKING:
    from sparring.run import Run

Level = Literal["ok", "note", "warning", "error"]
LEVELS: tuple[Level, ...] = ("ok", "note", "warning", "error")


@dataclass(frozen=True)
class Diagnosis:
    """One thing a run was examined for.

    Attributes:
        name: What it was examined for, in the field's words.
        level: "ok", or how bad it is.
        evidence: What was measured, in numbers.
        remedy: What to try.

    >>> print(Diagnosis("mode collapse", "warning", "2 of 8 cells reached", "play with --packing 2"))
    Doctor: mode collapse: 2 of 8 cells reached; play with --packing 2
    """

    name: str
    level: Level
    evidence: str
    remedy: str

    def __str__(self) -> str:
        return f"Doctor: {self.name}: {self.evidence}; {self.remedy}"


def graded(value: float, warning: float, error: float) -> Level:
    """How bad `value` is, where more is worse.

    >>> graded(1, 2, 4), graded(2, 2, 4), graded(5, 2, 4)
    ('ok', 'warning', 'error')
    """
    return "error" if value >= error else "warning" if value >= warning else "ok"


class Patient:
    """What examinations share, made once and only when asked for; None where this run has no such thing. The run does not move."""

    def __init__(self, run: "Run") -> None:
        self.run, self.game = run, run.game

    @cached_property
    def twin(self) -> Game:
        """A copy of the game, as in play: what moves in it, batch norm's statistics for one, moves nothing of the run's."""
        return copy.deepcopy(self.game).train()

    @cached_property
    def number(self) -> int:
        """How many rows a side: 512, fewer of large pictures, for they would take half a minute."""
        return int(np.clip(2**22 // max(int(np.prod(self.run.config["data"][0]["shape"])), 1), 128, 512))

    def data(self, split: str) -> Data | None:
        try:
            return self.run.data(split)[-1]
        except BadInput:  # the data were in memory, or have been moved: what needs them cannot be examined
            return None

    def rows(self, data: Data | None, most: int) -> Tensor | None:
        """At most `most` rows of `data`, drawn by the run's seed, (n, *shape); files that cannot be read are left out."""
        if data is None or not len(data):
            return None
        rng = np.random.default_rng(distribute.seed_of(self.run.config["seed"], "doctor", data.split))
        some = data if len(data) <= most else data.subset(np.sort(rng.choice(len(data), most, replace=False)))
        parts = [x for _, x in some.batches(256)]
        return torch.cat(parts) if parts else None

    @cached_property
    def train(self) -> Tensor | None:
        """(n, *shape) rows it trained on."""
        return self.rows(self.data("train"), self.number)

    @cached_property
    def strangers(self) -> Data | None:
        """The data held out, where they are others than those trained on: a `Data` given as it is has no split."""
        train, test = self.data("train"), self.data("test")
        return None if train is None or test is None or test.fingerprint() == train.fingerprint() else test

    @cached_property
    def held_out(self) -> Tensor | None:
        """(n, *shape) rows it has never seen."""
        return self.rows(self.strangers, self.number)

    @cached_property
    def samples(self) -> Tensor | None:
        """(n, *shape) finite rows that it makes."""
        if not isinstance(self.game, Sample):
            return None
        generator = torch.Generator().manual_seed(distribute.seed_of(self.run.config["seed"], "doctor"))
        x = self.game.sample(self.number, generator=generator).cpu()
        return x if bool(x.isfinite().all()) else None

    def logits(self, x: Tensor) -> Tensor | None:
        """How real the game's D takes rows to be, as it does in play: log-odds, one a row, or one a pack where it judges packs.

        None where D judges something else than rows.
        """
        D = getattr(self.twin, "D", None)
        if not isinstance(D, Discriminator):
            return None
        # Batches of the run's size, the rest left out: batch norm looks at whole batches, and packs divide them.
        size = min(self.run.config["batch"], len(x) // D.packing * D.packing)
        parts = [part for part in x.split(size) if len(part) == size] if size else []
        if not parts:
            return None
        with torch.no_grad():
            out = torch.cat([D(part.to(self.game.device, self.game.dtype)) for part in parts]).double().cpu()
        return out if out.ndim == 1 else out[:, 0] - out[:, 1:].logsumexp(1)  # class 0 of several is "real"
