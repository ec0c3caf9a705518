"""What an independent classifier says of generated pictures: the class asked for, variety within it, confident and varied labels.

References:
    Conditional Image Synthesis with Auxiliary Classifier GANs (Odena et al., 2017), section 4: agreement and diversity.
    Improved Techniques for Training GANs (Salimans et al., 2016), section 4: exp E KL(p(y|x) || p(y)).
    A Note on the Inception Score (Barratt & Sharma, 2018): what it does not see.
"""

from typing import Any

import numpy as np

from sparring.errors import BadInput
from sparring.scores import arrays
from sparring.scores.passport import Score, bootstrap, passport, proportion


def class_agreement(asked: Any, told: Any) -> Score:
    """Share of generated pictures whose class, as told by a classifier, is the one asked for; per class in `details`.

    Args:
        asked, told: (n,) labels; at least 2 classes asked for.
    """
    asked = np.asarray(asked)
    asked = arrays.classes(asked, len(asked) if asked.ndim else 0, "classes asked for")
    told = arrays.classes(told, len(asked), "classes told", least=1)
    details = {"classes": {str(c): float((told[asked == c] == c).mean()) for c in np.unique(asked)}}
    return proportion("class-agreement", told == asked, passport(sample=len(asked), details=details))


def within_class_diversity(real: Any, real_labels: Any, fake: Any, fake_labels: Any, *, seed: int = 0) -> Score:
    """Total variance within a class, generated over real, mean over classes: 1 varies as real data, 0 is one picture a class.

    Per class in `details`. Noise within a class raises it, so read it with `class_agreement`.

    Args:
        real, fake: (n, d), (m, d) features or flattened pictures; labels (n,), (m,); at least 2 rows of each class on both sides.
    """
    real = arrays.matrix(real, "real rows")
    fake = arrays.matrix(fake, "generated rows", like=real)
    real_labels = arrays.classes(real_labels, len(real), "real labels", least=1)
    fake_labels = arrays.classes(fake_labels, len(fake), "generated labels", least=1)
    pairs, ratios = [], {}
    for c in np.unique(real_labels):
        pair = real[real_labels == c], fake[fake_labels == c]
        if min(map(len, pair)) < 2:
            raise BadInput(f"Class {c} has {len(pair[0])} real and {len(pair[1])} generated rows: its variance needs 2 of each.")
        # Squared distances of each row to its class mean: what the bootstrap resamples, without touching the features again.
        spreads = tuple(((rows - rows.mean(axis=0)) ** 2).sum(axis=1) * len(rows) / (len(rows) - 1) for rows in pair)
        if spreads[0].mean() == 0:
            raise BadInput(f"The real rows of class {c} are all the same: there is no diversity to compare with.")
        pairs.append(spreads)
        ratios[str(c)] = float(spreads[1].mean() / spreads[0].mean())
    rng = np.random.default_rng(seed)
    draws = [np.mean([_drawn(f, rng) / _drawn(r, rng) for r, f in pairs]) for _ in range(500)]
    low, high = np.nanquantile(draws, [0.025, 0.975])
    facts = passport(reference=len(real), sample=len(fake), seed=seed, interval_by="bootstrap", details={"classes": ratios})
    return Score("within-class-diversity", float(np.mean(list(ratios.values()))), (float(low), float(high)), facts)


def classifier_score(probabilities: Any, *, seed: int = 0) -> Score:
    """exp E KL(p(y|x) || p(y)): 1 to the number of classes; called Inception score only with Inception's probabilities.

    Blind to copies and to variety within a class; biased upwards by about (classes - 1) / (2 n), relatively.

    Args:
        probabilities: (n, classes), non-negative, rows that sum to 1; of one classifier on generated pictures.
    """
    p = arrays.matrix(probabilities, "probabilities", least=10)
    if p.shape[1] < 2 or (p < 0).any() or np.abs(p.sum(axis=1) - 1).max() > 1e-3:
        raise BadInput("The probabilities must be (n, classes), non-negative, and sum to 1 in each row: apply a softmax first.")
    # E KL = H(mean p) - mean H(p): the rows' entropies once, so that a resample costs one mean.
    entropies = _entropy(p)
    interval = bootstrap(_exp_information, p, entropies, seed=seed, n=200)
    facts = passport(sample=len(p), seed=seed, classes=p.shape[1], interval_by="bootstrap")
    return Score("classifier-score", _exp_information(p, entropies), interval, facts)


def _drawn(values: np.ndarray, rng: np.random.Generator) -> float:
    return float(values[rng.integers(len(values), size=len(values))].mean())


def _entropy(p: np.ndarray) -> np.ndarray:
    """Entropy along the last axis, in nats."""
    return -(p * np.log(p, out=np.zeros_like(p), where=p > 0)).sum(axis=-1)


def _exp_information(p: np.ndarray, entropies: np.ndarray) -> float:
    return float(np.exp(_entropy(p.mean(axis=0)) - entropies.mean()))
