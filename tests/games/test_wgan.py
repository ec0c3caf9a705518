"""The two Wasserstein critics: what bounds their slope, and how often they move."""

import pytest
import torch

from sparring.game import make
from sparring.games import WGAN, WGANGP


def endless(batch=8):
    while True:
        yield torch.randn(batch, 2)


@pytest.mark.parametrize(("t", "moves"), [(0, 101), (24, 101), (25, 6), (499, 6), (500, 101), (1000, 101), (1001, 6)])
def test_the_authors_schedule(t, moves):
    game = WGAN((2,), width=4)
    game.begin(t, 2000)
    players = [set(move) for move in game.round(endless())]
    assert len(players) == moves
    assert players[-1] == {game.generator}
    assert all(p == {game.discriminator} for p in players[:-1])


def test_weights_stay_clipped():
    torch.manual_seed(0)
    game = WGAN((2,), width=16, n_warm=20, lr=1e-2)
    for move in game.round(endless()):
        make(move)
        assert torch.is_grad_enabled()
    assert max(p.abs().max() for p in game.D.parameters()) <= game.clip
    at_the_bound = torch.cat([(p.abs() > 0.99 * game.clip).flatten() for p in game.D.parameters()]).float().mean()
    assert at_the_bound > 0.5
    assert max(p.abs().max() for p in game.G.parameters()) > game.clip


def test_the_losses_are_the_papers():
    """-(E f(x) - E f(y)) for the critic, plus lambda times the penalty; -E f(y) for G, on fresh noise."""
    torch.manual_seed(0)
    game = WGANGP((2,), width=8, n_critic=3).double()
    x = torch.randn(8, 2).double()
    torch.manual_seed(1)
    *critic, last = list(game.round(iter([x] * 3)))
    torch.manual_seed(1)
    for move in critic:
        x_fake = game.G(game.noise(8)).detach()
        alpha = torch.rand(8, dtype=torch.float64)[:, None]
        between = ((1 - alpha) * x + alpha * x_fake).requires_grad_()
        (slope,) = torch.autograd.grad(game.D(between).sum(), between)
        loss = move[game.discriminator]
        assert loss["slope"].item() == pytest.approx(10 * (slope.norm(dim=1) - 1).square().mean().item(), rel=1e-9)
        assert (loss["real"] + loss["fake"]).item() == pytest.approx((game.D(x_fake).mean() - game.D(x).mean()).item(), rel=1e-9)
    assert last[game.generator].item() == pytest.approx(-game.D(game.G(game.noise(8))).mean().item(), rel=1e-9)


def test_the_penalty_brings_the_slope_to_one():
    """Data on one line, samples on another a distance away: the best critic has slope 1 between them."""
    torch.manual_seed(0)
    game = WGANGP((2,), width=32, lr=3e-3, weight=10.0, n_critic=300)
    parallel = torch.stack([torch.full((64,), 3.0), torch.rand(64)], 1)
    game.G = torch.nn.Sequential(torch.nn.Linear(game.z, 2), torch.nn.Sigmoid())
    with torch.no_grad():
        game.G[0].weight[0].zero_()  # x = 1/2 for every sample
    for i, move in enumerate(game.round(iter([parallel] * 300))):
        if i < 300:
            make(move)
            estimate = -(move[game.discriminator]["real"] + move[game.discriminator]["fake"]).item()
    assert estimate == pytest.approx(2.5, rel=0.1)
