"""The one idea: every system is a game, played in rounds of moves by players that own networks.

A game writes its round as a generator that reads like the paper's algorithm box. Each `yield` is a move,
`{player: loss}`: every player named descends its own loss in its own parameters, and in no others.

>>> import torch
>>> class Tug(Game):
...     def __init__(self):
...         super().__init__()
...         self.rope = torch.nn.Linear(1, 1, bias=False)
...         self.left = Player(self.rope, lr=1e-3)
...     def round(self, data):
...         yield {self.left: {"pull": self.rope(next(data)).square().mean()}}
>>> game, data = Tug(), iter([torch.ones(4, 1)])
>>> before = game.rope.weight.item()
>>> for move in game.round(data): make(move)
>>> abs(game.rope.weight.item()) < abs(before)
True
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from . import distribute
from .errors import RunFailed

Network = TypeVar("Network", bound=nn.Module)
Loss = Tensor | Mapping[str, Tensor]
"""A scalar, or named scalar terms whose sum is descended; the names become columns of the history."""


class Player:
    """Networks that move together: one owner, one optimiser, optionally a running average.

    Args:
        networks: The modules this player owns; no other player may own a parameter of them.
        lr: Learning rate of the optimiser, before the schedule.
        betas: Adam's decay rates of the first and second moment.
        average: Decay of the exponential moving average of the parameters, in [0, 1); 0 keeps none. The
            average starts as a copy after the first step; buffers (batch norm's statistics) are copied.
        schedule: `f(round, rounds) -> factor` that multiplies `lr` in that round.
        optimizer: `f(parameters, lr=lr) -> Optimizer` in place of Adam.

    A player is a plain object, not a module: its networks belong to the game, which would otherwise hold them twice.
    """

    def __init__(
        self,
        *networks: nn.Module,
        lr: float = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        average: float = 0.0,
        schedule: Callable[[int, int], float] | None = None,
        optimizer: Callable[..., torch.optim.Optimizer] | None = None,
    ) -> None:
        self.networks = nn.ModuleList(networks)
        self.parameters = [p for p in self.networks.parameters() if p.requires_grad]
        self.lr, self.schedule = lr, schedule
        self.optimizer = (
            optimizer(self.parameters, lr=lr) if optimizer else torch.optim.Adam(self.parameters, lr=lr, betas=betas, fused=True)
        )
        self.average: AveragedModel | None = None
        if average:
            self.average = AveragedModel(self.networks, multi_avg_fn=get_ema_multi_avg_fn(average)).eval()

    def begin(self, t: int, rounds: int) -> None:
        """Set the learning rate of round `t` of `rounds`."""
        if self.schedule is not None:
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr * self.schedule(t, rounds)

    def step(self) -> None:
        """Descend the gradients at hand, forget them, and move the running average."""
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average is not None:
            self.average.update_parameters(self.networks)

    def check_finite(self, loss: Loss) -> None:
        """Raise `NotFinite` naming the term, or the first parameter, that is NaN or infinite; nothing has moved yet."""
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norms = torch.stack(torch._foreach_norm(gradients)).sum() if gradients else torch.zeros(())
        if bool((total(loss).detach() + norms).isfinite()):
            return
        for name, term in terms(loss).items():
            if not bool(term.isfinite()):
                raise NotFinite(self, f"its loss{f' term {name!r}' if name else ''} is {term.item()}")
        for name, parameter in self.networks.named_parameters():
            if parameter.grad is not None and not bool(parameter.grad.isfinite().all()):
                raise NotFinite(self, f"the gradient of parameter {name.partition('.')[2]!r}", parameter)
        # Every entry is finite and only their sum overflows: one huge step away from NaN, so stop just the same.
        raise NotFinite(self, "the norm of its gradient overflows")


Move = Mapping[Player, Loss]


class NotFinite(RunFailed):
    """A loss or gradient of `player` is NaN or infinite."""

    def __init__(self, player: Player, what: str, parameter: nn.Parameter | None = None) -> None:
        super().__init__(what)
        self.player, self.what, self.parameter = player, what, parameter


class Game(nn.Module):
    """A subclass makes its networks and players in `__init__` and writes one round of play in `round`.

    The constructor is the configuration: its positional parameters are facts of the data (`shape`, `classes`), which
    are filled in; its keyword-only parameters are the options of the command line.

    Attributes:
        view: What one `next(data)` gives in `round`; a function of `sparring.data.views`, by name.
        decides: Options of a base class that this system settles by itself, so that they are no options of it.
        t: The round being played, counted from 0.
        rounds: How many rounds the run will play in all; schedules may depend on both.
    """

    view: ClassVar[str] = "pictures"
    decides: ClassVar[tuple[str, ...]] = ()
    t: int = 0
    rounds: int = 1

    def round(self, data: Iterator[Any]) -> Iterator[Move]:
        """One round of play. Never `yield` inside `torch.no_grad()`: the mode would leak into the loop."""
        raise NotImplementedError(f"{type(self).__name__} must write its round")

    @property
    def players(self) -> dict[str, Player]:
        """Every player by its attribute's name, those of inner games as `level.name`."""
        return {
            f"{at}.{name}".lstrip("."): value
            for at, game in self.named_modules()
            for name, value in vars(game).items()
            if isinstance(value, Player)
        }

    @property
    def progress(self) -> float:
        """The share of the run that is played, in [0, 1]."""
        return min(self.t / max(self.rounds, 1), 1.0)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.parameters()).dtype

    def begin(self, t: int, rounds: int) -> None:
        """Tell the game and its players that round `t` of `rounds` begins."""
        for game in self.modules():
            if isinstance(game, Game):
                game.t, game.rounds = t, rounds
        for player in self.players.values():
            player.begin(t, rounds)

    def train(self, mode: bool = True) -> "Game":
        """Training mode for the networks that somebody owns; a network that nobody owns never moves and stays in eval."""
        super().train(mode)
        if mode:
            owned = {id(p) for player in self.players.values() for p in player.networks.parameters()}
            for network in self.modules():
                parameters = list(network.parameters())
                if parameters and not any(id(p) in owned for p in parameters):
                    network.eval()
        return self

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> "Game":
        # What torch calls for every move to a device or precision. Averages are no submodules, and must follow.
        super()._apply(fn, recurse)
        for value in vars(self).values():  # inner games see to their own
            if isinstance(value, Player) and value.average is not None:
                value.average._apply(fn)
        return self

    @contextmanager
    def serving(self, network: Network) -> Iterator[Network]:
        """`network` as it is used outside play: its running average where its player keeps one, in eval mode, no gradients."""
        for player in self.players.values():
            for i, own in enumerate(player.networks):
                if own is network and player.average is not None and int(player.average.n_averaged):
                    network = player.average.module[i]  # type: ignore[index]  # a copy of `own`, so of the same class
        modes = [(m, m.training) for m in network.modules()]
        network.eval()
        try:
            with torch.no_grad():
                yield network
        finally:
            for module, mode in modes:
                module.training = mode


def terms(loss: Loss) -> dict[str, Tensor]:
    """A loss as named terms; the name of a plain scalar is empty."""
    return dict(loss) if isinstance(loss, Mapping) else {"": loss}


def total(loss: Loss) -> Tensor:
    """What is descended: the sum of a loss's terms."""
    return torch.stack([t.reshape(()) for t in loss.values()]).sum() if isinstance(loss, Mapping) else loss


def make(move: Move) -> None:
    """Every player descends its own loss in its own parameters, and in no others.

    Raises:
        NotFinite: A loss or gradient is NaN or infinite; no player of this move has moved.
    """
    for i, (player, loss) in enumerate(move.items(), start=1):
        total(loss).backward(inputs=player.parameters, retain_graph=i < len(move))
    for player in move:
        distribute.average_gradients(player.parameters)
    try:
        for player, loss in move.items():
            player.check_finite(loss)
    except NotFinite:
        for player in move:  # or whoever goes on would find them in the next move
            player.optimizer.zero_grad()
        raise
    for player in move:  # only now, so that the players of one move play simultaneously
        player.step()
