"""Rank, world size, seeds, and the one thing ranks exchange: a player's gradients."""

import hashlib
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import nn


def rank() -> int:
    """This process's number, 0 when it plays alone."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def world() -> int:
    """How many processes play."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def seed_of(*counters: int | str) -> int:
    """A 63-bit seed from counters such as (seed, rank, round); the same on every machine.

    >>> seed_of(0, 0, 1) != seed_of(0, 1, 0)
    True
    """
    return int.from_bytes(hashlib.blake2b(repr(counters).encode(), digest_size=8).digest()) >> 1


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Average the gradients over all ranks by one flat all-reduce; nothing to do when one process plays alone.

    A parameter that got no gradient on this rank takes part with zeros, because every rank must send the same vector.
    """
    if world() == 1:
        return
    parameters = list(parameters)
    flat = torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).reshape(-1) for p in parameters])
    dist.all_reduce(flat)
    flat /= world()
    for p, part in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
        p.grad = part.view_as(p).clone(memory_format=torch.preserve_format)
