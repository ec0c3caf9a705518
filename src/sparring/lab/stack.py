"""Many small networks side by side in one batched matrix product: seeds and variants at a fraction of a loop's time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import torch
from torch import Tensor, nn


class StackedMLP(nn.Module):
    """`copies` independent perceptrons of the same `sizes` with tanh between: (copies, n, sizes[0]) -> (copies, n, sizes[-1]).

    No copy sees another's parameters, and Adam moves each number by itself, so training the stack is training each alone.

    >>> StackedMLP(3, (1, 8, 1))(torch.zeros(3, 5, 1)).shape
    torch.Size([3, 5, 1])
    """

    def __init__(self, copies: int, sizes: Sequence[int]) -> None:
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for a, b in pairwise(sizes):
            bound = a**-0.5  # as nn.Linear does
            self.weights.append(nn.Parameter(torch.empty(copies, a, b).uniform_(-bound, bound)))
            self.biases.append(nn.Parameter(torch.empty(copies, 1, b).uniform_(-bound, bound)))

    def forward(self, x: Tensor) -> Tensor:
        last = len(self.weights) - 1
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            x = x.tanh() if i < last else x
        return x


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Everything drawn within comes from `seed`, and the caller's random state is untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
