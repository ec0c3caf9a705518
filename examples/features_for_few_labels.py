"""Features learnt from all pictures, for a classifier that is told 20 labels; against the same classifier on pixels and on PCA."""

import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sparring.estimators import AdversarialFeatures

quick = "--quick" in sys.argv  # to see that it runs
DRAWS = 3 if quick else 50  # of the labelled rows

digits = load_digits()
X, X_test, y, y_test = train_test_split(digits.images / 16, digits.target, test_size=500, stratify=digits.target, random_state=0)


def accuracy(codes: np.ndarray, codes_test: np.ndarray) -> str:
    """Mean and standard deviation over the choice of 20 labelled rows, two of each class."""
    scores = []
    for seed in range(DRAWS):
        few, _ = train_test_split(np.arange(len(y)), train_size=20, stratify=y, random_state=seed)
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(codes[few], y[few])
        scores.append(100 * classifier.score(codes_test, y_test))
    return f"{np.mean(scores):.1f} % +- {np.std(scores):.1f}"


features = AdversarialFeatures("infogan", rounds=5 if quick else 1500, options={"width": 8 if quick else 32}, random_state=0).fit(
    X
)
flat, flat_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
pca = PCA(12).fit(flat)
print(f"InfoGAN's 12 codes:   {accuracy(features.transform(X), features.transform(X_test))}")
print(f"12 components of PCA: {accuracy(pca.transform(flat), pca.transform(flat_test))}")
print(f"64 pixels:            {accuracy(flat, flat_test)}")
