"""Clusters against labels: how well a partition nobody labelled agrees with one somebody did.

The map from clusters to labels is itself fitted, so it is fitted on training rows and scored on held-out ones: fitted on
the rows it is scored on, it flatters small samples and many clusters.

References:
    InfoGAN (Chen et al., 2016), section 7.2 (each category of c1 matched to a digit).
    The Hungarian method for the assignment problem (Kuhn, 1955).
"""

from typing import Any

import numpy as np

from sparring.errors import BadInput
from sparring.scores import arrays
from sparring.scores.passport import Score, bootstrap, passport, proportion


def one_to_one(train_clusters: Any, train_labels: Any, test_clusters: Any, test_labels: Any) -> Score:
    """Accuracy under the best one-to-one map of clusters to labels (Hungarian method on train).

    A cluster that gets no label, or appears on test only, is always wrong.

    Args:
        train_clusters, test_clusters: (n,), (m,) cluster of each row, integers or names; labels likewise.
    """
    from scipy.optimize import linear_sum_assignment

    table, clusters, labels = _table(train_clusters, train_labels)
    rows, columns = linear_sum_assignment(table, maximize=True)
    matched = {clusters[i]: labels[j] for i, j in zip(rows, columns, strict=True)}
    return _mapped("one-to-one-accuracy", matched, table, test_clusters, test_labels)


def majority(train_clusters: Any, train_labels: Any, test_clusters: Any, test_labels: Any) -> Score:
    """Accuracy when each cluster stands for the label most of its training rows have; clusters may share one.

    See `one_to_one`.
    """
    table, clusters, labels = _table(train_clusters, train_labels)
    matched = {cluster: labels[row.argmax()] for cluster, row in zip(clusters, table, strict=True)}
    return _mapped("majority-accuracy", matched, table, test_clusters, test_labels)


def nmi(clusters: Any, labels: Any) -> Score:
    """Normalised mutual information of clusters and labels, I / mean of both entropies: 0 independent, 1 the same partition.

    No map is fitted. The interval is a bootstrap over rows.

    References:
        Cluster Ensembles (Strehl & Ghosh, 2002), with the arithmetic mean.
    """
    table, *_, rows = _table(clusters, labels, inverse=True)
    value = _nmi(table)
    # Resampled rows of a table are a multinomial draw of its cells.
    interval = bootstrap(lambda cells: _nmi(np.bincount(cells, minlength=table.size).reshape(table.shape)), rows, n=200)
    return Score(
        "nmi", value, interval, passport(sample=int(table.sum()), seed=0, normaliser="arithmetic", interval_by="bootstrap")
    )


def kmeans(train: Any, train_labels: Any, test: Any, test_labels: Any, *, clusters: int = 10, seed: int = 0) -> list[Score]:
    """The baseline: k-means on the rows as they are (raw pixels, say), by the same protocol: one-to-one, majority, NMI.

    Args:
        train, test: (n, d), (m, d) rows; clusters are found on train (best of 3 k-means++ starts), test rows go to the nearest.
    """
    from sklearn.cluster import KMeans

    train = arrays.matrix(train, "training rows", least=clusters).astype(np.float32)
    test = arrays.matrix(test, "held-out rows", like=train).astype(np.float32)
    model = KMeans(clusters, n_init=3, random_state=seed).fit(train)
    found = model.labels_, model.predict(test)
    scores = [
        one_to_one(found[0], train_labels, found[1], test_labels),
        majority(found[0], train_labels, found[1], test_labels),
        nmi(found[1], test_labels),
    ]
    return [s.signed(name=f"{s.name}[k-means]", seed=seed, clusters=clusters) for s in scores]


def _table(clusters: Any, labels: Any, inverse: bool = False) -> tuple[Any, ...]:
    """Contingency table (clusters, labels), the names of its rows and columns, and the cell of each row if asked."""
    clusters = np.asarray(clusters)
    clusters = arrays.classes(clusters, len(clusters) if clusters.ndim else 0, "clusters", least=1)
    labels = arrays.classes(labels, len(clusters), "labels")
    rows, i = np.unique(clusters, return_inverse=True)
    columns, j = np.unique(labels, return_inverse=True)
    cells = i * len(columns) + j
    table = np.bincount(cells, minlength=len(rows) * len(columns)).reshape(len(rows), len(columns))
    return (table, rows, columns, cells) if inverse else (table, rows, columns)


def _mapped(name: str, matched: dict[Any, Any], table: np.ndarray, clusters: Any, labels: Any) -> Score:
    clusters, labels = np.asarray(clusters), np.asarray(labels)
    if clusters.shape != labels.shape or clusters.ndim != 1 or len(clusters) == 0:
        raise BadInput(f"Held-out clusters {clusters.shape} and labels {labels.shape} must be one each a row, and not empty.")
    hits = np.array([cluster in matched and matched[cluster] == label for cluster, label in zip(clusters, labels, strict=True)])
    return proportion(name, hits, passport(reference=int(table.sum()), sample=len(hits), clusters=len(table)))


def _nmi(table: np.ndarray) -> float:
    joint = table / table.sum()
    information = _entropy(joint.sum(0)) + _entropy(joint.sum(1)) - _entropy(joint.ravel())
    ceiling = (_entropy(joint.sum(0)) + _entropy(joint.sum(1))) / 2
    return float(max(0.0, information) / ceiling) if ceiling > 0 else 1.0


def _entropy(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())
