"""The laboratory: experiments of the theory that one can run, see and trust; one experiment a file.

An experiment is `run(out, seed=0, quick=False, progress=...) -> Result`: it writes NAME.png and NAME.json into the folder `out`,
and its result says in one paragraph what is seen and where that stands in the papers. `quick` shrinks it to seconds, and its
figures prove nothing then. `progress` is told the share that is done, 0 to 1.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparring.errors import unknown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXPERIMENTS: dict[str, str] = {
    "argmax-discriminator": "sparring.lab.argmax_discriminator:run",
    "bigan-vs-autoencoders": "sparring.lab.bigan_vs_autoencoders:run",
    "divergences": "sparring.lab.divergences:run",
    "mode-collapse": "sparring.lab.mode_collapse:run",
    "optimal-discriminator": "sparring.lab.optimal_discriminator:run",
    "parallel-lines": "sparring.lab.parallel_lines:run",
}

Progress = Callable[[float], None]


def silent(share: float) -> None:
    """A progress that tells nobody."""


@dataclass(frozen=True)
class Result:
    """What an experiment found.

    Attributes:
        table: rows of the measured table, one dict each; rows of a kind share their keys.
        paragraph: what is seen, and where in the papers it stands.
        figure: the picture's path. data: the table's path.
    """

    table: list[dict[str, Any]]
    paragraph: str
    figure: Path
    data: Path


def run(name: str, out: Path | str, seed: int = 0, quick: bool = False, progress: Progress = silent) -> Result:
    """Runs the experiment `name` of `EXPERIMENTS` and writes its files into `out`; `BadInput` with the nearest on an unknown
    name."""
    if name not in EXPERIMENTS:
        raise unknown("experiment", name, EXPERIMENTS)
    module, _, function = EXPERIMENTS[name].partition(":")
    result: Result = getattr(import_module(module), function)(Path(out), seed=seed, quick=quick, progress=progress)
    return result


def publish(
    out: Path, name: str, figure: "Figure", table: list[dict[str, Any]], paragraph: str, *, seed: int, quick: bool
) -> Result:
    """Writes NAME.png and NAME.json into `out` and returns the result: the last line of every experiment."""
    out.mkdir(parents=True, exist_ok=True)
    picture, data = out / f"{name}.png", out / f"{name}.json"
    figure.savefig(picture)
    paragraph = " ".join(paragraph.split())
    if quick:
        paragraph += " (A quick run: the figures prove nothing.)"
    rows = [{key: _plain(value) for key, value in row.items()} for row in table]
    content = {"experiment": name, "seed": seed, "quick": quick, "paragraph": paragraph, "table": rows}
    data.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return Result(table, paragraph, picture, data)


def _plain(value: Any) -> Any:
    """JSON has no infinity: "inf" is one that every reader understands."""
    return str(value) if isinstance(value, float) and not isfinite(value) else value
