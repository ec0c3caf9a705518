"""Clipping bounds a critic's slope by pushing its weights to the bounds, which is crude; a penalty on the slope does not."""

import torch
from torch import nn

from sparring.claims import Claim, at_least, at_most, median
from sparring.claims.training import trained
from sparring.data import load
from sparring.games import WGAN, WGANGP

BATCH = 64


def share_at_bounds(D: nn.Module) -> float:
    """The share of weights, of all layers, within 1 % of the greatest magnitude in their layer."""
    weights = [p.detach().abs() for name, p in D.named_parameters() if name.endswith("weight")]
    return torch.cat([(w >= 0.99 * w.max()).flatten() for w in weights]).double().mean().item()


def measure(seed: int) -> dict[str, float]:
    """Shares of the critics' weights at their bounds after 3,375 moves of either critic on the ring, and before the first."""
    ring = load("ring")
    clipped = trained(WGAN, ring, rounds=200, batch=BATCH, seed=seed, precision="fp32")
    penalised = trained(WGANGP, ring, rounds=675, batch=BATCH, seed=seed, precision="fp32", weight=0.1)
    return {
        "clipped": share_at_bounds(clipped.D),
        "penalised": share_at_bounds(penalised.D),
        "before": share_at_bounds(trained(WGANGP, ring, rounds=0, batch=BATCH, seed=seed).D),
    }


CLAIMS = (
    Claim(
        "wgan",
        "share of the critic's weights pushed to +-c by clipping (baseline: a gradient penalty in place of clipping)",
        ">= 0.5",
        median("clipped"),
        at_least(0.5),
        median("penalised"),
    ),
    Claim(
        "wgan",
        "the same share with a gradient penalty: it pushes none there (baseline: before training)",
        "<= 0.05",
        median("penalised"),
        at_most(0.05),
        median("before"),
    ),
)
