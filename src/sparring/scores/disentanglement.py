"""Disentanglement: does each known factor of variation live in one code, and each code in one factor?

All take codes (n, d) and factors (n, k), row by row: what an encoder said of data whose factors are known. A factor with at
most `bins` distinct values is discrete; any other is continuous and is cut into `bins` equal-width bins where classes are needed.
A categorical code belongs in one column (its index), not in a one-hot block.

References:
    Isolating Sources of Disentanglement in Variational Autoencoders (Chen et al., 2018): MIG, equation 6.
    A Framework for the Quantitative Evaluation of Disentangled Representations (Eastwood & Williams, 2018): DCI.
    Variational Inference of Disentangled Latent Concepts from Unlabeled Observations (Kumar et al., 2018): SAP, section 3.
    Disentangling by Factorising (Kim & Mnih, 2018): the FactorVAE score, section 4.
    Challenging Common Assumptions in the Unsupervised Learning of Disentangled Representations (Locatello et al., 2019):
    estimators.
"""

from typing import Any

import numpy as np

from sparring.errors import BadInput
from sparring.scores import arrays
from sparring.scores.passport import Score, bootstrap, mean, passport, proportion


def mig(codes: Any, factors: Any, *, bins: int = 20, seed: int = 0) -> Score:
    """Mutual information gap: mean over factors of (largest - second largest I(code; factor)) / H(factor), in [0, 1].

    Information by the plug-in estimate on `bins` equal-width bins of each code, as in Locatello et al. (Chen et al. integrate
    over q(z|x) instead); its bias is about bins * values / (2 n) nats on each term, so give far more rows than cells.

    Raises:
        BadInput: NaN, fewer than 2 codes or 100 rows, a factor that never changes.
    """
    codes, factors, _ = _checked(codes, factors, bins)
    cells = np.stack([_cut(c, bins) for c in codes.T], axis=1)
    interval = bootstrap(_gap, cells, factors, seed=seed, n=100)
    facts = passport(sample=len(codes), seed=seed, bins=bins, estimator="plug-in, equal-width bins", interval_by="bootstrap")
    return Score("mig", _gap(cells, factors), interval, facts)


