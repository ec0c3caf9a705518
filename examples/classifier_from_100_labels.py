"""A classifier from 100 labelled digits and 1,197 unlabelled ones; against others from the same labels."""

import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC

from sparring.estimators import TripleGANClassifier

quick = "--quick" in sys.argv  # to see that it runs
rounds, width = (5, 8) if quick else (1200, 32)

digits = load_digits()
X, X_test, y, y_test = train_test_split(digits.images / 16, digits.target, test_size=500, stratify=digits.target, random_state=0)
told, _ = train_test_split(np.arange(len(y)), train_size=100, stratify=y, random_state=0)
few = np.full(len(y), -1)  # -1: unlabelled
few[told] = y[told]

game = TripleGANClassifier(rounds=rounds, options={"width": width}, random_state=0).fit(X, few)
# The same network, rounds and labels, but the game never begins, and unlabelled rows teach nothing.
alone = {"width": width, "pretrain": 1.0, "entropy": 0.0, "balance_alone": 0.0}
lonely = TripleGANClassifier(rounds=rounds, options=alone, random_state=0).fit(X, few)

flat, flat_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
svc = SVC().fit(flat[told], y[told])
spreading = LabelSpreading(kernel="knn").fit(flat, few)
print(f"Triple-GAN, 100 labels and the rest without: {100 * game.score(X_test, y_test):.1f} %")
print(f"Its classifier alone, 100 labels:            {100 * lonely.score(X_test, y_test):.1f} %")
print(f"Support vector machine, 100 labels:          {100 * svc.score(flat_test, y_test):.1f} %")
print(f"Label spreading, 100 labels and the rest:    {100 * spreading.score(flat_test, y_test):.1f} %")
