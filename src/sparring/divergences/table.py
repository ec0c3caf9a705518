"""The directory of f-divergences: one row a divergence, each with its generator, activation, conjugate and threshold."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sparring.errors import BadInput, unknown

Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Divergence:
    """One row: functions of tensors of any shape and floating type, differentiable, elementwise.

    >>> kl = DIVERGENCES["kl"]
    >>> kl.f(torch.tensor([0.0, 1.0])), kl.conjugate(torch.tensor(1.0))
    (tensor([0., 0.]), tensor(1.))
    """

    name: str
    generator: Function  # f, unchecked
    activation: Function  # g_f: R -> dom f*
    star: Function  # f*, unchecked
    conjugate_of_activation: Function  # v -> f*(g_f(v)), in the form that neither overflows early nor cancels: for training
    threshold: float  # f'(1); for total variation the middle of its subgradient
    low: float = -inf  # dom f* lies between low and high, and high = lim f(u) / u as u -> infinity
    high: float = inf

    def f(self, u: Tensor) -> Tensor:
        """The generator at density ratios u >= 0; raises `BadInput` at a negative one or NaN."""
        if not (u >= 0).all():
            raise BadInput(f"The generator of '{self.name}' takes density ratios u >= 0, but was given {_worst(u, 0, inf)}.")
        return self.generator(u)

    def conjugate(self, t: Tensor) -> Tensor:
        """f*(t); raises `BadInput` outside its domain, where f* is infinite."""
        if not ((t >= self.low) & (t <= self.high)).all():
            raise BadInput(
                f"The conjugate of '{self.name}' is finite for t from {self.low:.6g} to {self.high:.6g} only, but was given "
                f"{_worst(t, self.low, self.high)}; pass the network's output through `activation` first."
            )
        return self.star(t)

    def derivative(self, u: Tensor) -> Tensor:
        """f'(u), the value of g_f(V) that attains the bound where p/q = u."""
        with torch.enable_grad():
            u = u.detach().requires_grad_()
            return torch.autograd.grad(self.f(u).sum(), u)[0]


def _worst(x: Tensor, low: float, high: float) -> float:
    return x.detach()[~((x >= low) & (x <= high))].reshape(-1)[0].item()


def _softplus(x: Tensor) -> Tensor:
    # The usual threshold of 20 would cost float64 half its digits.
    return F.softplus(x, threshold=40)


def _log_softplus(x: Tensor) -> Tensor:
    """log log(1 + e^x), also where softplus itself rounds to 0."""
    far = x < -30
    return torch.where(far, x, _softplus(torch.where(far, 0, x)).log())


class _LogLambert(torch.autograd.Function):
    @staticmethod
    def forward(y: Tensor) -> Tensor:
        # e^l + l = y by Newton's method: convex and increasing, so from the right of the root the steps never overshoot.
        root = torch.where(y > 1, y.clamp(min=1).log(), y.clamp(max=0))
        for _ in range(8):
            root = root - (root.exp() + root - y) / (1 + root.exp())
        return root

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (root,) = ctx.saved_tensors
        return gradients[0] * torch.sigmoid(-root)  # dl/dy = 1 / (1 + e^l), itself differentiable in l


def log_lambert_w(y: Tensor) -> Tensor:
    """log W(e^y) for any real y, where W(x) e^W(x) = x > 0; in logs because e^y overflows and W does not. Differentiable twice.

    >>> log_lambert_w(torch.tensor(1.0)).exp()  # W(e) = 1
    tensor(1.)
    """
    return _LogLambert.apply(y)


def _jeffrey_star(t: Tensor) -> Tensor:
    # W + 1/W + t - 2 at W = W(e^(1-t)); W + log W = 1 - t takes the two large terms out.
    root = log_lambert_w(1 - t)
    return torch.expm1(-root) - root


def alpha(a: float = 1.5) -> Divergence:
    """The alpha-divergence, f(u) = (u^a - 1 - a (u - 1)) / (a (a - 1)), a not 0 or 1.

    a -> 1 is KL, a -> 0 reverse KL; a = 2 half of Pearson, 1/2 twice squared Hellinger, -1 half of Neyman. From f' = (u^(a-1) -
    1) / (a-1) follows f*(t) = (w^(a / (a-1)) - 1) / a with w = 1 + (a-1) t. For a > 1 every t is allowed (below w = 0 the
    supremum stands at u = 0); for a < 1, w must stay positive: t < 1 / (1-a).

    >>> alpha(2).f(torch.tensor(3.0))
    tensor(2.)
    """
    if a in (0, 1) or not abs(a) < inf:
        raise BadInput(
            f"The alpha-divergence needs a finite alpha other than 0 and 1, not {a}; alpha = 1 is 'kl', 0 'reverse-kl'."
        )
    power = a / (a - 1)

    def generator(u: Tensor) -> Tensor:
        return (u**a - 1 - a * (u - 1)) / (a * (a - 1))

    def star(t: Tensor) -> Tensor:
        return ((1 + (a - 1) * t).clamp(min=0) ** power - 1) / a

    name = f"alpha={a:g}"
    if a > 1:
        return Divergence(name, generator, lambda v: v, star, star, 0.0)
    return Divergence(
        name,
        generator,
        lambda v: 1 / (1 - a) - _softplus(-v),
        star,
        # w = (1-a) softplus(-v)
        lambda v: torch.expm1(power * (_log_softplus(-v) + log(1 - a))) / a,
        0.0,
        high=1 / (1 - a),
    )


