"""Clocks and counters: sides timed in turns, the machine's peak, operations of a round, bytes alive at a time.

The speed of a machine drifts by a third within minutes, so that only ratios of neighbouring measurements mean anything: both sides
of a comparison run in one process, one after the other in every turn, and the ratio is taken turn by turn.
"""

import contextlib
import statistics
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

Side = Callable[[], Any]
Now = Callable[[], float]
# On a machine that others use at the same time, seconds on the wall are theirs too; with one thread the processor's are ours alone.
CLOCKS: dict[str, Now] = {"wall": time.perf_counter, "cpu": time.process_time}
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def clock(work: Side, now: Now = time.perf_counter) -> float:
    """Seconds that `work` takes."""
    began = now()
    work()
    return now() - began


def interleave(
    sides: dict[str, Side], seconds: float, turns: int = 5, warm: int = 2, now: Now = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of each side in each turn, after `warm` turns that do not count: at least `turns`, and more until `seconds` are over.

    Every other turn goes through the sides backwards, so that what one leaves in the caches serves no side more than another.
    """
    for _ in range(warm):
        for work in sides.values():
            work()
    times: dict[str, list[float]] = {name: [] for name in sides}
    began = now()
    turn = 0
    while turn < turns or now() - began < seconds:
        for name in list(sides)[:: 1 if turn % 2 else -1]:
            times[name].append(clock(sides[name], now))
        turn += 1
    return times


def compare(theirs: Sequence[float], ours: Sequence[float]) -> dict[str, Any]:
    """How many times faster ours is: the median over turns, and the quartiles around it.

    >>> compare([2.0, 2.0, 2.2], [1.0, 1.0, 1.0])
    {'ratio': 2.0, 'spread': [2.0, 2.1]}
    """
    ratios = [a / b for a, b in zip(theirs, ours, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return {"ratio": round(middle, 3), "spread": [round(low, 3), round(high, 3)]}


class Whole(contextlib.AbstractContextManager):  # type: ignore[type-arg]
    """Stands in for a module tracker that knows one module, everything."""

    parents = frozenset({"Global"})

    def __exit__(self, *failure: object) -> None: ...


def gflop(work: Side) -> float:
    """Floating-point operations of `work` in convolutions and matrix products, backward passes included, in 10^9."""
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = Whole()  # type: ignore[assignment]  # counting by module needs hooks that a double backward refuses
    with counter:
        work()
    return counter.get_total_flops() / 1e9


def peak(precision: str, repeats: int = 5, now: Now = time.perf_counter) -> float:
    """What this machine reaches at best, GFLOP/s: the faster of a large convolution and a large matrix product, best of `repeats`."""
    dtype = DTYPES[precision]
    a, b = torch.randn(2, 2048, 2048).to(dtype)
    x = torch.randn(64, 128, 32, 32).to(dtype, memory_format=torch.channels_last)
    kernel = torch.randn(128, 128, 3, 3).to(dtype, memory_format=torch.channels_last)
    best = 0.0
    for work in (lambda: a @ b, lambda: F.conv2d(x, kernel, padding=1)):
        work()
        best = max(best, gflop(work) / min(clock(work, now) for _ in range(repeats)))
    return best


class Alive(TorchDispatchMode):
    """Counts the bytes of all tensors made under it that are alive at the same time; `peak` is the most there were.

    Weights and an optimiser's state count when they are made under it. What libraries keep for themselves does not.

    >>> with Alive() as alive:
    ...     for _ in range(3): x = torch.zeros(1000) + 1
    >>> alive.peak  # the old x, the zeros, and their sum
    12000
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self.seen: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor):
                self.watch(tensor.untyped_storage())
        return out

    def watch(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata not in self.seen:
            self.seen.add(storage._cdata)
            weakref.finalize(storage, self.forget, storage._cdata, storage.nbytes())
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)

    def forget(self, key: int, nbytes: int) -> None:
        self.seen.discard(key)
        self.now -= nbytes


def memory_mb(make: Callable[[], Side], rounds: int = 2) -> float:
    """Most 10^6 bytes of tensors alive at once while `make` builds a side and it runs `rounds` times."""
    with Alive() as alive:
        side = make()
        for _ in range(rounds):
            side()
    return alive.peak / 1e6
