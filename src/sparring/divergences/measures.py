"""f-divergences of what one has: masses, densities on the line, or a discriminator's outputs on samples."""

from math import inf
from typing import Any

import torch
from torch import Tensor

from sparring.divergences.table import Divergence, Function, named
from sparring.errors import BadInput


def divergence(p: Any, q: Any, f: str | Divergence) -> Tensor:
    """D_f(p || q) of two discrete distributions, a float64 scalar in nats, infinite where it is; differentiable in tensors p, q.

    p, q: probabilities of the same outcomes, any array of any shape, each >= 0 and summing to 1; else `BadInput`.

    >>> divergence([0.5, 0.5], [0.25, 0.75], "total-variation")
    tensor(0.2500, dtype=torch.float64)
    """
    f = named(f)
    p, q = _mass(p, "p"), _mass(q, "q")
    if p.shape != q.shape:
        raise BadInput(f"p and q must be over the same outcomes, but have shapes {tuple(p.shape)} and {tuple(q.shape)}.")
    for name, mass in (("p", p), ("q", q)):
        if abs(mass.sum().item() - 1) > 1e-5:
            raise BadInput(f"The masses of {name} sum to {mass.sum().item():.6g}, not to 1; divide them by their sum.")
    return _perspective(p, q, f).sum()


def divergence_by_quadrature(
    p: Function, q: Function, f: str | Divergence, low: float, high: float, points: int = 20_001
) -> Tensor:
    """D_f(p || q) of two known densities on the line, by the trapezoidal rule on [low, high]; a float64 scalar, differentiable.

    p, q: functions of a float64 tensor (points,). For smooth densities that vanish at both ends the rule converges faster than
    any power of the step; a kink (total variation) costs O(step^2), a jump O(step). Raises `BadInput` when a density is NaN or
    negative, or when [low, high] holds other than 1 +- .001 of its mass.

    >>> from torch.distributions import Normal
    >>> p, q = (lambda x, m=m: Normal(torch.tensor(m).double(), 1).log_prob(x).exp() for m in (0.0, 1.0))
    >>> round(divergence_by_quadrature(p, q, "kl", -12, 12).item(), 9)  # |0 - 1|^2 / 2
    0.5
    """
    f = named(f)
    x = torch.linspace(low, high, points, dtype=torch.float64)
    values = _mass(p(x), "p"), _mass(q(x), "q")
    for name, value in zip("pq", values, strict=True):
        total = torch.trapezoid(value, x).item()
        if abs(total - 1) > 1e-3:
            raise BadInput(
                f"The density {name} has mass {total:.6g} on [{low:g}, {high:g}], not 1; widen it, or take more points."
            )
    return torch.trapezoid(_perspective(*values, f), x)


def _mass(p: Any, name: str) -> Tensor:
    mass = torch.as_tensor(p, dtype=torch.float64)
    if mass.numel() == 0:
        raise BadInput(f"{name} is empty; give at least one mass.")
    if not mass.isfinite().all():
        raise BadInput(f"{name} holds NaN or an infinity; masses are finite numbers >= 0.")
    if (mass < 0).any():
        raise BadInput(f"{name} holds the negative mass {mass.min().item():.6g}; masses are numbers >= 0.")
    return mass


def _perspective(p: Tensor, q: Tensor, f: Divergence) -> Tensor:
    """q f(p/q), and its limits: p f'(infinity) where q = 0, and 0 where both are."""
    here = q > 0
    within = q * f.generator(p / torch.where(here, q, 1))
    beyond = p * f.high if f.high < inf else torch.where(p > 0, inf, 0.0).to(p)
    return torch.where(here, within, beyond)


def variational_bound(v_real: Tensor, v_fake: Tensor, f: str | Divergence) -> Tensor:
    """F = E_p g_f(V) - E_q f*(g_f(V)) from a network's free outputs on both samples: a lower bound of D_f up to sampling error.

    v_real: (n, ...), v_fake: (m, ...); a scalar that V ascends and the generator descends (Nowozin et al., 2016, eq. 6). Raises
    `BadInput` when either is empty.

    >>> variational_bound(torch.zeros(4), torch.zeros(3), "js").abs()
    tensor(0.)
    """
    f = named(f)
    if v_real.numel() == 0 or v_fake.numel() == 0:
        raise BadInput(
            "The variational bound needs at least one output on real and one on generated points, but one set is empty."
        )
    return f.activation(v_real).mean() - f.conjugate_of_activation(v_fake).mean()


def kl(p: Any, q: Any) -> Tensor:
    """KL(p || q) = sum p log(p/q) in nats."""
    return divergence(p, q, "kl")


def reverse_kl(p: Any, q: Any) -> Tensor:
    """KL(q || p) in nats."""
    return divergence(p, q, "reverse-kl")


def js(p: Any, q: Any) -> Tensor:
    """The Jensen-Shannon divergence in nats, 0 to log 2: half of the directory's "js", which is the paper's."""
    return divergence(p, q, "js") / 2


def total_variation(p: Any, q: Any) -> Tensor:
    """sup_A |p(A) - q(A)| = 1/2 sum |p - q|, 0 to 1."""
    return divergence(p, q, "total-variation")
