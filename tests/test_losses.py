"""Losses: their values by hand, their gradients by finite differences, and what they refuse."""

import math

import pytest
import torch
from torch import nn

from sparring.errors import BadInput
from sparring.losses import OBJECTIVES, check_loss, gradient_penalty, kl_normal, objective, r1, refuse_batch_norm

NAMES = sorted(OBJECTIVES)


def critic(**options: object) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).to(torch.float64)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_the_values(name: str) -> None:
    check_loss(OBJECTIVES[name].judge, [(6, 1), (6, 1)])
    check_loss(lambda fake: OBJECTIVES[name].forge(torch.zeros(6, 1, dtype=torch.float64), fake), [(6, 1)])


@pytest.mark.parametrize("name", NAMES)
def test_the_players_pull_apart(name: str) -> None:
    """D wants real up and fake down; G wants fake up: the sign error that makes G help D cannot pass."""
    real, fake = torch.tensor([0.3], requires_grad=True), torch.tensor([-0.2], requires_grad=True)
    judged = sum(OBJECTIVES[name].judge(real, fake).values())
    d_real, d_fake = torch.autograd.grad(judged, [real, fake])
    (g_fake,) = torch.autograd.grad(OBJECTIVES[name].forge(real, fake), [fake])
    assert d_real < 0
    assert g_fake < 0
    # D's least-squares pull on fakes ends at its target 0, so it alone may push one at -.2 up.
    assert d_fake > 0 or name == "least-squares"


@pytest.mark.parametrize("name", NAMES)
def test_finite_for_a_discriminator_that_is_sure(name: str) -> None:
    real, fake = torch.full((4, 1), 1e4, requires_grad=True), torch.full((4, 1), -1e4, requires_grad=True)
    terms = [*OBJECTIVES[name].judge(real, fake).values(), OBJECTIVES[name].forge(real, fake)]
    assert all(term.isfinite() and term.shape == () for term in terms)
    assert all(g.isfinite().all() for g in torch.autograd.grad(sum(terms), [real, fake]))


def test_entropy_objectives_against_probabilities() -> None:
    real, fake = torch.randn(2, 7, dtype=torch.float64)
    terms = OBJECTIVES["minimax"].judge(real, fake)
    assert terms["real"] == pytest.approx(-real.sigmoid().log().mean().item(), abs=1e-12)
    assert terms["fake"] == pytest.approx(-(1 - fake.sigmoid()).log().mean().item(), abs=1e-12)
    assert OBJECTIVES["minimax"].forge(real, fake) == pytest.approx((1 - fake.sigmoid()).log().mean().item(), abs=1e-12)
    assert OBJECTIVES["non-saturating"].forge(real, fake) == pytest.approx(-fake.sigmoid().log().mean().item(), abs=1e-12)


def test_names() -> None:
    assert objective("hinge") is OBJECTIVES["hinge"]
    with pytest.raises(BadInput, match="did you mean 'hinge'"):
        objective("hnige")
    with pytest.raises(BadInput, match="equal size"):
        OBJECTIVES["relativistic"].judge(torch.zeros(4, 1), torch.zeros(4))


def test_penalty_gradients_reach_the_parameters_by_finite_differences() -> None:
    D = critic()
    x, x_fake = torch.randn(2, 5, 3, dtype=torch.float64)
    for penalty in (lambda: r1(D, x), lambda: gradient_penalty(D, x, x_fake)):
        weight = D[0].weight  # type: ignore[index]
        torch.manual_seed(1)
        (analytic,) = torch.autograd.grad(penalty(), [weight])
        values = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                weight[2, 1] += step
            torch.manual_seed(1)
            values.append(penalty().item())
            with torch.no_grad():
                weight[2, 1] -= step
        assert analytic[2, 1].item() == pytest.approx((values[0] - values[1]) / 2e-5, abs=1e-8)


def test_alpha_is_drawn_for_each_sample() -> None:
    """From 0 to 1 the interpolates are the alphas themselves."""
    seen: list[torch.Tensor] = []

    def D(x: torch.Tensor) -> torch.Tensor:
        seen.append(x.detach())
        return x.square().sum(1)

    torch.manual_seed(0)
    gradient_penalty(D, torch.zeros(2000, 2), torch.ones(2000, 2))
    alpha = seen[0]
    assert torch.equal(alpha[:, 0], alpha[:, 1])
    assert 0 <= alpha.min() < 0.01 < 0.99 < alpha.max() <= 1
    assert alpha[:, 0].mean().item() == pytest.approx(0.5, abs=0.02)


def test_a_flat_critic_gives_a_finite_gradient() -> None:
    D = nn.Linear(3, 1)
    nn.init.zeros_(D.weight)
    penalty = gradient_penalty(D, torch.zeros(4, 3), torch.ones(4, 3))
    (gradient,) = torch.autograd.grad(penalty, [D.weight])
    assert penalty == 1
    assert gradient.isfinite().all()


def test_penalties_of_several_arguments() -> None:
    def D(x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return 2 * x.sum(1) + z.flatten(1).sum(1)

    x, z = torch.zeros(4, 3), torch.zeros(4, 2, 2)
    assert r1(D, (x, z)) == pytest.approx((4 * 3 + 4) / 2)
    assert gradient_penalty(D, (x, z), (x + 1, z - 1), target=0) == pytest.approx(16)


def test_penalties_are_float32_under_autocast() -> None:
    D = critic().float()
    x = torch.randn(64, 3)
    plain = r1(D, x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = r1(D, x)
        from_bf16 = gradient_penalty(D, x, x.bfloat16())
    assert mixed.dtype == from_bf16.dtype == torch.float32
    assert torch.equal(plain, mixed)


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(3), nn.SyncBatchNorm(3), nn.LazyBatchNorm1d()])
def test_batch_norm_is_refused(norm: nn.Module) -> None:
    D = nn.Sequential(nn.Linear(3, 3), norm, nn.Linear(3, 1))
    for penalty in (lambda: r1(D, torch.ones(4, 3)), lambda: gradient_penalty(D, torch.ones(4, 3), torch.zeros(4, 3))):
        with pytest.raises(BadInput, match="'1' is a"):
            penalty()
    refuse_batch_norm(nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3)), "R1")
    with pytest.raises(BadInput, match="equal shape"):
        gradient_penalty(nn.Linear(3, 1), torch.ones(4, 3), torch.ones(5, 3))


def test_kl_normal_against_torch() -> None:
    mean, logvar = torch.randn(2, 9, 4, dtype=torch.float64)
    normal = torch.distributions.Normal(mean, (logvar / 2).exp())
    unit = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    expected = torch.distributions.kl_divergence(normal, unit).sum(1).mean()
    assert kl_normal(mean, logvar) == pytest.approx(expected.item(), rel=1e-12)
    assert kl_normal(torch.zeros(3, 2), torch.full((3, 2), 1e-4)).item() == pytest.approx(2.5e-9 * 2, rel=1e-3)


def test_check_loss_says_what_is_wrong() -> None:
    check_loss(lambda a: {"one": a.mean(), "two": (a**3).mean()}, [(3, 2)])
    with pytest.raises(BadInput, match="finite scalar"):
        check_loss(lambda a: a, [(3, 2)])
    with pytest.raises(BadInput, match="finite scalar"):
        check_loss(lambda a: (a * math.nan).mean(), [(3, 2)])
    with pytest.raises(BadInput, match="no gradient"):
        check_loss(lambda a: a.detach().mean(), [(3, 2)])
    with pytest.raises(BadInput, match="not that of its value"):
        check_loss(lambda a: (a * a.detach()).mean(), [(3, 2)])
