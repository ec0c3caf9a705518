"""f-GAN: the bound, the single step, and the game it contains."""

import typing

import pytest
import torch

from sparring.divergences import DIVERGENCES, FAMILIES, alpha, named, variational_bound, weighted_js
from sparring.errors import BadInput
from sparring.game import make, total
from sparring.games import FGAN
from sparring.losses import OBJECTIVES
from sparring.options import options_of


def test_every_row_of_the_table_is_an_option():
    assert set(typing.get_args(options_of(FGAN)["divergence"].type)) == set(DIVERGENCES)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_one_move_ascends_and_descends_the_same_bound(name):
    torch.manual_seed(0)
    game = FGAN((2,), width=4, z=3, divergence=name, lr=1e-3).double()
    x = torch.randn(16, 2).double()
    torch.manual_seed(1)
    (move,) = list(game.round(iter([x])))
    torch.manual_seed(1)
    x_fake = game.G(game.noise(16))
    F = variational_bound(game.D(x), game.D(x_fake), name)
    assert set(move) == {game.discriminator, game.generator}
    assert total(move[game.discriminator]).item() == pytest.approx(-F.item(), abs=1e-12)
    expected = torch.autograd.grad(F, game.generator.parameters)
    found = torch.autograd.grad(move[game.generator], game.generator.parameters, retain_graph=True)
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(found, expected, strict=True))
    before = [p.clone() for p in game.parameters()]
    make(move)
    assert all(not torch.equal(a, b) for a, b in zip(before, game.parameters(), strict=True))


def test_ascending_with_the_gan_divergence_is_the_non_saturating_game():
    torch.manual_seed(0)
    game = FGAN((2,), width=4, z=3, divergence="gan", ascend=True).double()
    x = torch.randn(16, 2).double()
    torch.manual_seed(1)
    (move,) = list(game.round(iter([x])))
    torch.manual_seed(1)
    forged = OBJECTIVES["non-saturating"].forge(torch.zeros(16), game.D(game.G(game.noise(16))))
    assert move[game.generator].item() == pytest.approx(forged.item(), abs=1e-12)


def test_alpha_is_the_parameter_of_families():
    u = torch.tensor([0.3, 2.0], dtype=torch.float64)
    for name, family in (("alpha", alpha), ("weighted-js", weighted_js)):
        assert torch.equal(FGAN((2,), width=4, divergence=name, alpha=0.3).f.f(u), family(0.3).f(u))
        assert FGAN((2,), width=4, divergence=name).f is named(name)
    assert set(FAMILIES) == {"alpha", "weighted-js"}
    with pytest.raises(BadInput, match="--alpha is the parameter of alpha and weighted-js; --divergence kl has none"):
        FGAN((2,), width=4, divergence="kl", alpha=0.3)
    with pytest.raises(BadInput, match="strictly between 0 and 1"):
        FGAN((2,), width=4, divergence="weighted-js", alpha=1.5)
