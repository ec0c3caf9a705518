"""What a batch is to a game: functions (data, rng, batch) -> what `next(data)` gives. All randomness comes from `rng`."""

import numpy as np
from torch import Tensor

from ..errors import BadInput
from .dataset import Data

Labelled = tuple[Tensor, Tensor]


def pictures(data: Data, rng: np.random.Generator, batch: int) -> Tensor:
    """x: rows without their labels, pictures or vectors."""
    return data.pick(rng, batch)[0]


def labelled(data: Data, rng: np.random.Generator, batch: int) -> Labelled:
    """(x, y): rows that have a label.

    Raises:
        BadInput: no row has one.
    """
    if not len(data.labelled):
        raise BadInput(f"'{data.name}' has no labelled row; every label is -1.")
    x, index = data.pick(rng, batch, among=data.labelled)
    return x, data.y(index)


def semi(data: Data, rng: np.random.Generator, batch: int) -> tuple[Labelled, Tensor]:
    """((x_l, y_l), x_u): labelled rows, and as many of all rows, whose labels are not told."""
    return labelled(data, rng, batch), pictures(data, rng, batch)


def domains(data: tuple[Data, Data], rng: np.random.Generator, batch: int) -> tuple[Labelled, Tensor]:
    """((x_s, y_s), x_t): labelled rows of the source domain, rows of the target domain without labels."""
    source, target = data
    return labelled(source, rng, batch), pictures(target, rng, batch)
