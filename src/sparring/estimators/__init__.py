"""Games as scikit-learn estimators: they clone, pickle, and work in Pipeline and GridSearchCV.

Rows are tables (n, d), which are standardised inside, or pictures (n, h, w) or (n, h, w, c), as uint8 or floats in [0, 1] or [-1, 1].
Nothing is printed and nothing is written; a run directory is what `sparring.train` is for.

>>> from sklearn.datasets import make_blobs
>>> X, y = make_blobs(200, random_state=0)
>>> few = y.copy()
>>> few[10:] = -1  # only ten labels are told
>>> TripleGANClassifier(options={"width": 16}, random_state=0).fit(X, few).score(X, y) > 0.8
True
"""

from .classifiers import DANNClassifier, TripleGANClassifier
from .features import AdversarialFeatures

__all__ = ["AdversarialFeatures", "DANNClassifier", "TripleGANClassifier"]
