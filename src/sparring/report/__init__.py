"""A run as one page: report.html needs no network, no server and no other file.

What it shows follows from what the game can do (`sparring.abilities`) and from what the run directory holds; what should be there
and is not, is said in the place where it would stand.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import torch

from sparring import distribute
from sparring.files import replace_text
from sparring.run import Run

from . import sections
from .curves import curves, script_data
from .header import header
from .html import escape, page
from .scores import scores


class Diagnosis(Protocol):
    """What ails a run, or that nothing does."""

    @property
    def name(self) -> str: ...
    @property
    def evidence(self) -> str: ...
    @property
    def remedy(self) -> str: ...
    @property
    def level(self) -> str: ...


SECTIONS = {
    "Scores": scores,
    "Losses": curves,
    "Samples": sections.samples,
    "Film": sections.film,
    "Classes": sections.classes,
    "Traversals": sections.traversals,
    "Reconstructions": sections.reconstructions,
    "Map of codes": sections.code_map,
}
"""Heading -> function(run) that gives the section's HTML, or "" where the game has no such ability."""


def write_report(run: Run, diagnoses: Iterable[Diagnosis] = ()) -> Path:
    """Write RUN/report.html and give its path.

    Pictures are made with a fixed seed: the same run gives the same page. No section can stop the others: one that fails says why.

    Args:
        run: A run, finished or not; it does not move.
        diagnoses: What to say of its health, worst first; shown under the scores.

    Raises:
        RunFailed: The file cannot be written.
    """
    shown = {}
    for title, section in SECTIONS.items():
        # Some games draw noise outside their generator argument, for instance when they encode.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(distribute.seed_of(run.config["seed"], "report", title))
            shown[title] = attempt(section, run)
        if title == "Scores":
            shown["Diagnosis"] = "".join(map(finding, diagnoses))
    path = run.path / "report.html"
    title = f"{run.config['system']} on {run.config['data'][0]['name']}"
    replace_text(path, page(title, attempt(header, run), {name: body for name, body in shown.items() if body}, script_data(run)))
    return path


def attempt(section: Callable[[Run], str], run: Run) -> str:
    try:
        return section(run)
    except Exception as error:  # whatever is wrong with one part of a run, the rest of it can still be seen
        return f'<p class="missing">Not shown: {escape(error or type(error).__name__)}</p>'


def finding(diagnosis: Diagnosis) -> str:
    level = escape(diagnosis.level)
    return (
        f'<article class="card finding" data-level="{level}"><h3>{escape(diagnosis.name)}<span class="level">{level}</span></h3>'
        f'<p>{escape(diagnosis.evidence)}</p><p class="remedy">{escape(diagnosis.remedy)}</p></article>'
    )
