"""Classifiers that learn from more rows than have labels."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_consistent_length, column_or_1d

from ..data import Data
from ..errors import BadInput
from .base import Player, checked_labels


class Classifier(ClassifierMixin, Player):
    """A game that gives probabilities of labels. Labels are integers, -1 for unlabelled rows, or strings, "" for them."""

    classes_: np.ndarray

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the labels, (n, classes) float32, in the order of `classes_`."""
        x = self._tensor(X)
        return self.game_.classify(x).numpy()

    def predict(self, X: Any) -> np.ndarray:
        """The most probable label of each row, (n,)."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(1)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy on the rows that have a label; rows marked as unlabelled are left out."""
        truth = column_or_1d(y)
        known = labelled(truth)
        if not known.any():
            raise BadInput("No row of y has a label, so there is nothing to score.")
        weight = None if sample_weight is None else np.asarray(sample_weight)[known]
        return float(accuracy_score(truth[known], self.predict(X)[known], sample_weight=weight))

    def _encode(self, y: np.ndarray, taught: np.ndarray) -> np.ndarray:
        """Labels as positions in `classes_`, which the rows `taught` decide; -1 for all other rows.

        Raises:
            BadInput: No row is taught a label, or all the same.
        """
        if not taught.any():
            raise BadInput("No row of y has a label; at least two classes are needed, a row each, and -1 only for the others.")
        self.classes_ = np.unique(y[taught])
        if len(self.classes_) < 2:
            raise BadInput(f"The labels of y are all of one class, {self.classes_[0]!r}; at least two classes are needed.")
        column = np.full(len(y), -1)
        column[taught] = np.searchsorted(self.classes_, y[taught])
        return column

    def _named(self, rows: np.ndarray, labels: np.ndarray) -> Data:
        return Data("X", rows, labels=labels, label_names=tuple(map(str, self.classes_)))


def labelled(y: np.ndarray) -> np.ndarray:
    """(n,) whether a row has a label.

    >>> labelled(np.array([2, -1, 0])), labelled(np.array(["cat", ""]))
    (array([ True, False,  True]), array([ True, False]))
    """
    return np.array([value not in ("", -1) for value in y.tolist()], bool)


class TripleGANClassifier(Classifier):
    """A classifier from a few labelled rows and many unlabelled ones, marked by y = -1; see `sparring.games.TripleGAN`.

    Args:
        rounds: Rounds to play; None takes as many as pass the rows 30 times, and at least 150.
        batch: Rows a batch, from 2 to the number of rows; None takes 64, or all rows where there are fewer.
        random_state: Makes weights, batches and noise; an int makes `fit` repeatable.
        precision: Of the forward passes, "fp32" or "bf16".
        options: Options of the system, as `sparring train triple-gan --help` explains them, underscores for dashes.

    Attributes:
        classes_: The labels, ascending.
        game_: The game, as `sparring.train` would have made it.
    """

    def fit(self, X: Any, y: Any) -> "TripleGANClassifier":
        """Play a new game on all rows of X, with the labels of those that have one."""
        y = checked_labels(self, X, y)
        rows = self._learn_rows(X)
        self._fit("triple-gan", self._named(rows, self._encode(y, labelled(y))))
        return self


class DANNClassifier(Classifier):
    """A classifier that moves from a labelled source to an unlabelled target; see `sparring.games.DANN`.

    Args:
        rounds: Rounds to play; None takes as many as pass the rows 30 times, and at least 500.
        batch: Rows a batch from each domain, from 2 to the rows of the smaller one; None takes 64, or as many as there are.
        random_state: Makes weights, batches and noise; an int makes `fit` repeatable.
        precision: Of the forward passes, "fp32" or "bf16".
        options: Options of the system, as `sparring train dann --help` explains them, underscores for dashes.

    Attributes:
        classes_: The source's labels, ascending.
        game_: The game, as `sparring.train` would have made it.
    """

    least = 500  # of the paper's small steps

    def fit(self, X: Any, y: Any, sample_domain: Any = None) -> "DANNClassifier":
        """Play a new game on source and target.

        Args:
            X: Rows of both domains.
            y: (n,) labels; those of the target are never looked at.
            sample_domain: (n,) integers, above 0 for source and below 0 for target. Without it, rows marked as unlabelled are
                the target; where there are none, nothing is to be adapted to, and both domains are the same rows.
        """
        y = checked_labels(self, X, y)
        rows = self._learn_rows(X)
        known = labelled(y)
        source, target = (known, ~known if not known.all() else known) if sample_domain is None else domains(X, sample_domain)
        data = self._named(rows, self._encode(y, source & known))
        self._fit("dann", (data.subset(source), data.subset(target)))
        return self


def domains(X: Any, sample_domain: Any) -> tuple[np.ndarray, np.ndarray]:
    """(n,) whether a row is of the source, and of the target.

    Raises:
        BadInput: No row is of the source, or of the target, or one is of neither.
    """
    domain = column_or_1d(sample_domain)
    check_consistent_length(X, domain)
    source, target = domain > 0, domain < 0
    if not (source | target).all():
        row = int(np.flatnonzero(~(source | target))[0])
        raise BadInput(f"sample_domain of row {row} is {domain[row]}; source is above 0, target below 0.")
    for name, found, sign in (("source", source, "above"), ("target", target, "below")):
        if not found.any():
            raise BadInput(f"No row is of the {name}: no value of sample_domain is {sign} 0; rows of both domains are needed.")
    return source, target