def weighted_js(pi: float = 0.25) -> Divergence:
    """The weighted Jensen-Shannon divergence, pi KL(p || m) + (1 - pi) KL(q || m) with m = pi p + (1 - pi) q, for 0 < pi < 1.

    f(u) = pi u log u - (1 - pi + pi u) log(1 - pi + pi u), so f'(u) = pi log(u / (1 - pi + pi u)), and inverting it gives f*(t) =
    (1 - pi) log((1 - pi) / (1 - pi e^(t/pi))) for t < -pi log pi. The paper's g_f is -pi log pi - softplus(-v); with pi
    softplus(-v) f*(g_f(v)) is itself a softplus, and pi = 1/2 is exactly half of "js".

    >>> weighted_js(0.5).f(torch.tensor(3.0)) * 2 - DIVERGENCES["js"].f(torch.tensor(3.0))
    tensor(0.)
    """
    if not 0 < pi < 1:
        raise BadInput(f"The weighted Jensen-Shannon divergence needs a weight strictly between 0 and 1, not {pi}.")
    high = -pi * log(pi)

    def generator(u: Tensor) -> Tensor:
        m = 1 - pi + pi * u
        return pi * torch.xlogy(u, u) - torch.xlogy(m, m)

    return Divergence(
        f"weighted-js={pi:g}",
        generator,
        lambda v: high - pi * _softplus(-v),
        lambda t: (1 - pi) * (log(1 - pi) - torch.log1p(-pi * torch.exp(t / pi))),
        lambda v: (1 - pi) * (log(1 - pi) + _softplus(v)),
        0.0,
        high=high,
    )


DIVERGENCES: dict[str, Divergence] = {
    "kl": Divergence(
        "kl", lambda u: torch.xlogy(u, u), lambda v: v, lambda t: torch.exp(t - 1), lambda v: torch.exp(v - 1), threshold=1.0
    ),
    "reverse-kl": Divergence(
        "reverse-kl",
        lambda u: -u.log(),
        lambda v: -torch.exp(-v),
        lambda t: -1 - torch.log(-t),
        lambda v: v - 1,
        threshold=-1.0,
        high=0.0,
    ),
    "pearson": Divergence(
        "pearson",
        lambda u: (u - 1).square(),
        lambda v: v,
        # The conjugate over all real u: over u >= 0 alone it is -1 below t = -2, and such a V would get no gradient there.
        lambda t: t.square() / 4 + t,
        lambda v: v.square() / 4 + v,
        threshold=0.0,
    ),
    "hellinger": Divergence(
        "hellinger",
        lambda u: (u.sqrt() - 1).square(),
        lambda v: -torch.expm1(-v),
        lambda t: t / (1 - t),
        torch.expm1,
        threshold=0.0,
        high=1.0,
    ),
    "js": Divergence(
        "js",
        lambda u: torch.xlogy(u, u) - (1 + u) * ((1 + u) / 2).log(),
        lambda v: log(2) - _softplus(-v),
        lambda t: -torch.log(2 - torch.exp(t)),
        lambda v: _softplus(v) - log(2),
        threshold=0.0,
        high=log(2),
    ),
    "gan": Divergence(
        "gan",
        lambda u: torch.xlogy(u, u) - (1 + u) * torch.log1p(u),
        lambda v: -_softplus(-v),
        lambda t: -torch.log(-torch.expm1(t)),
        _softplus,
        threshold=-log(2),
        high=0.0,
    ),
    "neyman": Divergence(
        "neyman",
        lambda u: (1 - u).square() / u,
        lambda v: -torch.expm1(-v),
        lambda t: 2 - 2 * torch.sqrt(1 - t),
        lambda v: -2 * torch.expm1(-v / 2),
        threshold=0.0,
        high=1.0,
    ),
    "jeffrey": Divergence("jeffrey", lambda u: (u - 1) * u.log(), lambda v: v, _jeffrey_star, _jeffrey_star, threshold=0.0),
    "total-variation": Divergence(
        "total-variation",
        lambda u: (u - 1).abs() / 2,
        lambda v: torch.tanh(v) / 2,
        lambda t: t,
        lambda v: torch.tanh(v) / 2,
        threshold=0.0,
        low=-0.5,
        high=0.5,
    ),
    "alpha": alpha(),
    "weighted-js": weighted_js(),
}
FAMILIES: dict[str, Callable[[float], Divergence]] = {"alpha": alpha, "weighted-js": weighted_js}


def named(name: str | Divergence) -> Divergence:
    """The divergence of this name; families take their parameter after "=". Raises `BadInput` with the nearest name.

    >>> named("kl") is DIVERGENCES["kl"], named("alpha=-1").high
    (True, 0.5)
    """
    if isinstance(name, Divergence):
        return name
    family, given, value = name.partition("=")
    if given and family in FAMILIES:
        try:
            parameter = float(value)
        except ValueError:
            raise BadInput(
                f"The parameter of '{family}' must be a number, not '{value}'; write for example {family}=0.3."
            ) from None
        return FAMILIES[family](parameter)
    if name not in DIVERGENCES:
        raise unknown("divergence", name, DIVERGENCES)
    return DIVERGENCES[name]
