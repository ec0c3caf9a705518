"""A classifier taught on digits, for digits in another light of which no label is known; against the same network without the game.

With 360 rows to test on, differences of a few points are noise.
"""

import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sparring.estimators import DANNClassifier

quick = "--quick" in sys.argv  # to see that it runs
rounds, width = (5, 4) if quick else (1000, 16)


def elsewhere(pictures: np.ndarray) -> np.ndarray:
    """The same digits at dusk: half as bright, before a noisy background."""
    return 0.5 * pictures + 0.5 * np.random.default_rng(0).random(pictures.shape)


digits = load_digits()
source, target, y, y_target = train_test_split(digits.images / 16, digits.target, test_size=0.5, random_state=0)
target, target_test, _, y_test = train_test_split(elsewhere(target), y_target, test_size=0.4, random_state=0)

X = np.concatenate([source, target])
labels = np.concatenate([y, np.full(len(target), -1)])  # no label of the target is told
domain = np.concatenate([np.ones(len(source)), -np.ones(len(target))])

for name, weight in (("source only", 0.0), ("adapted", 1.0)):
    options = {"width": width, "weight": weight, "lr": 0.03}
    classifier = DANNClassifier(rounds=rounds, options=options, random_state=0).fit(X, labels, sample_domain=domain)
    print(f"{name + ':':<13} {100 * classifier.score(target_test, y_test):.1f} % of the target")
