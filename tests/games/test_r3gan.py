"""R3GAN: its two losses, written out."""

import pytest
import torch
import torch.nn.functional as F

from sparring.game import make, total
from sparring.games import R3GAN


def test_the_losses_are_the_papers():
    torch.manual_seed(0)
    gamma = 0.3
    game = R3GAN((3, 8, 8), width=4, z=5, gamma=gamma).double()
    x = torch.rand(6, 3, 8, 8).double() * 2 - 1
    torch.manual_seed(1)
    moves = game.round(iter([x]))
    judged = next(moves)
    torch.manual_seed(1)
    y = game.G(game.noise(6)).detach()

    def slope(at):
        at = at.clone().requires_grad_()
        return torch.autograd.grad(game.D(at).sum(), at)[0].square().sum((1, 2, 3)).mean()

    expected = F.softplus(-(game.D(x) - game.D(y))).mean() + gamma / 2 * (slope(x) + slope(y))
    assert total(judged[game.discriminator]).item() == pytest.approx(expected.item(), rel=1e-12)
    make(judged)
    forged = next(moves)[game.generator]
    assert forged.item() == pytest.approx(F.softplus(-(game.D(y) - game.D(x))).mean().item(), rel=1e-12)


def test_networks_have_no_normalisation_and_an_average():
    game = R3GAN((3, 16, 16), width=4)
    kinds = {type(m).__name__ for m in game.modules()}
    assert "Residual" in kinds
    assert not any("Norm" in kind for kind in kinds)
    assert game.generator.average is not None
