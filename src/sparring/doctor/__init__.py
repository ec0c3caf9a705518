"""The training doctor: what ails a run, by name, with evidence in numbers and a remedy.

Every examination takes a `Patient` and gives a `Diagnosis`, or None where the run has nothing to examine. Thresholds stand beside the
examinations with their reasons; they are generous, because a doctor who accuses healthy runs is soon not heard.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import torch

from sparring import distribute

from .history import divergence
from .judges import lipschitz, overfit, saturated
from .patient import LEVELS, Diagnosis, Level, Patient
from .samples import copied_rows, mode_collapse

if TYPE_CHECKING:
    from sparring.run import Run

__all__ = ["EXAMINATIONS", "IN_PLAY", "Diagnosis", "Level", "Patient", "Watch", "diagnose"]

Examination = Callable[[Patient], Diagnosis | None]

IN_PLAY: tuple[Examination, ...] = (divergence, mode_collapse, saturated, lipschitz)
"""Those that need no held-out data: a second or so, each time samples are drawn."""
EXAMINATIONS: tuple[Examination, ...] = (*IN_PLAY, overfit, copied_rows)


def diagnose(run: "Run", among: Iterable[Examination] = EXAMINATIONS) -> list[Diagnosis]:
    """What ails `run`, worst first; what was looked for and not found has level "ok", what cannot be looked for is left out.

    The run does not move, no random state changes, and the same run gives the same words.
    """
    patient, told = Patient(run), []
    for examine in among:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(distribute.seed_of(run.config["seed"], "doctor", examine.__name__))
            diagnosis = examine(patient)
        if diagnosis is not None:
            told.append(diagnosis)
        if examine is divergence and diagnosis is not None and diagnosis.level == "error":
            break  # what else could be measured of such networks would mean nothing
    return sorted(told, key=lambda d: -LEVELS.index(d.level))


class Watch:
    """Examines a run now and then while it is played.

    What it finds twice in a row it says, once: a game that is learning has bad moments from which it recovers by itself.
    """

    def __init__(self) -> None:
        self.before: set[str] = set()
        self.told: set[str] = set()

    def __call__(self, run: "Run") -> list[Diagnosis]:
        """What is new since the last call."""
        found = [d for d in diagnose(run, IN_PLAY) if d.level in ("warning", "error")]
        news = [d for d in found if d.name in self.before - self.told]
        self.told |= {d.name for d in news}
        self.before = {d.name for d in found}
        return news
