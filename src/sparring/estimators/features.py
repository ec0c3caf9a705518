"""Codes of an adversarial game as features."""

from typing import Any

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_array, check_is_fitted

from ..data import Data, to_uint8
from ..errors import BadInput, unknown
from ..games import SYSTEMS
from ..run import ROUNDS
from .base import Player


def unsupervised() -> list[str]:
    """The systems that encode and need no labels."""
    return [name for name, system in SYSTEMS.items() if hasattr(system, "encode") and system.view == "pictures"]


def decodes(estimator: "AdversarialFeatures") -> bool:
    """Whether the system's codes can be turned into rows again."""
    return hasattr(SYSTEMS.get(estimator.system), "reconstruct")


class AdversarialFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Player):
    """Codes of rows, learnt without labels by a game with an encoder.

    Args:
        system: "bigan", "infogan" or "vae-gan"; see `sparring.games`.
        rounds: Rounds to play; None takes as many as pass the rows 30 times, and at least 150.
        batch: Rows a batch, from 2 to the number of rows; None takes 64, or all rows where there are fewer.
        random_state: Makes weights, batches and noise; an int makes `fit` repeatable.
        precision: Of the forward passes, "fp32" or "bf16".
        options: Options of the system, as `sparring train SYSTEM --help` explains them, underscores for dashes.

    Attributes:
        game_: The game, as `sparring.train` would have made it.
        rounds_: How many rounds are played.
        n_features_in_: Columns of a table, or values of a picture.

    >>> from sklearn.datasets import load_iris
    >>> features = AdversarialFeatures(rounds=5, options={"z": 3, "width": 8}, random_state=0)
    >>> features.fit_transform(load_iris().data).shape
    (150, 3)
    """

    def __init__(
        self,
        system: str = "bigan",
        *,
        rounds: int | None = None,
        batch: int | None = None,
        random_state: Any = None,
        precision: str = "fp32",
        options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(rounds=rounds, batch=batch, random_state=random_state, precision=precision, options=options)
        self.system = system

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def fit(self, X: Any, y: Any = None) -> "AdversarialFeatures":
        """Play a new game on the rows of X; y is not looked at."""
        data = self._data(self._learn_rows(X))
        self._fit(self.system, data)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> "AdversarialFeatures":
        """Go on with the game for one pass over X: the next of `rounds` rounds in all, 5,000 if that is None.

        The first call also learns how tables are scaled; later ones keep to that.
        """
        first = not hasattr(self, "game_")
        data = self._data(self._learn_rows(X) if first else self._rows(X))
        rounds = -(-len(data) // self._size(len(data)))
        if first:
            self._begin(self.system, data)
        self._play(data, rounds, self.rounds or ROUNDS)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Codes, (n, codes) float32."""
        x = self._tensor(X)
        return self.game_.encode(x).numpy()

    @available_if(decodes)
    def inverse_transform(self, X: Any) -> np.ndarray:
        """Rows that codes (n, codes) decode to: tables as they came, pictures (n, h, w, c) uint8.

        Only of systems that decode what they encode: not of infogan, whose codes leave out its noise.
        """
        check_is_fitted(self)
        codes = check_array(X, dtype=np.float32, estimator=self)
        if codes.shape[1] != self._n_features_out:
            raise BadInput(f"X has {codes.shape[1]} columns, but codes have {self._n_features_out}.")
        rows = self.game_.decode(torch.from_numpy(np.array(codes)))
        return to_uint8(rows) if self.scaler_ is None else self.scaler_.inverse_transform(rows.numpy())

    @property
    def _n_features_out(self) -> int:
        """Columns of `transform`, by asking the game."""
        check_is_fitted(self)
        row = torch.zeros(1, *self.config_["data"][0]["shape"])
        return self.game_.encode(row).shape[1]

    def _data(self, rows: np.ndarray) -> Data:
        if self.system not in unsupervised():
            raise unknown("system of features learnt without labels", str(self.system), unsupervised())
        return Data("X", rows)
