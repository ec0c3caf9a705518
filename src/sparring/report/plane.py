"""Where vectors of any width are drawn: a plane, laid through the data."""

import numpy as np
from torch import Tensor

from sparring.run import Run

from .charts import Points, scatter

CLOUD = 1500  # points of one kind


class Plane:
    """Where vectors of any width are drawn: themselves in two dimensions, their principal plane in more.

    Attributes:
        data: At most one array of the run's own rows; none where they are not at hand.
        says: How the picture was made.
    """

    def __init__(self, run: Run, x: Tensor) -> None:
        rng = np.random.default_rng(run.config["seed"])
        self.data: list[np.ndarray] = []
        self.says = ""
        try:
            data = run.data()[-1]
            self.data = [data.x(np.sort(rng.choice(len(data), min(len(data), CLOUD), replace=False))).numpy()]
        except Exception as error:  # the samples can be shown without the data
            self.says = f"The data are not at hand: {error}"
        like = self.data[0] if self.data else np.nan_to_num(x.numpy())
        self.width = like.shape[1]
        self.centre, self.directions = np.zeros(self.width), np.eye(self.width)[:2]
        if self.width > 2:
            self.centre, self.directions, share = principal(like)
            self.says += f" Drawn on the first two principal directions, which hold {share:.0%} of the variance."
        self.names = ("x₁", "x₂") if self.width == 2 else ("first direction", "second direction")
        self.like = self(like)

    def __call__(self, x: np.ndarray | Tensor) -> np.ndarray:
        """(n, d) -> (n, 2); a single dimension is spread out, in a fixed order, to be seen."""
        rows = np.asarray(x, float)
        if self.width == 1:
            return np.concatenate([rows, (np.arange(len(rows)) * 0.6180339887 % 1)[:, None]], 1)
        return (rows - self.centre) @ self.directions.T

    def scatter(self, layers: list[Points], alt: str) -> str:
        names = ("x", "") if self.width == 1 else self.names
        return scatter(layers, alt, names, self.like, equal=self.width > 1)


def principal(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """(n, d) -> mean, the first two principal directions (2, d), and their share of the variance."""
    centre = x.mean(0)
    _, sizes, directions = np.linalg.svd(x - centre, full_matrices=False)
    variance = sizes**2
    pad = np.zeros((max(0, 2 - len(directions)), x.shape[1]))  # a single row has one direction
    return centre, np.concatenate([directions, pad])[:2], float(variance[:2].sum() / max(variance.sum(), 1e-30))
