"""The errors a user may see. Each carries one sentence: what is wrong, where, and what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class BadInput(ValueError):
    """Input or usage that cannot work; nothing was written (exit status 2)."""


class RunFailed(RuntimeError):
    """A run that had to stop; its last good checkpoint is kept (exit status 1)."""


def unknown(kind: str, name: str, known: Iterable[str]) -> BadInput:
    """The error for a name nobody knows, with the nearest one that somebody does.

    >>> print(unknown("system", "infogna", ["gan", "infogan"]))
    There is no system 'infogna'; did you mean 'infogan'? Known: gan, infogan.
    """
    known = sorted(known)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else "."
    return BadInput(f"There is no {kind} '{name}'{hint} Known: {', '.join(known)}.")
