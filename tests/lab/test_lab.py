"""The laboratory: every analytic experiment runs, writes what it promises, is repeatable, and its exact figures are exact."""

import json
from math import inf, log
from pathlib import Path

import pytest
import torch
from torch import nn

from sparring.errors import BadInput
from sparring.lab import divergences, optimal_discriminator, parallel_lines, run
from sparring.lab.stack import StackedMLP, seeded

ANALYTIC = ("divergences", "optimal-discriminator", "parallel-lines")


@pytest.mark.parametrize("name", ANALYTIC)
def test_quick_run(name: str, tmp_path: Path) -> None:
    shares: list[float] = []
    before = torch.random.get_rng_state()
    result = run(name, tmp_path / "out", quick=True, progress=shares.append)
    assert torch.equal(before, torch.random.get_rng_state())
    assert (result.figure, result.data) == (tmp_path / "out" / f"{name}.png", tmp_path / "out" / f"{name}.json")
    assert result.figure.read_bytes().startswith(b"\x89PNG")
    stored = json.loads(result.data.read_text())
    assert (stored["experiment"], stored["seed"], stored["quick"]) == (name, 0, True)
    assert len(stored["table"]) == len(result.table) > 0
    assert stored["paragraph"] == result.paragraph
    assert "  " not in result.paragraph
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert run(name, tmp_path / "again", quick=True).table == result.table


def test_unknown_experiment() -> None:
    with pytest.raises(BadInput, match="did you mean 'parallel-lines'"):
        run("paralel-lines", Path("nowhere"))


@pytest.mark.parametrize("f", divergences.NAMES)
def test_optima_stand_where_the_slope_is_nought(f: str) -> None:
    value, mu, sigma = divergences.optimum(f)
    point = torch.tensor([mu, sigma], dtype=torch.float64, requires_grad=True)
    exact = divergences.exact(point[0], point[1], f)
    assert exact.item() == pytest.approx(value, abs=1e-12)
    assert torch.autograd.grad(exact, point)[0].abs().max() < 1e-6
    for step in (-0.1, 0.1):
        assert divergences.exact(mu + step, sigma, f) > value
        assert divergences.exact(mu, sigma + step, f) > value


def test_kl_keeps_the_moments() -> None:
    """The Gaussian nearest in KL has the mean and the variance of p: the one optimum known in closed form."""
    mean = -0.33 + 0.67 * 2
    variance = 0.33 * (1 + 0.065) + 0.67 * (4 + 2) - mean**2
    _, mu, sigma = divergences.optimum("kl")
    assert (mu, sigma**2) == (pytest.approx(mean, abs=1e-6), pytest.approx(variance, abs=1e-6))
    with seeded(0):
        x = divergences.sample(200_000)
    assert (x.mean().item(), x.var().item()) == (pytest.approx(mean, abs=0.02), pytest.approx(variance, abs=0.03))


def test_training_moves_towards_the_optimum() -> None:
    fitted = divergences.fit(("kl",), steps=300, batch=256)
    assert abs(fitted.mu.item() - 1.01) < 0.5  # from 0
    assert fitted.sigma.item() > 1.2  # from 1


@pytest.mark.parametrize("theta", [0.3, 1.3, 4.0])
def test_both_identities(theta: float) -> None:
    g = optimal_discriminator.gradients(theta)
    assert g.minimax == pytest.approx(g.twice_jsd, abs=1e-9)
    assert g.non_saturating == pytest.approx(g.kl_minus_twice_jsd, abs=1e-9)
    # KL(N(theta, 1) || N(0, 1)) has slope theta.
    assert g.minimax + g.non_saturating == pytest.approx(theta, abs=1e-9)


def test_compare_knows_the_best_discriminator() -> None:
    """Of N(1.3, 1) against N(0, 1) log p/q is linear: a linear D set to it by hand has no error there, and one elsewhere."""
    D = StackedMLP(3, (1, 1))
    with torch.no_grad():
        D.weights[0].fill_(-1.3)
        D.biases[0].fill_(1.3**2 / 2)
    _, _, _, error = optimal_discriminator.compare(D)
    assert error[0].item() < 1e-6
    assert (error[1:] > 0.1).all()


def test_parallel_lines() -> None:
    assert parallel_lines.exact(0.0) == {"W": 0.0, "JSD": 0.0, "KL": 0.0, "TV": 0.0}
    for theta in (-1.0, 1e-9):
        assert parallel_lines.exact(theta) == {"W": abs(theta), "JSD": pytest.approx(log(2)), "KL": inf, "TV": 1.0}


def test_a_stack_is_its_copies() -> None:
    """The same weights in nn.Linear layers answer alike, and Adam moves the stack as it moves each copy alone."""
    with seeded(0):
        stack, x = StackedMLP(3, (2, 5, 1)).double(), torch.randn(3, 7, 2, dtype=torch.float64)
    alone = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1)).double()
    with torch.no_grad():
        for layer, weight, bias in zip((alone[0], alone[2]), stack.weights, stack.biases, strict=True):
            layer.weight.copy_(weight[1].T)
            layer.bias.copy_(bias[1, 0])
    optimisers = [torch.optim.Adam(network.parameters(), lr=1e-2) for network in (stack, alone)]
    for _ in range(3):
        torch.testing.assert_close(stack(x)[1], alone(x[1]))
        for optimiser, loss in zip(optimisers, (stack(x).square().mean((1, 2)).sum(), alone(x[1]).square().mean()), strict=True):
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    torch.testing.assert_close(stack(x)[1], alone(x[1]))
