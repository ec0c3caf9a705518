"""Rounds of training: ours as `sparring train` plays them, against the same algorithm written the plain way."""

import itertools
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from sparring.distribute import seed_of
from sparring.games import GAN, WGANGP
from sparring.games.duel import Duel
from sparring.loop import play

from . import textbook
from .timing import CLOCKS, Side, compare, gflop, interleave, memory_mb, peak

BATCH = 64
EXACT, ROUNDED = 1e-9, 1e-2
"""How far losses of the first rounds may lie apart in float64 and in float32: there sums are taken in another order, and Adam's first
steps, which are little more than the gradient's signs, make much of it."""


@dataclass(frozen=True)
class Work:
    """One game and the plain way of playing it.

    Args:
        name: What is played.
        peer: The plain way in a word.
        game: (width) -> our game.
        plain: (game, width) -> an object whose `round(x)` gives {player: loss}, starting from the game's weights.
        width: As in `sparring train --width`.
        precisions: Ours is timed in each; the plain way is always float32.
    """

    name: str
    peer: str
    game: Callable[[int], Duel]
    plain: Callable[[Any, int], Any]
    width: int = 64
    precisions: tuple[str, ...] = ("fp32", "bf16")


def dcgan(size: int, width: int) -> Duel:
    return GAN((3, size, size), width=width, z=100, norm_d="batch")


WORKS: tuple[Work, ...] = (
    Work("dcgan 32", "textbook", lambda width: dcgan(32, width), textbook.GAN),
    Work("dcgan 64", "textbook", lambda width: dcgan(64, width), textbook.GAN),
    Work("mlp gan 784", "textbook", lambda width: GAN((784,), width=width, z=100), textbook.GAN, width=256),
    Work("wgan-gp 32", "textbook", lambda width: WGANGP((3, 32, 32), width=width, z=100), textbook.WGANGP),
    Work("dcgan 32", "the round by hand", lambda width: dcgan(32, width), textbook.ByHand, precisions=("fp32",)),
    Work("mlp gan 784", "the round by hand", lambda width: GAN((784,), width=width, z=100), textbook.ByHand, 256, ("fp32",)),
)


def rows(
    seconds: float = 15.0, clock: str = "wall", only: str = "", progress: Callable[[str], None] = print
) -> list[dict[str, Any]]:
    """Every work whose name begins with `only`, in every precision.

    `seconds` of turns for each work on `clock`, one of `CLOCKS`; checks and counts take as long again.
    """
    found, peaks = [], {"fp32": 0.0, "bf16": 0.0}
    for work in (work for work in WORKS if work.name.startswith(only)):
        progress(f"{work.name} against {work.peer}")
        for precision in peaks:
            peaks[precision] = max(peaks[precision], peak(precision, now=CLOCKS[clock]))
        found += measure(work, seconds, clock=clock)
    for row in found:  # only now: the peak is the best of the whole run
        speed = row["gflop"] / row["seconds"]
        row["share_of_peak"] = round(speed / peaks[row["precision"]], 3)
        row["peak_gflops"] = round(peaks[row["precision"]], 1)
    return found


def measure(
    work: Work, seconds: float, batch: int = BATCH, width: int = 0, turns: int = 5, clock: str = "wall"
) -> list[dict[str, Any]]:
    """One row for each precision, without the share of the peak.

    Raises:
        ArithmeticError: The two do not play the same game: their losses differ.
    """
    width = width or work.width
    same, gap = loss_gap(work, 8, 8, dtype=torch.float64), loss_gap(work, width, batch)
    if not (same <= EXACT and gap <= ROUNDED):
        raise ArithmeticError(
            f"{work.name} against {work.peer}: losses of the first rounds differ by {same:.2g} in float64 and {gap:.2g} in float32."
        )

    def ours(precision: str) -> Side:
        return our_side(started(work, width), batch, precision)

    def theirs() -> Side:
        return plain_side(work, started(work, width), width, batch)

    sides = {"theirs": theirs(), **{precision: ours(precision) for precision in work.precisions}}
    times = interleave(sides, seconds, turns, now=CLOCKS[clock])
    peer = {
        "peer_seconds": statistics.median(times["theirs"]),
        "peer_gflop": round(gflop(sides["theirs"]), 3),
        "peer_memory_mb": round(memory_mb(theirs), 1),
    }
    return [
        {
            "work": f"{work.name}, width {width}, batch {batch}",
            "peer": work.peer,
            "precision": precision,
            **compare(times["theirs"], times[precision]),
            "gflop": round(gflop(sides[precision]), 3),
            "share_of_peak": None,
            "peak_memory_mb": round(memory_mb(partial(ours, precision)), 1),
            "seconds": statistics.median(times[precision]),
            "turns": len(times[precision]),
            "clock": clock,
            "loss_gap": gap,
            **peer,
        }
        for precision in work.precisions
    ]


def started(work: Work, width: int, dtype: torch.dtype = torch.float32) -> Duel:
    """Our game with the weights of seed 0, laid out as a run lays it out."""
    torch.manual_seed(0)
    game = work.game(width)
    game.to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks this form
    return game


def batches(game: Duel, batch: int, count: int = 8) -> list[Tensor]:
    """Uniform random rows in [-1, 1], never zero, which would be multiplied faster on some machines."""
    generator = torch.Generator().manual_seed(0)
    return [(torch.rand(batch, *game.shape, generator=generator) * 2 - 1).to(game.dtype) for _ in range(count)]


def our_side(game: Duel, batch: int, precision: str = "fp32") -> Side:
    """One call, one round of `sparring.play`; gives its losses."""
    memory = torch.channels_last if len(game.shape) == 3 else torch.contiguous_format
    pool = [x.contiguous(memory_format=memory) for x in batches(game, batch)]
    rounds = play(game, lambda t: itertools.repeat(pool[t % len(pool)]), 0, 2**62, 0, precision)  # until nobody asks
    return lambda: next(rounds)[1]


def plain_side(work: Work, game: Duel, width: int, batch: int) -> Side:
    """One call, one round of the plain way; gives its losses."""
    plain, pool = work.plain(game, width), itertools.cycle(batches(game, batch))
    return lambda: plain.round(next(pool))


def loss_gap(work: Work, width: int, batch: int, rounds: int = 3, dtype: torch.dtype = torch.float32) -> float:
    """The largest difference between the losses of the two over the first rounds, from the same weights, data and noise."""
    ours = our_side(started(work, width, dtype), batch)
    theirs = plain_side(work, started(work, width, dtype), width, batch)
    gap = 0.0
    for t in range(rounds):
        losses: dict[str, Any] = ours()  # seeds itself from (seed, rank, round)
        torch.manual_seed(seed_of(0, 0, t))
        for player, loss in theirs().items():
            total = sum(term for name, term in losses.items() if name.startswith(f"{player}/"))
            gap = max(gap, abs(float(total - loss)))
    return gap