def sap(codes: Any, factors: Any, *, bins: int = 20, seed: int = 0) -> Score:
    """Separated attribute predictability: mean over factors of the gap between the two codes that predict it best alone.

    A continuous factor is predicted by a line (R^2), a discrete one by thresholds on the code (a tree with one leaf for each
    class, fitted on one half of the rows), scored by balanced accuracy on the other half. So K balanced classes can reach 1 -
    1/K at most. Locatello et al. use a linear support vector machine instead of the paper's thresholds.
    """
    from sklearn.tree import DecisionTreeClassifier

    raw = arrays.matrix(factors, "factors")
    codes, factors, discrete = _checked(codes, factors, bins)
    order = np.random.default_rng(seed).permutation(len(codes))
    fit, held = order[: len(order) // 2], order[len(order) // 2 :]
    columns: list[tuple[bool, np.ndarray, np.ndarray]] = []  # (discrete, target, hits or codes), all on held-out rows
    for j, is_discrete in enumerate(discrete):
        target = factors[:, j]
        if is_discrete:
            trees = (
                DecisionTreeClassifier(max_leaf_nodes=len(np.unique(target)), class_weight="balanced", random_state=seed)
                for _ in codes.T
            )
            told = [t.fit(c[fit, None], target[fit]).predict(c[held, None]) for t, c in zip(trees, codes.T, strict=True)]
            columns.append((True, target[held], np.stack(told, axis=1) == target[held, None]))
        else:
            columns.append((False, raw[held, j], codes[held]))

    def gap(rows: np.ndarray) -> float:
        """The score on some of the held-out rows."""
        tops = [
            np.sort(_balanced(what[rows], target[rows]) if is_discrete else _r2(what[rows], target[rows]))[-2:]
            for is_discrete, target, what in columns
        ]
        return float(np.mean([best - second for second, best in tops]))

    rows = np.arange(len(held))
    facts = passport(reference=len(fit), sample=len(held), seed=seed, bins=bins, estimator="thresholds or R^2")
    return Score("sap", gap(rows), bootstrap(gap, rows, seed=seed, n=100), {**facts, "interval_by": "bootstrap"})


def dci(codes: Any, factors: Any, *, bins: int = 20, trees: int = 50, seed: int = 0) -> list[Score]:
    """Disentanglement, completeness and informativeness, from how much a forest that predicts each factor uses each code.

    Disentanglement: 1 - entropy of a code's importances over factors (base k), weighted by the code's share of importance.
    Completeness: 1 - entropy of a factor's importances over codes (base d). Informativeness: held-out accuracy, mean over
    factors. Importances are Gini importances of a random forest (the paper's second choice beside the lasso) on half of the
    rows; every split sees all codes, because a split that must take an irrelevant code spreads importance where there is none.
    The first two have no interval: refitting forests for one costs minutes.
    """
    from sklearn.ensemble import RandomForestClassifier

    codes, factors, _ = _checked(codes, factors, bins)
    if factors.shape[1] < 2:
        raise BadInput("DCI needs at least 2 factors: with one, every code is disentangled.")
    order = np.random.default_rng(seed).permutation(len(codes))
    fit, held = order[: len(order) // 2], order[len(order) // 2 :]
    importance = np.zeros((codes.shape[1], factors.shape[1]))  # (d, k)
    hits = np.zeros((len(held), factors.shape[1]))
    for j in range(factors.shape[1]):
        forest = RandomForestClassifier(trees, max_features=None, min_samples_leaf=5, random_state=seed)
        forest.fit(codes[fit], factors[fit, j])
        importance[:, j] = forest.feature_importances_
        hits[:, j] = forest.predict(codes[held]) == factors[held, j]
    facts = passport(reference=len(fit), sample=len(held), seed=seed, bins=bins, estimator=f"random forest of {trees} trees")
    disentanglement, completeness = disentanglement_and_completeness(importance)
    return [
        Score("dci-disentanglement", disentanglement, None, facts),
        Score("dci-completeness", completeness, None, facts),
        mean("dci-informativeness", hits.mean(axis=1), facts),
    ]


def disentanglement_and_completeness(importance: np.ndarray) -> tuple[float, float]:
    """D and C of an importance matrix (d, k), non-negative (Eastwood & Williams, 2018, section 2).

    >>> [round(value, 6) for value in disentanglement_and_completeness(np.eye(3))]
    [1.0, 1.0]
    """
    total = importance.sum()
    if total <= 0:
        return 0.0, 0.0
    by_code, by_factor = importance.sum(axis=1), importance.sum(axis=0)
    return (
        float((by_code / total) @ (1 - _entropies(importance))),
        float((by_factor / total) @ (1 - _entropies(importance.T))),
    )


def factor_vae(codes: Any, factors: Any, *, bins: int = 20, rows: int = 64, votes: int = 800, seed: int = 0) -> Score:
    """The FactorVAE score: accuracy of a majority vote that tells which factor was held fixed from the code that varied least.

    Each vote fixes a random factor at a random row's value, takes up to `rows` rows that share it, and votes for the code of
    least variance relative to its variance over all rows; constant codes are left out. `votes` fit the map from codes to
    factors, as many score it. Chance is about 1 / k. The paper asks a simulator for new rows; here they are drawn from the
    given ones.
    """
    codes, factors, _ = _checked(codes, factors, bins)
    codes = codes[:, codes.std(axis=0) > 0]
    if codes.shape[1] < 1:
        raise BadInput("All codes are constant: nothing was encoded.")
    codes = codes / codes.std(axis=0)
    rng = np.random.default_rng(seed)
    groups = [[np.flatnonzero(f == value) for value in np.unique(f)] for f in factors.T]
    groups = [[shared for shared in group if len(shared) >= 10] for group in groups]
    if small := [j for j, group in enumerate(groups) if not group]:
        raise BadInput(f"No value of factor {small[0]} is shared by 10 rows: give more rows, or fewer bins.")
    sizes = [np.array([len(shared) for shared in group], float) for group in groups]
    table = np.zeros((2, codes.shape[1], len(groups)))  # [fit or score, code, factor]
    for i in range(2 * votes):
        j = rng.integers(len(groups))
        group = groups[j][rng.choice(len(groups[j]), p=sizes[j] / sizes[j].sum())]
        drawn = rng.choice(group, min(rows, len(group)), replace=False)
        table[i % 2, codes[drawn].var(axis=0).argmin(), j] += 1
    right = table[1][np.arange(codes.shape[1]), table[0].argmax(axis=1)].sum()
    hits = np.arange(votes) < right
    return proportion("factor-vae", hits, passport(sample=len(codes), seed=seed, rows=rows, bins=bins, votes=votes))


def _checked(codes: Any, factors: Any, bins: int) -> tuple[np.ndarray, np.ndarray, list[bool]]:
    """Codes (n, d) float64, factors as class numbers (n, k), and which factors were discrete."""
    codes = arrays.matrix(codes, "codes", least=100)
    raw = arrays.matrix(factors, "factors", least=100)
    if len(codes) != len(raw):
        raise BadInput(f"There are {len(codes)} rows of codes and {len(raw)} of factors: give one for each.")
    if codes.shape[1] < 2:
        raise BadInput("There is one code only: these scores compare codes, give at least 2 columns.")
    values = [len(np.unique(f)) for f in raw.T]
    if 1 in values:
        raise BadInput(f"Factor {values.index(1)} never changes: leave it out.")
    classes = [np.unique(f, return_inverse=True)[1] if v <= bins else _cut(f, bins) for f, v in zip(raw.T, values, strict=True)]
    return codes, np.stack(classes, axis=1), [v <= bins for v in values]


def _cut(x: np.ndarray, bins: int) -> np.ndarray:
    """Each value's equal-width bin, 0..bins-1."""
    low, high = x.min(), x.max()
    return np.minimum(((x - low) / (high - low or 1.0) * bins).astype(int), bins - 1)


def _gap(cells: np.ndarray, factors: np.ndarray) -> float:
    gaps = []
    for f in factors.T:
        top = np.sort([_information(c, f) for c in cells.T])[-2:]
        gaps.append((top[1] - top[0]) / max(_information(f, f), 1e-12))
    return float(np.mean(gaps))


def _information(a: np.ndarray, b: np.ndarray) -> float:
    """Plug-in mutual information of two columns of class numbers, in nats."""
    width = b.max() + 1
    joint = np.bincount(a * width + b, minlength=(a.max() + 1) * width).reshape(-1, width) / len(a)
    outer = joint.sum(1, keepdims=True) * joint.sum(0)
    seen = joint > 0
    return float((joint[seen] * np.log(joint[seen] / outer[seen])).sum())


def _entropies(importance: np.ndarray) -> np.ndarray:
    """Entropy of each row, normalised to sum 1, in base of its length; 1 (all spread out) for a row of zeros."""
    sums = importance.sum(axis=1, keepdims=True)
    p = np.divide(importance, sums, out=np.full_like(importance, 1 / importance.shape[1]), where=sums > 0)
    logs = np.log(p, out=np.zeros_like(p), where=p > 0)
    return -(p * logs).sum(axis=1) / np.log(importance.shape[1])


def _balanced(hits: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Balanced accuracy of each code (d,) from hits (n, d): the mean over classes of the share that was right."""
    return np.mean([hits[target == value].mean(axis=0) for value in np.unique(target)], axis=0)


def _r2(codes: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Squared correlation of each code (d,) with the target; 0 for a constant code."""
    codes, target = codes - codes.mean(axis=0), target - target.mean()
    variances = (codes**2).sum(axis=0) * (target**2).sum()
    return np.divide((codes * target[:, None]).sum(axis=0) ** 2, variances, out=np.zeros_like(variances), where=variances > 0)
