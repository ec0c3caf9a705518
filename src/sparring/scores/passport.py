"""A score and its passport: what it was measured with, without which the number means nothing.

Most disagreements between tools come from the extractor, the resizer, the reference split and the count. So every score
says them, and two scores whose passports differ in what matters are not compared.

A score of two sides calls them "reference" (real images; the rows a probe was fitted on) and "sample" (generated images;
the held-out rows that were scored). A score's own function fills in what it knows: counts, seed, settings, interval. Who called
it signs the rest, which arrays cannot tell: extractor, resizer, data, split, batch, precision.

>>> score = Score("knn-1", 0.9, (0.85, 0.94), passport(reference=500, sample=200)).signed(split={"sample": "test"})
>>> score.json()["passport"]["count"]
{'reference': 500, 'sample': 200}
>>> compare(score, score.signed(split={"sample": "train"}))
Traceback (most recent call last):
    ...
sparring.errors.BadInput: Scores 'knn-1' and 'knn-1' cannot be compared: they differ in split ({'sample': 'test'} against
{'sample': 'train'}); evaluate both runs alike.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sparring import __version__
from sparring.errors import BadInput

FIELDS = ("extractor", "extractor_hash", "resizer", "data", "split", "count", "seed", "batch", "precision", "library")
"""What every passport states, if only as null: "does not apply" is a statement, a missing line is not."""

IMMATERIAL = {"seed", "batch", "interval_95", "details"}
"""What two comparable scores may differ in. Everything else matters, also what a score adds that nobody thought of here."""


def passport(*, reference: int | None = None, sample: int, seed: int | None = None, **settings: Any) -> dict[str, Any]:
    """A passport with what a score's own function knows; `settings` are the options that define the number (k, bins, ...)."""
    known = {"count": {"reference": reference, "sample": sample}, "seed": seed, "library": f"sparring {__version__}"}
    return {**dict.fromkeys(FIELDS), **known, **settings}


@dataclass(frozen=True)
class Score:
    """A named number, its 95 % interval where one is known, and its passport."""

    name: str
    value: float
    interval: tuple[float, float] | None = None
    passport: Mapping[str, Any] = field(default_factory=dict)

    def signed(self, *, name: str | None = None, **facts: Any) -> "Score":
        """This score with more facts in its passport, and another name if its extractor asks for one."""
        return replace(self, name=name or self.name, passport={**self.passport, **facts})

    def json(self) -> dict[str, Any]:
        """`{"name", "value", "passport"}`, the interval inside the passport as `interval_95`; ready for `json.dump`."""
        interval = None if self.interval is None else [float(end) for end in self.interval]
        return {"name": self.name, "value": float(self.value), "passport": {**self.passport, "interval_95": interval}}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "Score":
        """The score that `json` wrote.

        Raises:
            BadInput: the entry lacks a name, a value or a passport.
        """
        try:
            rest = dict(entry["passport"])
            interval = rest.pop("interval_95", None)
            return cls(str(entry["name"]), float(entry["value"]), None if interval is None else (interval[0], interval[1]), rest)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise BadInput(f"A score is an object with name, value and passport; {str(entry)[:80]!r} is not one.") from error


def compare(*scores: Score) -> tuple[Score, ...]:
    """The same scores, if they may be compared.

    Raises:
        BadInput: two of them differ in name or in a field of the passport that matters; all such fields are named.
    """
    for other in scores[1:]:
        first = {"name": scores[0].name, **scores[0].passport}
        second = {"name": other.name, **other.passport}
        keys = [key for key in {**first, **second} if key not in IMMATERIAL and first.get(key) != second.get(key)]
        if keys:
            differences = ", ".join(f"{key} ({first.get(key)} against {second.get(key)})" for key in keys)
            raise BadInput(
                f"Scores '{scores[0].name}' and '{other.name}' cannot be compared: they differ in {differences}; "
                "evaluate both runs alike."
            )
    return scores


def bootstrap(
    statistic: Callable[..., float], *arrays: np.ndarray, seed: int = 0, n: int = 1000, paired: bool = True
) -> tuple[float, float]:
    """The 95 % percentile interval of `statistic(*arrays)` under resampling of rows, with replacement.

    Args:
        arrays: rows are draws. `paired`: row i of each belongs together, and is drawn together; otherwise the arrays are
            independent samples, each resampled for itself.
        n: resamples.

    References:
        An Introduction to the Bootstrap (Efron & Tibshirani, 1993), chapter 13.

    >>> low, high = bootstrap(np.mean, np.arange(100.0))
    >>> low < 49.5 < high
    True
    """
    rng = np.random.default_rng(seed)
    values = np.empty(n)
    for i in range(n):
        rows = [rng.integers(len(array), size=len(array)) for array in (arrays[:1] if paired else arrays)]
        values[i] = statistic(*(array[rows[0 if paired else j]] for j, array in enumerate(arrays)))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a proportion: right also near 0 and 1, where the usual one leaves [0, 1].

    References:
        Probable Inference, the Law of Succession, and Statistical Inference (Wilson, 1927).

    >>> low, high = wilson(10, 10)
    >>> round(low, 3), round(high, 3)
    (0.722, 1.0)
    """
    z = 1.959963984540054
    share, spread = successes / trials, z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z * np.sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def proportion(name: str, hits: np.ndarray, facts: dict[str, Any]) -> Score:
    """The score of a proportion from one boolean for each trial (n,), with Wilson's interval."""
    return Score(name, float(hits.mean()), wilson(int(hits.sum()), len(hits)), {**facts, "interval_by": "Wilson"})


def mean(name: str, values: np.ndarray, facts: dict[str, Any]) -> Score:
    """The score of a mean of independent values (n,), with the interval of the central limit theorem; none for a single value."""
    centre, interval = float(values.mean()), None
    if len(values) > 1:
        half = 1.959963984540054 * float(values.std(ddof=1)) / len(values) ** 0.5
        interval = (centre - half, centre + half)
    return Score(name, centre, interval, {**facts, "interval_by": "normal"})
