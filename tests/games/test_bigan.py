"""BiGAN and ALI: both terms reach both networks, the labels are flipped, the noise is noise; the autoencoders beside them."""

import pytest
import torch
import torch.nn.functional as F

from sparring.check import check_game
from sparring.errors import BadInput
from sparring.game import make, total
from sparring.games import Autoencoder, BiGAN

SHAPES = [(1, 8, 8), (3,)]


def small(shape=(3,), kind=BiGAN, **options):
    torch.manual_seed(0)
    return kind(shape, width=8, z=4, **options).double()


def rows(shape=(3,), n=6):
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2 - 1


def move_of(game, x):
    torch.manual_seed(2)
    return next(game.round(iter([x])))


def gradient(loss, network):
    found = torch.autograd.grad(loss, list(network.parameters()), retain_graph=True, allow_unused=True, materialize_grads=True)
    return torch.cat([g.flatten() for g in found])


@pytest.mark.parametrize("network", ["mlp", "conv"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_both_terms_are_descended_and_each_reaches_its_network(shape, network):
    """A game that descends the fake term only would train G and leave E as it began."""
    game, x = small(shape, network=network), rows(shape)
    move = move_of(game, x)
    loss = move[game.coder]
    own = {id(p) for p in game.coder.parameters}
    assert own == {id(p) for net in (game.E, game.G) for p in net.parameters()}
    assert gradient(loss["real"], game.E).norm() > 0
    assert gradient(loss["fake"], game.G).norm() > 0
    for term, other in (("real", game.G), ("fake", game.E)):  # each pair passes through one of the two networks only
        assert torch.equal(gradient(loss[term], other), torch.zeros_like(gradient(loss[term], other)))
    assert all(gradient(term, game.D).norm() > 0 for term in move[game.discriminator].values())


def test_the_coder_descends_the_flipped_labels():
    game, x = small(), rows()
    move = move_of(game, x)
    torch.manual_seed(2)
    z = game.noise(len(x))
    real, fake = game.D(x, (game.E(x) / 2).tanh()), game.D(game.G(z), z)
    one, nil = torch.ones(6, dtype=torch.float64), torch.zeros(6, dtype=torch.float64)
    bce = F.binary_cross_entropy_with_logits
    torch.testing.assert_close(total(move[game.discriminator]), bce(real, one) + bce(fake, nil))
    torch.testing.assert_close(total(move[game.coder]), bce(real, nil) + bce(fake, one))


def test_one_round_trains_encoder_and_generator_alike():
    game = small(lr=1e-3)
    before = {name: p.detach().clone() for name, p in game.named_parameters()}
    make(move_of(game, rows()))
    moved = {name for name, p in game.named_parameters() if not torch.equal(p, before[name])}
    assert {name.partition(".")[0] for name in moved} == {"E", "G", "D"}
    assert moved == set(before)


def test_finite_differences():
    game, x = small(stochastic=True), rows()
    for player, weight in (
        (game.coder, game.E[-1].weight),
        (game.coder, game.G[-1].weight),
        (game.discriminator, game.D.judge[0].weight),
    ):
        slope = torch.autograd.grad(total(move_of(game, x)[player]), weight)[0]
        with torch.no_grad():
            ends = []
            for h in (1e-5, -1e-5):
                weight[0, 1] += h
                ends.append(float(total(move_of(game, x)[player])))
                weight[0, 1] -= h
        assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(float(slope[0, 1]), rel=1e-5, abs=1e-8)


def test_a_stochastic_encoder_draws_from_the_density_it_gives():
    game = small(stochastic=True, prior="normal")
    x = rows(n=1).repeat(20000, 1)
    game.eval()
    with torch.no_grad():
        mean, logvar = game.posterior(x[:1])
        draws = game.infer(x)
    torch.testing.assert_close(draws.mean(0), mean[0], rtol=0, atol=0.05)
    torch.testing.assert_close(draws.var(0), logvar[0].exp(), rtol=0.05, atol=0)
    assert torch.equal(game.encode(x[:2])[0], game.encode(x[:2])[1])  # outside play E answers with its mean
    assert gradient(move_of(game, rows())[game.coder]["real"], game.E[-1]).view(-1)[-4:].abs().min() > 0  # variances learn too


def test_a_plain_encoder_draws_nothing_and_stays_where_codes_live():
    game, x = small(), 100 * rows()
    assert torch.equal(game.infer(x), game.infer(x))
    assert game.encode(x).abs().max() <= 1
    torch.testing.assert_close(game.eval().infer(x).float(), game.encode(x))


@pytest.mark.parametrize("prior", ["uniform", "normal"])
def test_priors(prior):
    z = small(prior=prior).noise(20000, torch.Generator().manual_seed(0))
    assert z.shape == (20000, 4)
    assert abs(float(z.mean())) < 0.02
    assert float(z.var()) == pytest.approx(1 / 3 if prior == "uniform" else 1.0, rel=0.02)
    assert (float(z.abs().max()) <= 1) == (prior == "uniform")


def test_the_learning_rate_falls_in_the_second_half_only():
    game = small(lr=1.0, decay=0.01)
    rates = []
    for t in (0, 50, 75, 100):
        game.begin(t, 100)
        rates.append(game.coder.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([1, 1, 0.1, 0.01])


@pytest.mark.parametrize("options", [{"network": "conv"}, {"stochastic": True, "prior": "normal", "average": 0.9}], ids=str)
def test_options_keep_the_contract(options):
    x = rows((1, 8, 8)).float()
    check_game(lambda: BiGAN((1, 8, 8), width=4, z=3, **options), lambda t: iter([x] * 2))


# ── the autoencoders it is compared with ─────────────────────────────────────────────────
@pytest.mark.parametrize("weights", [(1.0, 0.0), (0.0, 2.0), (1.0, 0.5)])
def test_autoencoders_descend_the_ways_they_are_given(weights):
    forward, backward = weights
    game, x = small(kind=Autoencoder, forward=forward, backward=backward), rows()
    move = move_of(game, x)
    torch.manual_seed(2)
    z = game.noise(len(x))
    expected = forward * F.mse_loss(game.G((game.E(x) / 2).tanh()), x) + backward * F.mse_loss((game.E(game.G(z)) / 2).tanh(), z)
    torch.testing.assert_close(total(move[game.coder]), expected)
    assert set(move[game.coder]) == {name for name, w in (("forward", forward), ("backward", backward)) if w}
    assert all(gradient(expected, network).norm() > 0 for network in (game.E, game.G))


@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_autoencoders_keep_the_contract(network):
    x = rows((1, 8, 8)).float()
    check_game(lambda: Autoencoder((1, 8, 8), width=4, z=3, backward=1.0, network=network), lambda t: iter([x] * 2))


@pytest.mark.parametrize("weights", [(0.0, 0.0), (-1.0, 1.0)])
def test_an_autoencoder_needs_a_way(weights):
    with pytest.raises(BadInput, match="--forward or --backward"):
        Autoencoder((3,), forward=weights[0], backward=weights[1])
