"""Probes: what a simple learner, fitted afresh, can read out of features; accuracy on held-out rows.

A feature that is there but tangled shows up in the gap between the linear probe and the others. Every probe here is new: an
adversary's own head says nothing about what is left in the features, only about that head.

References:
    Understanding intermediate layers using linear classifier probes (Alain & Bengio, 2016).
    Adversarial Feature Learning (Donahue et al., 2017), section 4.1 (nearest neighbours in feature space).
    A theory of learning from different domains (Ben-David et al., 2010): why a domain probe bounds the target error.
"""

import warnings
from typing import Any

import numpy as np

from sparring.errors import BadInput
from sparring.scores import arrays
from sparring.scores.passport import Score, passport, proportion


def knn(train: Any, train_labels: Any, test: Any, test_labels: Any, *, k: int = 1) -> Score:
    """Accuracy of the k nearest neighbours, Euclidean distance on the features as they are.

    Args:
        train, test: (n, d) and (m, d) features; labels (n,), (m,).

    Raises:
        BadInput: NaN, other widths, one class only, fewer than k training rows.
    """
    from sklearn.neighbors import KNeighborsClassifier

    return _probe(f"knn-{k}", KNeighborsClassifier(k, algorithm="brute"), train, train_labels, test, test_labels, least=k, k=k)


def linear(train: Any, train_labels: Any, test: Any, test_labels: Any, *, C: float = 1.0) -> Score:
    """Accuracy of a logistic regression on standardised features; `C` is the inverse of its L2 penalty. Arguments as in `knn`."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=300, tol=1e-3))
    return _probe("linear-probe", model, train, train_labels, test, test_labels, C=C)


def mlp(train: Any, train_labels: Any, test: Any, test_labels: Any, *, hidden: int = 128, seed: int = 0) -> Score:
    """Accuracy of one hidden layer of ReLUs, Adam, stopped early on a tenth of the training rows. Arguments as in `knn`."""
    return _probe(
        "mlp-probe", _mlp(hidden, seed, len(train)), train, train_labels, test, test_labels, least=20, seed=seed, hidden=hidden
    )


def domain(source: Any, target: Any, *, hidden: int = 128, seed: int = 0) -> Score:
    """How well a fresh nonlinear classifier tells two domains apart: accuracy on held-out halves; .5 is chance.

    Both sides are cut to the smaller count, so that chance is .5; one half of each trains, the other is scored.

    Args:
        source, target: (n, d) and (m, d) features, at least 40 rows each.
    """
    source = arrays.matrix(source, "source features", least=40)
    target = arrays.matrix(target, "target features", least=40, like=source)
    rng, n = np.random.default_rng(seed), min(len(source), len(target))
    source, target = (side[rng.permutation(len(side))[:n]] for side in (source, target))
    half = n // 2
    labels = np.repeat([0, 1], half)
    train = np.concatenate([source[:half], target[:half]])
    test = np.concatenate([source[half : 2 * half], target[half : 2 * half]])
    return _probe("domain-probe", _mlp(hidden, seed, len(train)), train, labels, test, labels, seed=seed, hidden=hidden)


def _mlp(hidden: int, seed: int, rows: int) -> Any:
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    batch = max(8, min(200, rows // 20))  # few rows still get enough steps an epoch for early stopping to see progress
    network = MLPClassifier((hidden,), early_stopping=True, max_iter=100, batch_size=batch, random_state=seed)
    return make_pipeline(StandardScaler(), network)


def _probe(
    name: str,
    model: Any,
    train: Any,
    train_labels: Any,
    test: Any,
    test_labels: Any,
    *,
    least: int = 2,
    seed: int | None = None,
    **settings: Any,
) -> Score:
    """Fit on train, score on test: the one protocol of every probe."""
    from sklearn.exceptions import ConvergenceWarning

    train = arrays.matrix(train, "training features", least=least)
    test = arrays.matrix(test, "held-out features", like=train, least=1)
    train_labels = arrays.classes(train_labels, len(train), "training labels")
    test_labels = arrays.classes(test_labels, len(test), "held-out labels", least=1)
    if missing := set(np.unique(test_labels)) - set(np.unique(train_labels)):
        raise BadInput(f"The held-out labels hold {sorted(missing)[0]}, which no training row has: split so that both have it.")
    # float32 halves the time of every probe and moves no answer: features come from float32 networks.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(train.astype(np.float32), train_labels)
    settings["converged"] = not any(issubclass(w.category, ConvergenceWarning) for w in caught)
    hits = model.predict(test.astype(np.float32)) == test_labels
    return proportion(name, hits, passport(reference=len(train), sample=len(test), seed=seed, **settings))
