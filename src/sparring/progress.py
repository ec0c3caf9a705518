"""Progress of long work: a live bar on a terminal, a line now and then elsewhere. Speed, time left, losses."""

import sys
import time
from types import TracebackType
from typing import Any

LINE_SECONDS = 10.0


def duration(seconds: float) -> str:
    """
    >>> duration(8), duration(95), duration(7260)
    ('8 s', '1 min 35 s', '2 h 1 min')
    """
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


class Progress:
    """Rounds from `start` to `rounds` on stderr.

    Args:
        start: The first round.
        rounds: One past the last round.
        quiet: Show nothing.
    """

    def __init__(self, start: int, rounds: int, quiet: bool = False) -> None:
        self.start, self.rounds, self.quiet = start, rounds, quiet
        self.bar: Any = None
        self.shown = 0.0

    def __enter__(self) -> "Progress":
        self.began = time.monotonic()
        if not self.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            columns = (BarColumn(), TextColumn("{task.completed}/{task.total} rounds  {task.description}"))
            self.bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self.task = self.bar.add_task("", total=self.rounds, completed=self.start)
            self.bar.start()
        return self

    def show(self, played: int, losses: dict[str, float]) -> None:
        """Tell that `played` rounds are done, with their losses."""
        if self.quiet:
            return
        now = time.monotonic()
        speed = (played - self.start) / max(now - self.began, 1e-9)
        left = duration((self.rounds - played) / max(speed, 1e-9))
        words = "  ".join(f"{name} {value:.3g}" for name, value in losses.items())
        if self.bar is not None:
            self.bar.update(self.task, completed=played, description=f"{speed:.0f}/s  {left} left  {words}")
        elif now - self.shown > LINE_SECONDS or played == self.rounds:
            self.shown = now
            print(f"round {played}/{self.rounds}  {speed:.1f}/s  {left} left  {words}", file=sys.stderr, flush=True)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.stop()
