"""Every row of the directory must be what it says: one set of properties over all of them."""

from math import inf, log, nan

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import lambertw
from torch import Tensor
from torch.distributions import Normal

from sparring.divergences import (
    DIVERGENCES,
    Divergence,
    alpha,
    divergence,
    divergence_by_quadrature,
    js,
    kl,
    log_lambert_w,
    named,
    reverse_kl,
    total_variation,
    variational_bound,
    weighted_js,
)
from sparring.errors import BadInput

ROWS = {
    **DIVERGENCES,
    **{f"alpha={a}": alpha(a) for a in (-1, -0.3, 0.2, 0.5, 2, 3.5)},
    **{f"weighted-js={pi}": weighted_js(pi) for pi in (0.01, 0.5, 0.9)},
}
rows = pytest.mark.parametrize("f", ROWS.values(), ids=ROWS.keys())
RATIOS = torch.logspace(-3, 3, 301, dtype=torch.float64)


def mass(n: int, seed: int) -> Tensor:
    p = torch.rand(n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + 0.05
    return p / p.sum()


def invert(function: Divergence, t: Tensor) -> Tensor:
    """g_f^-1 by bisection, g_f being increasing."""
    low, high = torch.full_like(t, -1e4), torch.full_like(t, 1e4)
    for _ in range(200):
        middle = (low + high) / 2
        below = function.activation(middle) < t
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2


@rows
def test_generator(f: Divergence) -> None:
    one = torch.ones((), dtype=torch.float64)
    assert f.f(one).item() == pytest.approx(-log(4) if f.name == "gan" else 0, abs=1e-15)
    slope = (f.f(RATIOS[1:]) - f.f(RATIOS[:-1])) / RATIOS.diff()
    assert (slope.diff() > -1e-9).all()  # convex
    if f.name != "total-variation":
        assert f.derivative(one).item() == pytest.approx(f.threshold, abs=1e-12)


@rows
def test_fenchel_young(f: Divergence) -> None:
    t_at = f.derivative(RATIOS)
    torch.testing.assert_close(f.conjugate(t_at), RATIOS * t_at - f.f(RATIOS), rtol=1e-9, atol=1e-9)
    t = f.activation(torch.linspace(-6, 6, 121, dtype=torch.float64))
    gap = f.conjugate(t)[:, None] - (RATIOS * t[:, None] - f.f(RATIOS))
    assert gap.min() >= -1e-9


@rows
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_activation_stays_in_the_domain_and_increases(f: Divergence, dtype: torch.dtype) -> None:
    v = torch.linspace(-60, 60, 241, dtype=dtype)
    t = f.activation(v)
    assert t.dtype == dtype
    assert t.isfinite().all()
    rounding = 4 * torch.finfo(dtype).eps
    assert (t >= f.low - rounding).all()
    assert (t <= f.high + rounding).all()
    assert (t.diff() >= 0).all()
    assert (f.activation(torch.linspace(-3, 3, 61, dtype=dtype)).diff() > 0).all()


@rows
def test_stable_form_equals_the_composition(f: Divergence) -> None:
    v = torch.linspace(-12, 12, 97, dtype=torch.float64, requires_grad=True)
    stable, composed = f.conjugate_of_activation(v), f.conjugate(f.activation(v))
    torch.testing.assert_close(stable, composed, rtol=1e-6, atol=1e-9)
    by_stable, by_composed = (torch.autograd.grad(out.sum(), v)[0] for out in (stable, composed))
    torch.testing.assert_close(by_stable, by_composed, rtol=1e-4, atol=1e-9)


@rows
def test_gradients(f: Divergence) -> None:
    v = torch.linspace(-4.1, 4, 9, dtype=torch.float64, requires_grad=True)  # off the kinks of alpha > 1
    assert torch.autograd.gradcheck(f.activation, v)
    assert torch.autograd.gradcheck(f.conjugate_of_activation, v)
    assert torch.autograd.gradgradcheck(f.conjugate_of_activation, v)


@rows
def test_training_form_is_finite_in_float32(f: Divergence) -> None:
    """A discriminator of +-40 is sure, not broken."""
    v = torch.tensor([-40.0, -20.0, 0.0, 20.0, 40.0], requires_grad=True)
    bound = variational_bound(v, v, f)
    assert bound.isfinite()
    assert torch.autograd.grad(bound, v)[0].isfinite().all()


@rows
@settings(max_examples=20, deadline=None)
@given(n=st.integers(2, 12), seed=st.integers(0, 10_000))
def test_the_bound_is_attained_at_the_optimal_discriminator(f: Divergence, n: int, seed: int) -> None:
    p, q = mass(n, seed), mass(n, seed + 1)
    exact = divergence(p, q, f)
    t = f.derivative(p / q)
    assert (p * t - q * f.conjugate(t)).sum().item() == pytest.approx(exact.item(), abs=1e-9)
    # A total variation's V is infinite at its optimum, +-1e4 by bisection.
    v = invert(f, t)
    assert (p * f.activation(v) - q * f.conjugate_of_activation(v)).sum().item() == pytest.approx(exact.item(), abs=1e-9)
    wrong = v + torch.randn(n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    assert (p * f.activation(wrong) - q * f.conjugate_of_activation(wrong)).sum() <= exact + 1e-9


@rows
def test_the_bound_from_samples(f: Divergence) -> None:
    """Samples whose counts are the masses exactly: the sample bound at the optimal V is the divergence."""
    p, q = torch.tensor([3, 1, 6]), torch.tensor([2, 5, 3])
    v = invert(f, f.derivative(p / q.double()))
    bound = variational_bound(v.repeat_interleave(p), v.repeat_interleave(q), f)
    assert bound.item() == pytest.approx(divergence(p / 10.0, q / 10.0, f).item(), abs=1e-7)


@rows
def test_equal_and_disjoint(f: Divergence) -> None:
    p = mass(5, 0)
    zero = -log(4) if f.name == "gan" else 0
    assert divergence(p, p, f).item() == pytest.approx(zero, abs=1e-12)
    # q f(0) where p = 0, p f'(infinity) where q = 0: the largest value the divergence has.
    apart = divergence([1.0, 0.0], [0.0, 1.0], f).item()
    assert apart == f.generator(torch.zeros((), dtype=torch.float64)).item() + f.high
    assert divergence([1.0, 0.0, 0.0], [1.0, 0.0, 0.0], f).item() == pytest.approx(zero, abs=1e-12)


@rows
def test_quadrature_agrees_with_a_histogram(f: Divergence) -> None:
    def density(x: Tensor, mean: float) -> Tensor:
        return Normal(torch.tensor(mean, dtype=torch.float64), 1).log_prob(x).exp()

    p, q = (lambda x, m=m: density(x, m) for m in (0.0, 0.5))
    x = torch.linspace(-9, 9, 9001, dtype=torch.float64)
    cells = [density(x, m) / density(x, m).sum() for m in (0.0, 0.5)]
    assert divergence_by_quadrature(p, q, f, -9, 9).item() == pytest.approx(divergence(*cells, f).item(), rel=1e-6)


def test_known_values() -> None:
    p, q = [0.5, 0.5, 0.0], [0.5, 0.25, 0.25]
    assert kl(p, q).item() == pytest.approx(0.5 * log(2))
    assert reverse_kl(p, q) == inf == kl(q, p)
    assert total_variation(p, q).item() == pytest.approx(0.25)
    assert js([1, 0], [0, 1]).item() == pytest.approx(log(2))
    assert divergence(p, [0.4, 0.4, 0.2], "gan").item() == pytest.approx(divergence(p, [0.4, 0.4, 0.2], "js").item() - log(4))


def test_families_at_their_known_members() -> None:
    p, q = mass(7, 3), mass(7, 4)
    for member, name, factor in ((alpha(2), "pearson", 0.5), (alpha(0.5), "hellinger", 2), (alpha(-1), "neyman", 0.5)):
        assert divergence(p, q, member).item() == pytest.approx(factor * divergence(p, q, name).item(), rel=1e-12)
    assert divergence(p, q, alpha(1 + 1e-6)).item() == pytest.approx(kl(p, q).item(), rel=1e-4)
    assert divergence(p, q, alpha(1e-6)).item() == pytest.approx(reverse_kl(p, q).item(), rel=1e-4)
    m = 0.3 * p + 0.7 * q
    expected = 0.3 * kl(p, m) + 0.7 * kl(q, m)
    assert divergence(p, q, weighted_js(0.3)).item() == pytest.approx(expected.item(), rel=1e-12)
    assert divergence(p, q, weighted_js(0.5)).item() == pytest.approx(js(p, q).item(), rel=1e-12)


def test_lambert() -> None:
    y = torch.linspace(-30, 600, 500, dtype=torch.float64)
    expected = torch.as_tensor(lambertw(y.exp().numpy()).real)
    torch.testing.assert_close(log_lambert_w(y).exp(), expected, rtol=1e-12, atol=0)
    short = torch.linspace(-5, 5, 21, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(log_lambert_w, short)
    assert torch.autograd.gradgradcheck(log_lambert_w, short)
    assert log_lambert_w(torch.tensor([-80.0, 1e6])).isfinite().all()


def test_divergences_have_gradients() -> None:
    logits = torch.tensor([0.3, -0.2, 0.8], dtype=torch.float64, requires_grad=True)
    for f in ROWS.values():
        assert torch.autograd.gradcheck(lambda a, f=f: divergence(a.softmax(0), mass(3, 1), f), logits)


@pytest.mark.parametrize(
    ("p", "q", "says"),
    [
        ([0.5, 0.5], [1.0], "same outcomes"),
        ([], [], "empty"),
        ([nan, 1.0], [0.5, 0.5], "p holds NaN"),
        ([0.5, 0.5], [1.5, -0.5], "q holds the negative mass -0.5"),
        ([0.5, 0.4], [0.5, 0.5], "sum to 0.9"),
    ],
)
def test_bad_masses(p: list[float], q: list[float], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        kl(p, q)


def test_bad_values_and_names() -> None:
    with pytest.raises(BadInput, match="did you mean 'jeffrey'"):
        named("jefrey")
    with pytest.raises(BadInput, match="must be a number"):
        named("alpha=x")
    for bad in ("alpha=1", "alpha=0", "alpha=nan", "weighted-js=1", "weighted-js=-0.1"):
        with pytest.raises(BadInput):
            named(bad)
    with pytest.raises(BadInput, match=r"from -inf to 0 only, but was given 0\.5"):
        DIVERGENCES["reverse-kl"].conjugate(torch.tensor([-1.0, 0.5]))
    with pytest.raises(BadInput, match="given -1"):
        DIVERGENCES["kl"].f(torch.tensor(-1.0))
    with pytest.raises(BadInput, match="given nan"):
        DIVERGENCES["kl"].f(torch.tensor(nan))
    with pytest.raises(BadInput, match="empty"):
        variational_bound(torch.zeros(0), torch.zeros(3), "kl")
    uniform = torch.ones_like
    with pytest.raises(BadInput, match="mass 2 on"):
        divergence_by_quadrature(uniform, uniform, "kl", 0, 2)
