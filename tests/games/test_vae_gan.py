"""VAE-GAN: which loss reaches whom, with which sign, computed by hand; what the options change."""

import pytest
import torch
import torch.nn.functional as F

from sparring.check import check_game
from sparring.game import make, terms, total
from sparring.games import VAEGAN

SHAPES = [(1, 8, 8), (3,)]


def small(shape=(1, 8, 8), **options):
    torch.manual_seed(0)
    return VAEGAN(shape, width=4, z=3, **options).double()


def rows(shape=(1, 8, 8), n=6):
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2 - 1


def move_of(game, x):
    torch.manual_seed(2)
    return next(game.round(iter([x])))


def by_hand(game, x, similarity="features"):
    """L_prior, L_like and the two adversarial halves, written out again for the same noise."""
    torch.manual_seed(2)
    mean, logvar = game.E(x).chunk(2, 1)
    x_rec = game.G(mean + (logvar / 2).exp() * torch.randn_like(mean))
    x_fake = game.G(game.noise(len(x)))
    prior = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum() / len(x)
    see = game.D.features if similarity == "features" else torch.Tensor.clone
    like = 0.5 * (see(x) - see(x_rec)).pow(2).sum() / len(x)
    picks = [F.log_softmax(game.D(part), 1)[:, k].mean() for part, k in zip((x, x_fake, x_rec), game.classes, strict=True)]
    return prior, like, -sum(picks), -sum(picks[1:])


def gradient(loss, network):
    found = torch.autograd.grad(loss, list(network.parameters()), retain_graph=True, allow_unused=True, materialize_grads=True)
    return torch.cat([g.flatten() for g in found])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("similarity", ["features", "pixels"])
@pytest.mark.parametrize("discriminator", ["binary", "three-way"])
def test_every_player_descends_what_algorithm_1_says(shape, similarity, discriminator):
    game, x = small(shape, similarity=similarity, discriminator=discriminator, gamma=0.3), rows(shape)
    move = move_of(game, x)
    prior, like, gan, forged = by_hand(game, x, similarity)
    expected = {
        game.encoder: (prior + like, game.E),
        game.decoder: (0.3 * like - forged, game.G),
        game.discriminator: (gan, game.D),
    }
    assert set(move) == set(expected)
    for player, (loss, network) in expected.items():
        torch.testing.assert_close(gradient(total(move[player]), network), gradient(loss, network), rtol=1e-9, atol=1e-12)
        assert gradient(loss, network).norm() > 1e-6


def test_two_zeros_of_the_routing_are_exact_and_three_others_are_not():
    """The adversarial terms alone depend on D's head; with its head at zero they have no gradient in D's trunk, and L_like has."""
    game, x = small(), rows()
    move = move_of(game, x)
    adversarial_in_E = gradient(total(move[game.encoder]), game.D.head)
    assert torch.equal(adversarial_in_E, torch.zeros_like(adversarial_in_E))
    assert gradient(total(move[game.decoder]), game.D.head).norm() > 0  # the same question can be answered otherwise
    assert gradient(move[game.encoder]["like"], game.E).norm() > 0
    assert gradient(move[game.decoder]["like"], game.G).norm() > 0
    assert gradient(move[game.decoder]["generated"], game.G).norm() > 0
    assert gradient(total(move[game.discriminator]), game.D).norm() > 0

    torch.nn.init.zeros_(game.D.head.weight)
    move = move_of(game, x)
    likeness_in_D = gradient(total(move[game.discriminator]), game.D.trunk)
    assert torch.equal(likeness_in_D, torch.zeros_like(likeness_in_D))
    assert gradient(total(move[game.encoder]), game.D.trunk).norm() > 0


@pytest.mark.parametrize("objective", ["minimax", "non-saturating"])
@pytest.mark.parametrize("discriminator", ["binary", "three-way"])
def test_the_decoder_hurts_its_discriminator(discriminator, objective):
    game, x = small(discriminator=discriminator, objective=objective, gamma=0.0), rows(n=32)
    before = by_hand(game, x)[3].item()
    slope = gradient(total(move_of(game, x)[game.decoder]), game.G)
    with torch.no_grad():
        step, at = 1e-3 * slope / slope.norm(), 0
        for p in game.G.parameters():
            p -= step[at : at + p.numel()].view_as(p)
            at += p.numel()
    assert by_hand(game, x)[3].item() > before


def test_the_whole_move_moves_everybody_at_once():
    """Three backward passes over one graph give the three gradients of that graph, not of networks that already moved."""
    game, x = small(lr=1e-3), rows()
    names = {"E": game.encoder, "G": game.decoder, "D": game.discriminator}
    move = move_of(game, x)
    slopes = {name: gradient(total(move[player]), getattr(game, name)) for name, player in names.items()}
    before = {name: torch.cat([p.detach().flatten() for p in getattr(game, name).parameters()]) for name in names}
    make(move_of(game, x))
    for name in names:
        after = torch.cat([p.detach().flatten() for p in getattr(game, name).parameters()])
        first_step = -1e-3 * slopes[name] / (slopes[name].abs() + 1e-8)  # Adam's, with its bias corrected
        torch.testing.assert_close(after - before[name], first_step, rtol=1e-6, atol=1e-9)


def test_finite_differences_of_the_encoders_loss():
    game, x = small((3,)), rows((3,))
    weight = game.E[-1].weight
    slope = torch.autograd.grad(total(move_of(game, x)[game.encoder]), weight)[0]
    with torch.no_grad():
        for i, j in [(0, 0), (2, 1), (4, 3)]:  # of means and of log-variances
            ends = []
            for h in (1e-5, -1e-5):
                weight[i, j] += h
                ends.append(float(total(move_of(game, x)[game.encoder])))
                weight[i, j] -= h
            assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(float(slope[i, j]), rel=1e-5, abs=1e-8)


def test_without_an_adversary_it_is_a_variational_autoencoder():
    game, x = small(similarity="pixels", adversary=False, gamma=1.0), rows()
    move = move_of(game, x)
    assert list(terms(move[game.decoder])) == ["like"]
    for player in (game.encoder, game.decoder):
        on_D = gradient(total(move[player]), game.D)
        assert torch.equal(on_D, torch.zeros_like(on_D))
    torch.testing.assert_close(move[game.encoder]["like"], move[game.decoder]["like"])


@pytest.mark.parametrize(("discriminator", "classes"), [("binary", 2), ("three-way", 3)])
def test_the_judge_gives_probabilities_of_its_classes(discriminator, classes):
    game = small(discriminator=discriminator).float()
    p = game.judge(rows().float())
    assert p.shape == (6, classes)
    torch.testing.assert_close(p.sum(1), torch.ones(6))
    with torch.no_grad():
        game.D.head.bias[classes - 1] += 50
    assert (game.judge(rows().float()).argmax(1) == classes - 1).all()


@pytest.mark.parametrize("options", [{"similarity": "pixels"}, {"discriminator": "three-way"}, {"adversary": False}], ids=str)
def test_options_keep_the_contract(options):
    x = rows().float()
    check_game(lambda: VAEGAN((1, 8, 8), width=4, z=3, average=0.9, **options), lambda t: iter([x] * 2))


def test_means_are_what_is_encoded_and_reconstructed():
    game, x = small().float(), rows().float()
    game.eval()
    with torch.no_grad():
        mean = game.E(x)[:, :3]
        torch.testing.assert_close(game.encode(x), mean)
        torch.testing.assert_close(game.reconstruct(x), game.G(mean))
