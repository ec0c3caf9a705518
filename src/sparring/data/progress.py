"""Word from work that takes a while, on stderr: a bar in a terminal, a line now and then without one."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
SECONDS = 10.0  # between the lines


def progress(work: Iterable[T], total: int, what: str) -> Iterator[T]:
    """The items of `work`, with word of how far it is."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import track

        yield from track(work, what, total, transient=True, console=Console(stderr=True))
        return
    start = said = time.monotonic()
    for done, item in enumerate(work, 1):
        yield item
        now = time.monotonic()
        if now - said > SECONDS:
            print(
                f"{what}: {done:,} of {total:,}, {(now - start) / done * (total - done):.0f} s left", file=sys.stderr, flush=True
            )
            said = now
