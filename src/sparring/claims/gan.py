"""Claim 1: what the best discriminator is, and what it tells a generator under either loss.

The baseline of the trained discriminator is one that shares its data, loss and optimiser but has no hidden layer.
"""

from sparring.claims import Claim, at_most, median
from sparring.lab.optimal_discriminator import compare, gradients, train

THEOREM = 0.850990  # at q = N(1.3, 1), p = N(0, 1)


def measure(seed: int) -> dict[str, float]:
    at = gradients(1.3)
    curve = [gradients(theta) for theta in (0.2, 0.7, 1.3, 2.0, 3.0, 4.5)]
    return {
        "value": at.non_saturating,
        "value of KL - 2 JSD": at.kl_minus_twice_jsd,
        "identity": max(abs(g.non_saturating - g.kl_minus_twice_jsd) for g in curve),
        "identity, minimax loss": max(abs(g.minimax - g.kl_minus_twice_jsd) for g in curve),
        "minimax": max(abs(g.minimax - g.twice_jsd) for g in curve),
        "minimax, -log D": max(abs(g.non_saturating - g.twice_jsd) for g in curve),
        "discriminator": compare(train(seed=seed))[-1].max().item(),
        "linear discriminator": compare(train(hidden=(), seed=seed))[-1].max().item(),
    }


CLAIMS = (
    Claim(
        "gan",
        "Theorem 2.5: |E grad -log D* - grad (KL - 2 JSD)|, N(theta, 1) against N(0, 1), worst of six theta (baseline: log(1 - D*))",
        "<= 1e-4",
        median("identity"),
        at_most(1e-4),
        median("identity, minimax loss"),
    ),
    Claim(
        "gan",
        "its value at theta = 1.3 (baseline: the right-hand side)",
        "0.850990 +- 1e-4",
        median("value"),
        lambda value: abs(value - THEOREM) <= 1e-4,
        median("value of KL - 2 JSD"),
    ),
    Claim(
        "gan",
        "minimax at D*: |E grad log(1 - D*) - grad 2 JSD|, worst of six theta (baseline: -log D*)",
        "<= 1e-4",
        median("minimax"),
        at_most(1e-4),
        median("minimax, -log D"),
    ),
    Claim(
        "gan",
        "a trained D: mean |D - p/(p+q)|, worst of three pairs of Gaussians (baseline: no hidden layer)",
        "<= 0.03",
        median("discriminator"),
        at_most(0.03),
        median("linear discriminator"),
    ),
)
