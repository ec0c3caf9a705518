"""sparring: adversarial learning as games.

    run = sparring.train("infogan", "digits")           # a game on data, in a run directory
    for move in game.round(data): sparring.make(move)    # the loop is yours if you want it

Everything below is loaded when it is first used, so `import sparring` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .check import check_game as check_game
    from .game import Game as Game
    from .game import Move as Move
    from .game import Player as Player
    from .game import make as make
    from .games import SYSTEMS as SYSTEMS
    from .loop import play as play
    from .run import Run as Run
    from .run import load as load
    from .run import resume as resume
    from .run import train as train

__version__ = "0.1.0"

_HOMES = {
    "game": ("Game", "Move", "Player", "make"),
    "check": ("check_game",),
    "games": ("SYSTEMS",),
    "loop": ("play",),
    "run": ("Run", "load", "resume", "train"),
}
__all__ = ["SYSTEMS", "Game", "Move", "Player", "Run", "check_game", "load", "make", "play", "resume", "train"]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f".{home}", __name__), name)
    raise AttributeError(f"module 'sparring' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
