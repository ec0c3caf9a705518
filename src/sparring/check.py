"""The contract of a game, as a public check: run it on your own and it says what is wrong."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from . import checkpoint
from .errors import BadInput
from .game import Game, Player, make, terms, total
from .loop import autocast, play

Make = Callable[[], Game]
Draw = Callable[[int], Iterator[Any]]


def check_game(make_game: Make, draw: Draw, rounds: int = 4) -> None:
    """Check that a game keeps the contract that the loop, runs and distributed training rely on.

    - every parameter that moves has one owner, and every player has something to move;
    - a move changes the parameters of its own players, and of nobody else;
    - listing the moves of a round without making them changes no parameter;
    - a game resumed from a checkpoint half-way ends at the same bits as one never stopped;
    - every loss is a finite scalar with a gradient, in float32, in float64 and under bf16 autocast.

    Args:
        make_game: Makes the game anew; called several times.
        draw: round -> an iterator over what one `next(data)` gives, the same for the same round.
        rounds: How many rounds to play for the resume; even and at least 2.

    Raises:
        BadInput: The first clause that is broken, and by which player, parameter or term.
    """

    def fresh() -> Game:
        torch.manual_seed(0)
        return make_game()

    state = torch.get_rng_state()
    try:
        owners_are_unique(fresh())
        listing_moves_nothing(fresh(), draw)
        losses_are_sound(fresh(), draw, "fp32")
        moves_stay_at_home(fresh(), draw)
        resumes_exactly(fresh, draw, rounds)
        losses_are_sound(fresh(), draw, "bf16")
        losses_are_sound(fresh(), draw, "float64")
    finally:
        torch.set_rng_state(state)


def owners_are_unique(game: Game) -> None:
    """Every player owns parameters of the game, and no parameter has two owners."""
    names = {id(p): name for name, p in game.named_parameters()}
    owner: dict[int, str] = {}
    if not game.players:
        raise BadInput(f"{type(game).__name__} has no player; assign a Player to an attribute in __init__.")
    for player, value in game.players.items():
        if not value.parameters:
            raise BadInput(f"Player {player!r} owns no parameter that can move.")
        for p in value.parameters:
            if id(p) not in names:
                raise BadInput(f"Player {player!r} owns a parameter that the game does not hold; assign its network to the game.")
            if id(p) in owner:
                raise BadInput(f"Parameter {names[id(p)]!r} is owned by both {owner[id(p)]!r} and {player!r}.")
            owner[id(p)] = player


def moves_stay_at_home(game: Game, draw: Draw) -> None:
    """A move changes parameters of its players only; over a round every player moves."""
    moved: set[Player] = set()
    names = {player: name for name, player in game.players.items()}
    game.train()
    for t in range(2):
        game.begin(t, 2)
        for move in game.round(draw(t)):
            before = {name: p.detach().clone() for name, p in game.named_parameters()}
            own = {id(p) for player in move for p in player.parameters}
            make(move)
            moved |= set(move)
            for name, p in game.named_parameters():
                if id(p) not in own and not torch.equal(p, before[name]):
                    players = ", ".join(names[player] for player in move)
                    raise BadInput(f"The move of {players} changed {name!r}, which belongs to none of them.")
                if p.grad is not None:
                    raise BadInput(f"A move left a gradient on {name!r}; losses must not call backward themselves.")
    idle = [name for player, name in names.items() if player not in moved]
    if idle:
        raise BadInput(f"Player {idle[0]!r} never moves in two rounds.")


def listing_moves_nothing(game: Game, draw: Draw) -> None:
    """A round that is listed but not played changes no parameter."""
    before = {name: p.detach().clone() for name, p in game.named_parameters()}
    game.train()
    for _ in game.round(draw(0)):
        if not torch.is_grad_enabled():
            torch.set_grad_enabled(True)
            raise BadInput("The round yields inside torch.no_grad(), which leaks into the loop.")
    for name, p in game.named_parameters():
        if not torch.equal(p, before[name]):
            raise BadInput(f"Listing a round changed {name!r} although no move was made.")


def resumes_exactly(fresh: Make, draw: Draw, rounds: int) -> None:
    """Half the rounds, a checkpoint, a new game, the other half: the same bits as all rounds at once."""
    whole, half, resumed = fresh(), fresh(), fresh()
    last = advance(whole, draw, 0, rounds, rounds)
    advance(half, draw, 0, rounds // 2, rounds)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint.save(half, Path(folder), round=rounds // 2)
        for p in resumed.parameters():  # whatever is not restored must show
            nn.init.constant_(p.data, 0.5)
        checkpoint.load(resumed, Path(folder))
    again = advance(resumed, draw, rounds // 2, rounds, rounds)
    expected, found = whole.state_dict(), resumed.state_dict()
    for name, value in expected.items():
        if not torch.equal(value, found[name]):
            raise BadInput(
                f"Resuming does not restore {name!r} exactly; is there state outside networks, averages and optimisers?"
            )
    for name, term in last.items():
        if not torch.equal(term, again[name]):
            raise BadInput(f"After resuming, the loss {name!r} differs from that of a run never stopped.")


def advance(game: Game, draw: Draw, start: int, stop: int, rounds: int) -> dict[str, Tensor]:
    """Play rounds `start` to `stop` - 1 of `rounds`; the last round's losses."""
    losses: dict[str, Tensor] = {}
    for t, found in play(game, draw, start, rounds):
        losses = found
        if t + 1 == stop:
            break
    return losses


def losses_are_sound(game: Game, draw: Draw, precision: str) -> None:
    """In this precision every term of every loss is a finite scalar, every loss has a gradient, and rounds can be played."""

    def rows(t: int) -> Iterator[Any]:
        return map(as_double, draw(t)) if precision == "float64" else draw(t)

    game = game.double() if precision == "float64" else game
    names = {player: name for name, player in game.players.items()}
    game.train()
    try:
        with autocast(game.device, precision):
            moves = [(names[player], loss) for move in game.round(rows(0)) for player, loss in move.items()]
        for player, loss in moves:
            for name, term in terms(loss).items():
                if term.numel() != 1:
                    raise BadInput(f"The loss {player}/{name or 'loss'} has shape {tuple(term.shape)}; a loss is a scalar.")
                if not bool(term.isfinite()):
                    raise BadInput(f"The loss {player}/{name or 'loss'} is {term.item()} in {precision}.")
            if not total(loss).requires_grad:
                raise BadInput(f"The loss of {player!r} does not depend on any parameter.")
        for _t, _losses in play(game, rows, 0, 2, precision=precision):
            pass
    except RuntimeError as error:
        raise BadInput(
            f"A round in {precision} fails: {error}; make noise and codes with .to(self.device, self.dtype)."
        ) from error


def as_double(batch: Any) -> Any:
    """A batch, however nested, with its floating tensors in float64."""
    if isinstance(batch, Tensor):
        return batch.double() if batch.is_floating_point() else batch
    return type(batch)(as_double(part) for part in batch) if isinstance(batch, tuple | list) else batch
