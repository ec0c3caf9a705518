"""The loop that plays any game. Whoever wants their own writes three lines; this one adds seeds, precision and a diagnosis.

>>> import torch
>>> from sparring.games import GAN
>>> game = GAN((2,), z=4, width=8)
>>> for t, losses in play(game, lambda t: iter([torch.randn(16, 2)]), 0, 3): pass
>>> t, sorted(losses)
(2, ['discriminator/fake', 'discriminator/real', 'generator/loss'])
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from . import distribute
from .errors import RunFailed
from .game import Game, NotFinite, make, terms

Draw = Callable[[int], Iterator[Any]]
"""round -> the data of that round, an endless iterator that depends on nothing but the counter."""


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The forward passes' precision: "fp32" leaves them as they are, "bf16" runs what is safe in bfloat16."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def put(batch: Any, device: torch.device) -> Any:
    """A batch, however nested in tuples, on `device`; nothing is copied where it is there already."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    return tuple(put(part, device) for part in batch)


def play(
    game: Game, draw: Draw, start: int, rounds: int, seed: int = 0, precision: str = "fp32"
) -> Iterator[tuple[int, dict[str, Tensor]]]:
    """Play rounds `start` to `rounds` - 1, giving each round's number and its losses as `{"player/term": scalar}` after it.

    Every round seeds itself from (seed, rank, round), so a game that goes on from a checkpoint repeats what it would have
    done with no random state saved. Of a player that moves several times a round the last move's losses are given.

    Raises:
        RunFailed: A loss or gradient is not finite; says in which round, whose, which term, and in which layer it began.
    """
    names = {player: name for name, player in game.players.items()}
    device = game.device
    game.train()
    for t in range(start, rounds):
        torch.manual_seed(distribute.seed_of(seed, distribute.rank(), t))
        game.begin(t, rounds)
        losses: dict[str, Tensor] = {}
        moves = game.round(put(batch, device) for batch in draw(t))
        while True:
            with autocast(device, precision):  # round a forward pass only: it ends before the backward pass
                move = next(moves, None)
            if move is None:
                break
            try:
                make(move)
            except NotFinite as fault:
                raise RunFailed(explain(fault, game, draw, t, names[fault.player], seed, precision)) from fault
            for player, loss in move.items():
                losses |= {f"{names[player]}/{name or 'loss'}": term.detach() for name, term in terms(loss).items()}
        yield t, losses


def explain(fault: NotFinite, game: Game, draw: Draw, t: int, player: str, seed: int, precision: str) -> str:
    """One sentence on a loss or gradient that is not finite, with the first layer that gave such a value."""
    layer = next((name for name, p in game.named_parameters() if p is fault.parameter), None)
    where = f"parameter {layer!r}" if layer else first_layer_not_finite(game, draw, t, seed, precision)
    return (
        f"Round {t}, player {player!r}: {fault.what} is not finite"
        if "gradient" in fault.what
        else f"Round {t}, player {player!r}: {fault.what}"
    ) + f"; it begins in {where}. The last checkpoint is kept; try a lower --lr, or --precision fp32."


def first_layer_not_finite(game: Game, draw: Draw, t: int, seed: int, precision: str) -> str:
    """Replay the round without making its moves, and name the first layer whose output is NaN or infinite."""
    found: list[str] = []

    def look(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and not found and not bool(output.isfinite().all()):
                bad = any(isinstance(x, Tensor) and not bool(x.isfinite().all()) for x in inputs)
                found.append(f"the data that reach layer {name!r}" if bad else f"layer {name!r} ({type(module).__name__})")

        return hook

    leaves = [(name, m) for name, m in game.named_modules() if name and not list(m.children())]
    hooks = [module.register_forward_hook(look(name)) for name, module in leaves]
    try:
        torch.manual_seed(distribute.seed_of(seed, distribute.rank(), t))
        with autocast(game.device, precision):
            for _ in game.round(put(batch, game.device) for batch in draw(t)):
                if found:
                    break
    finally:
        for handle in hooks:
            handle.remove()
    return found[0] if found else "the loss itself: every layer's output is finite"
