"""What each system must show, measured: claim, band, our figure over several seeds, and a baseline that shares all but the idea.

One module a system, named in `EVIDENCE`. It has

    measure(seed: int) -> dict[str, float]    named figures of one seed, baselines included: the expensive part
    CLAIMS: tuple[Claim, ...]                 what the figures must satisfy
    DATA: tuple[str, ...] = ()                named data sets it cannot do without

A band is frozen before the final measurement. A claim that does not hold stays in the table and says so.
"""

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from math import isfinite, nan
from pathlib import Path
from typing import TypedDict

from sparring.errors import BadInput, RunFailed, unknown

EVIDENCE: dict[str, str] = {
    "dann": "sparring.claims.dann",
    "demo": "sparring.claims.demo",
    "triple-gan": "sparring.claims.triple_gan",
    "bigan": "sparring.claims.bigan",
    "vae-gan": "sparring.claims.vae_gan",
    "discriminator": "sparring.claims.discriminator",
    "fgan": "sparring.claims.fgan",
    "gan": "sparring.claims.gan",
    "infogan": "sparring.claims.infogan",
    "r3gan": "sparring.claims.r3gan",
    "wgan": "sparring.claims.wgan",
    "wgan-gp": "sparring.claims.wgan_gp",
}

Measurements = list[dict[str, float]]


@dataclass(frozen=True)
class Claim:
    """One line of a system's table.

    Args:
        text: what is claimed, with its unit.
        band: the band as it is printed, such as "<= 0.03".
        figure: the claimed figure from the measurements of all seeds; it is also asked about each seed alone, for the spread.
        holds: whether a figure is in the band.
        baseline: the same figure of what the claim must beat, or a word on why there is none.
    """

    system: str
    text: str
    band: str
    figure: Callable[[Measurements], float]
    holds: Callable[[float], bool]
    baseline: Callable[[Measurements], float] | str


class Row(TypedDict):
    """A measured claim; `ours` is the reason where nothing could be measured, and `holds` is then None (no data) or False
    (failed)."""

    system: str
    claim: str
    band: str
    ours: float | str
    spread: tuple[float, float] | None
    seeds: list[int]
    baseline: float | str
    holds: bool | None
    command: str


def median(name: str) -> Callable[[Measurements], float]:
    """The usual figure: the median over seeds of what `measure` calls `name`.

    >>> median("error")([{"error": 0.1}, {"error": 0.7}, {"error": 0.2}])
    0.2
    """
    return lambda measured: statistics.median(m[name] for m in measured)


def at_most(bound: float) -> Callable[[float], bool]:
    return lambda figure: figure <= bound


def at_least(bound: float) -> Callable[[float], bool]:
    return lambda figure: figure >= bound


def run(systems: Iterable[str] = (), seeds: Sequence[int] = (0, 1, 2), progress: Callable[[str], None] = print) -> list[Row]:
    """Measures every claim of these systems, all of them when none is named; `progress` is told what happens, a line at a time.

    Raises `BadInput` on an unknown system or without seeds, before anything is measured.
    """
    systems = list(systems) or list(EVIDENCE)
    for system in systems:
        if system not in EVIDENCE:
            raise unknown("system with claims", system, EVIDENCE)
    if not seeds:
        raise BadInput("A claim is measured on at least one seed; give some.")
    return [row for system in systems for row in _rows(system, list(seeds), progress)]


def _rows(system: str, seeds: list[int], progress: Callable[[str], None]) -> list[Row]:
    module = import_module(EVIDENCE[system])
    claims: tuple[Claim, ...] = module.CLAIMS
    measured: Measurements = []
    try:
        _require(getattr(module, "DATA", ()))
    except BadInput as reason:
        progress(f"{system}: skipped: {reason}")
        return [_row(claim, seeds, [], None, str(reason)) for claim in claims]
    for i, seed in enumerate(seeds, start=1):
        progress(f"{system}: measuring seed {seed} ({i} of {len(seeds)})")
        try:
            measured.append(module.measure(seed))
        except RunFailed as reason:  # a seed that diverges is a result, not an accident
            progress(f"{system}: seed {seed} failed: {reason}")
            return [_row(claim, seeds, [], False, f"seed {seed} failed: {reason}") for claim in claims]
    return [_row(claim, seeds, measured) for claim in claims]


def _require(data: Iterable[str]) -> None:
    """Every named data set is here or can be fetched; else `BadInput` says how to get it."""
    from sparring.data.named import names

    for name in data:
        if names()[name].path() is None:
            names()[name].read()


def _row(claim: Claim, seeds: list[int], measured: Measurements, holds: bool | None = None, reason: str = "") -> Row:
    command = f"sparring claims {claim.system} --seeds {len(seeds)}"
    row = Row(
        system=claim.system,
        claim=claim.text,
        band=claim.band,
        ours=reason,
        spread=None,
        seeds=seeds,
        baseline=claim.baseline if isinstance(claim.baseline, str) else nan,
        holds=holds,
        command=command,
    )
    if measured:
        alone = [claim.figure([m]) for m in measured]
        ours = claim.figure(measured)
        row["ours"], row["holds"] = ours, bool(claim.holds(ours))
        row["spread"] = (min(alone), max(alone))
        if not isinstance(claim.baseline, str):
            row["baseline"] = claim.baseline(measured)
    return row


def write_tables(rows: list[Row], folder: Path | str) -> list[Path]:
    """Writes SYSTEM.json, the rows as they are, and SYSTEM.md, the same to read, for every system in `rows`; returns the
    paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for system in dict.fromkeys(row["system"] for row in rows):
        own = [row for row in rows if row["system"] == system]
        for suffix, text in ((".json", to_json(own)), (".md", to_markdown(own))):
            written.append(folder / f"{system}{suffix}")
            written[-1].write_text(text, encoding="utf-8")
    return written


def to_json(rows: list[Row]) -> str:
    """The rows as a JSON list; JSON has no NaN or infinity, which become null."""

    def plain(value: object) -> object:
        if isinstance(value, float):
            return value if isfinite(value) else None
        return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value

    return json.dumps([{key: plain(value) for key, value in row.items()} for row in rows], indent=1) + "\n"


def to_markdown(rows: list[Row]) -> str:
    """One system's table."""
    seeds = ", ".join(map(str, rows[0]["seeds"]))
    lines = [
        f"# Claims of `{rows[0]['system']}`",
        "",
        f"Measured by `{rows[0]['command']}`; ours is the median over seeds {seeds}, the spread its least and greatest seed.",
        "",
        "| claim | band | ours | spread | baseline | holds |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        spread = " to ".join(map(_number, row["spread"])) if row["spread"] else "-"
        holds = {True: "yes", False: "**no**", None: "not measured"}[row["holds"]]
        cells = [row["claim"], row["band"], _number(row["ours"]), spread, _number(row["baseline"]), holds]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.5g}"
