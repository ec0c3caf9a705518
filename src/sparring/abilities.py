"""What a game may offer outside play, each as a protocol: whoever has the method has the ability.

>>> from sparring.games import SYSTEMS
>>> abilities(SYSTEMS["gan"])
['sample', 'decode']
"""

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class Sample(Protocol):
    """Make rows from nothing: (n, *shape) float32, pictures in [-1, 1]."""

    def sample(self, n: int, generator: torch.Generator | None = None, **condition: Any) -> Tensor: ...


@runtime_checkable
class Decode(Protocol):
    """Make rows from codes: (n, d) -> (n, *shape)."""

    def decode(self, z: Tensor) -> Tensor: ...


@runtime_checkable
class Encode(Protocol):
    """Read codes off rows: (n, *shape) -> (n, d) float32."""

    def encode(self, x: Tensor) -> Tensor: ...


@runtime_checkable
class Reconstruct(Protocol):
    """Encode and decode: (n, *shape) -> (n, *shape)."""

    def reconstruct(self, x: Tensor) -> Tensor: ...


@runtime_checkable
class Classify(Protocol):
    """Probabilities of the labels the game was trained with: (n, *shape) -> (n, classes)."""

    def classify(self, x: Tensor) -> Tensor: ...


@runtime_checkable
class Cluster(Protocol):
    """An unsupervised class for each row: (n, *shape) -> (n,) int64."""

    def cluster(self, x: Tensor) -> Tensor: ...


@runtime_checkable
class Traverse(Protocol):
    """Every code varied alone: name -> (rows, columns, *shape)."""

    def traverse(self, columns: int = 10, rows: int = 5, generator: torch.Generator | None = None) -> dict[str, Tensor]: ...


ABILITIES = {kind.__name__.lower(): kind for kind in (Sample, Decode, Encode, Reconstruct, Classify, Cluster, Traverse)}


def abilities(system: type) -> list[str]:
    """The names of what a system can do."""
    return [name for name in ABILITIES if hasattr(system, name)]
