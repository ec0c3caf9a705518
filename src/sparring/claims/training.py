"""Playing a game for a claim: no run directory, everything decided by the seed."""

from typing import Any, TypeVar

import torch

from sparring.data import Data, draw, views
from sparring.game import Game
from sparring.loop import play

System = TypeVar("System", bound=Game)


def trained(
    system: type[System], data: Data, *, rounds: int, batch: int, seed: int, precision: str = "bf16", **options: Any
) -> System:
    """A game of these options, played on `data`; the caller's random state is untouched. Raises `RunFailed` if it diverges."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        game = system(data.shape, **options)
        game.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        view = getattr(views, system.view)
        for _ in play(game, lambda t: draw(view, data, batch, seed, 0, t), 0, rounds, seed, precision):
            pass
    return game


def untrained(system: type[System], data: Data, *, seed: int, **options: Any) -> System:
    """The same game before its first round."""
    return trained(system, data, rounds=0, batch=1, seed=seed, **options)
