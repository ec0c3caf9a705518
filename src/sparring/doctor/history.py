"""Do the numbers stay finite, and the losses within bounds?"""

import math
from statistics import median

from .patient import Diagnosis, Patient

GROWTH = 100.0
"""From the first third to the last tenth of a run. Losses here are nats, squares or distances in the unit of the data: a healthy one
moves by a factor of a few, and a critic's value that drifts in proportion to the rounds by six at most."""
LINES = 30
"""Fewer logged rounds make no tenth worth a median."""


def divergence(patient: Patient) -> Diagnosis:
    """Weights and losses that are not finite, and losses that grow a hundredfold."""
    for name, value in patient.game.state_dict().items():
        if value.is_floating_point() and (bad := int((~value.isfinite()).sum())):
            return found(f"{bad} of {value.numel()} numbers of {name!r} are NaN or infinite")
    lines = patient.run.history()
    names = [name for name in dict.fromkeys(key for line in lines for key in line) if name not in ("round", "seconds")]
    worst, growth = "", 0.0
    for name in names:
        values = [float(line[name]) for line in lines if isinstance(line.get(name), int | float)]
        if bad := sum(not math.isfinite(value) for value in values):
            return found(f"the loss {name} is NaN or infinite in {bad} of {len(values)} logged rounds")
        if len(values) >= LINES:
            # Medians, because one wild batch is no divergence; at least 1, because a small loss may grow without harm.
            first, last = (median(map(abs, part)) for part in (values[: len(values) // 3], values[-len(values) // 10 :]))
            if last / max(first, 1.0) > growth:
                worst, growth = f"{name} from {first:.3g} to {last:.3g}", last / max(first, 1.0)
    if growth >= GROWTH:
        return found(f"losses grow without bound: {worst}, {growth:.0f}-fold (limit {GROWTH:.0f})")
    told = f"; of the losses, {worst} grew most" if worst else ""
    return Diagnosis("divergence", "ok", f"every weight and logged loss is finite{told}", "nothing to do")


def found(evidence: str) -> Diagnosis:
    remedy = "lower --lr, or bound D's slope where the system can (--r1 1, --spectral); in bf16 try --precision fp32"
    return Diagnosis("divergence", "error", evidence, remedy)
