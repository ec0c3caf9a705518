"""What the estimators share: rows as games want them, a game played in memory, and a state that pickles without running code."""

import io
from itertools import islice
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted, validate_data
from torch import Tensor

from ..data import Data, draw, to_tensor, views
from ..data.arrays import channels_last, limits, meaning, plain
from ..errors import BadInput, unknown
from ..game import Game
from ..games import SYSTEMS
from ..loop import play
from ..options import complete
from ..run import build

BATCH, PASSES = 64, 30
PRECISIONS = ("fp32", "bf16")
KINDS = {"f": "floats", "b": "booleans"}


class Player(BaseEstimator):
    """An estimator that plays a game in `fit`.

    Args:
        rounds: Rounds to play; None takes as many as pass the rows 30 times, and at least 150.
        batch: Rows a batch, from 2 to the number of rows; None takes 64, or all rows where there are fewer.
        random_state: Makes weights, batches and noise; an int makes `fit` repeatable.
        precision: Of the forward passes, "fp32" or "bf16".
        options: Options of the system, as `sparring train SYSTEM --help` explains them, underscores for dashes.
    """

    least: ClassVar[int] = 150  # rounds that few rows are played for
    game_: Any  # of any system: what it can do is asked where it matters
    config_: dict[str, Any]
    rounds_: int

    def __init__(
        self,
        *,
        rounds: int | None = None,
        batch: int | None = None,
        random_state: Any = None,
        precision: str = "fp32",
        options: dict[str, Any] | None = None,
    ) -> None:
        self.rounds = rounds
        self.batch = batch
        self.random_state = random_state
        self.precision = precision
        self.options = options

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "game_")  # what is learnt before the game may yet turn out to be nothing to play on

    # ── rows ─────────────────────────────────────────────────────────────────────────────
    def _learn_rows(self, X: Any) -> np.ndarray:
        """X as rows of `Data`, float32 (n, d) or uint8 (n, h, w, c), having learnt what it looks like.

        Raises:
            BadInput: Every row is the same.
        """
        if dimensions(X) == 2:
            table = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
            self.scaler_, self.pixels_ = StandardScaler().fit(table), None
            rows = self.scaler_.transform(table).astype(np.float32)
        else:
            check_array(X, allow_nd=True, dtype=None, ensure_all_finite=False, ensure_min_samples=2, estimator=self)
            x = channels_last("X", plain(X), isinstance(X, Tensor))
            self.scaler_, self.pixels_, self.kind_ = None, meaning("X", x.dtype, *limits("X", x)), kind(x)
            rows = np.ascontiguousarray(self.pixels_(x))
            self.n_features_in_ = int(np.prod(x.shape[1:]))
        self.shape_ = rows.shape[1:]
        if (rows == rows[:1]).all():
            raise BadInput(f"All {len(rows)} rows of X are the same, so there is nothing to learn from them.")
        return rows

    def _rows(self, X: Any) -> np.ndarray:
        """X as `_learn_rows` gave it, by what was learnt there.

        Raises:
            BadInput: Rows of another shape, or pictures of another range, than were learnt from.
        """
        check_is_fitted(self)
        if self.pixels_ is None:
            if dimensions(X) > 2:
                raise BadInput(f"X holds pictures, but {type(self).__name__} was fitted to a table of {self.shape_[0]} columns.")
            return self.scaler_.transform(validate_data(self, X, dtype=[np.float64, np.float32], reset=False)).astype(np.float32)
        if dimensions(X) < 3:
            height, width, _ = self.shape_
            raise BadInput(f"X is a table, but {type(self).__name__} was fitted to pictures of {height} x {width}.")
        check_array(X, allow_nd=True, dtype=None, ensure_all_finite=False, estimator=self)
        x = channels_last("X", plain(X), isinstance(X, Tensor))
        limits("X", x)
        if kind(x) != self.kind_:
            raise BadInput(f"X holds {kind(x)}, but {type(self).__name__} was fitted to pictures of {self.kind_}; convert them.")
        rows = np.ascontiguousarray(self.pixels_(x))
        if rows.shape[1:] != self.shape_:
            raise BadInput(f"X has pictures of {rows.shape[1:]}, but {type(self).__name__} was fitted to {self.shape_}.")
        return rows

    def _tensor(self, X: Any) -> Tensor:
        """X as the game takes it: (n, d), or (n, C, H, W) in [-1, 1]."""
        return to_tensor(self._rows(X))

    # ── play ─────────────────────────────────────────────────────────────────────────────
    def _size(self, rows: int) -> int:
        """Rows a batch where there are so many rows to draw from."""
        if self.batch is not None and self.batch > rows:
            raise BadInput(
                f"batch={self.batch}, but there are only {rows} rows; choose a smaller batch, or None for one that fits."
            )
        if self.batch is not None and self.batch < 2:
            raise BadInput(f"batch={self.batch}; a batch needs 2 rows or more.")
        return self.batch or min(BATCH, rows)

    def _begin(self, system: str, data: Data) -> None:
        """Make the game, and choose the seed of everything it will do."""
        if self.rounds is not None and self.rounds < 1:
            raise BadInput(f"rounds={self.rounds}; at least one round must be played.")
        if self.precision not in PRECISIONS:
            raise unknown("precision", str(self.precision), PRECISIONS)
        self.config_ = {
            "system": system,
            "options": complete(SYSTEMS[system], self.options or {}),
            "data": [{"shape": list(data.shape), "classes": data.classes}],
            "seed": int(check_random_state(self.random_state).randint(2**31 - 1)),
        }
        self.game_, self.rounds_ = build(self.config_), 0

    def _play(self, data: Data | tuple[Data, Data], rounds: int, total: int = 0) -> None:
        """Play further rounds, as some of `total`: schedules end with them."""
        view, seed = getattr(views, self.game_.view), self.config_["seed"]
        size = self._size(min(len(d) for d in data) if isinstance(data, tuple) else len(data))
        total = max(total, self.rounds_ + rounds)
        with torch.random.fork_rng(devices=[]):
            moves = play(self.game_, lambda t: draw(view, data, size, seed, 0, t), self.rounds_, total, seed, self.precision)
            for t, _ in islice(moves, rounds):
                self.rounds_ = t + 1

    def _fit(self, system: str, data: Data | tuple[Data, Data]) -> None:
        """A new game, played to its end."""
        parts = data if isinstance(data, tuple) else (data,)
        size = self._size(min(map(len, parts)))
        self._begin(system, parts[0])
        self._play(data, self.rounds or max(self.least, PASSES * -(-max(map(len, parts)) // size)))

    # ── state ────────────────────────────────────────────────────────────────────────────
    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "game_" in state:  # a game is made again from its options; only tensors are kept of it
            state["game_"] = dump(self.game_)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "game_" in state:
            self.game_ = build(self.config_)
            restore(self.game_, state["game_"])
            self.game_.begin(self.rounds_, self.rounds_)


def dimensions(X: Any) -> int:
    """How many axes X has: 2 of a table."""
    return X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim


def kind(x: np.ndarray) -> str:
    """What numbers pictures are made of; others would mean another range."""
    return KINDS.get(x.dtype.kind, "integers")


def checked_labels(estimator: BaseEstimator, X: Any, y: Any) -> np.ndarray:
    """(n,) labels as they were given.

    Raises:
        BadInput: A label is NaN, which marks nothing here.
        ValueError: scikit-learn's own, of y that cannot be labels.
    """
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import column_or_1d

    if y is None:
        raise BadInput(f"{type(estimator).__name__} requires y to be passed, but the target y is None; -1 marks unlabelled rows.")
    column = np.asarray(y)
    if column.dtype.kind in "fO":
        missing = np.flatnonzero([value is None or value != value for value in column.ravel()])
        if len(missing):
            raise BadInput(f"The label of row {missing[0]} is NaN or None; mark unlabelled rows with -1.")
    column = column_or_1d(column, warn=True)
    if column.dtype.kind in "fc":
        check_array(column, ensure_2d=False, dtype=None, input_name="y", estimator=estimator)
    check_consistent_length(X, column)
    check_classification_targets(column)
    return column


def dump(game: Game) -> bytes:
    """Everything that playing has changed in a game."""
    players = game.players
    file = io.BytesIO()
    torch.save(
        {
            "networks": game.state_dict(),
            "averages": {name: player.average.state_dict() for name, player in players.items() if player.average is not None},
            "optimisers": {name: player.optimizer.state_dict() for name, player in players.items()},
        },
        file,
    )
    return file.getvalue()


def restore(game: Game, state: bytes) -> None:
    """Bring a game of the same options to what `dump` has kept; no code in it is run."""
    found = torch.load(io.BytesIO(state), map_location=game.device, weights_only=True)
    game.load_state_dict(found["networks"])
    for name, player in game.players.items():
        player.optimizer.load_state_dict(found["optimisers"][name])
        if player.average is not None:
            player.average.load_state_dict(found["averages"][name])
