"""Every term of Triple-GAN is where its paper and its authors' program put it."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sparring.data import draw, load, views
from sparring.errors import BadInput
from sparring.games import TripleGAN
from sparring.loop import play


def batch(shape=(1, 8, 8), n=6):
    x = torch.randn(2, n, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return (x[0], torch.arange(n) % 3), x[1]


def made(progress=0.9, **options):
    torch.manual_seed(0)
    # Without dropout and noise, C and D answer alike every time they are asked.
    game = TripleGAN((1, 8, 8), 3, width=8, z=4, **{"dropout": 0.0, "noise": 0.0, **options}).double()
    game.begin(int(100 * progress), 100)
    return game


def moves(game, data=None):
    names = {player: name for name, player in game.players.items()}
    return {names[player]: loss for move in game.round(iter([data or batch(), batch()])) for player, loss in move.items()}


def gradient(term, network):
    found = torch.autograd.grad(term, list(network.parameters()), retain_graph=True, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for g, p in zip(found, network.parameters(), strict=True)]


def test_judgement_reaches_the_classifier_by_p_max_only():
    game, data = made(), batch()
    judged = moves(game, data)["classifier"]["judged"]
    answers = game.C(data[1])
    p_max = answers.softmax(1).amax(1)
    with torch.no_grad():
        caught = F.softplus(-game.D(data[1], game.one_hot(answers.argmax(1))))
    expected = gradient(0.5 * (p_max * caught).mean(), game.C)
    found = gradient(judged, game.C)
    assert max(g.abs().max().item() for g in found) > 1e-6
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-14)
    assert all(not g.any() for g in gradient(judged, game.D) + gradient(judged, game.G))


def test_judgement_without_p_max_moves_nobody(monkeypatch):
    game = made()
    amax = torch.Tensor.amax
    monkeypatch.setattr(torch.Tensor, "amax", lambda self, *a: amax(self, *a).detach())
    assert not moves(game)["classifier"]["judged"].requires_grad


def test_every_term_is_there_when_it_is_due():
    def names(progress):
        return {player: set(loss) for player, loss in moves(made(progress)).items()}

    alone = {"label", "entropy", "balance", "decay"}
    assert names(0.0) == {"classifier": alone}
    early = names(0.2)
    assert early["discriminator"] == {"real", "generated", "classified"}
    assert early["generator"] == {"fake"}
    assert early["classifier"] == alone | {"judged"}
    assert names(0.9)["classifier"] == alone | {"judged", "generated"}

    game = made()
    for player, loss in moves(game).items():
        (network,) = game.players[player].networks
        for name, term in loss.items():
            assert any(g.abs().max() > 1e-9 for g in gradient(term, network)), f"{player}/{name} moves nothing"


def test_weights_are_the_authors():
    data = batch()
    game = made()
    loss = moves(game, data)["classifier"]
    p = game.C(data[1]).softmax(1)
    assert loss["entropy"].item() == pytest.approx(-0.3 * (p * p.log()).sum(1).mean().item())
    assert loss["balance"].item() == pytest.approx(-1e-3 * p.mean(0).log().mean().item())
    alone = moves(made(0.0), data)["classifier"]
    assert alone["balance"].item() == pytest.approx(-0.3 * p.mean(0).log().mean().item())
    assert loss["decay"].item() == pytest.approx(1e-4 * game.C[1].weight.square().sum().item())
    doubled = moves(made(generated=0.2), data)["classifier"]
    assert doubled["generated"].item() == pytest.approx(2 * loss["generated"].item())


def test_real_pairs_are_few_labelled_rows_among_those_the_classifier_labelled():
    game, seen = made(anchors=2), []
    hook = game.D.register_forward_pre_hook(lambda module, inputs: seen.append(inputs))
    data = batch()
    moves(game, data)
    hook.remove()
    x, y = seen[0]
    assert torch.equal(x, torch.cat([data[0][0][:2], data[1]]))  # both draws of `moves` are the same rows
    assert torch.equal(y[:2].argmax(1), data[0][1][:2])
    assert torch.equal(y[2:].argmax(1), game.C(data[1]).argmax(1))


def test_labels_of_unlabelled_rows_are_never_used():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (40, 8, 8, 1), dtype=np.uint8), np.arange(40) % 3
    few = np.where(np.arange(40) < 12, y, -1)

    def weights(data):
        torch.manual_seed(0)
        game = TripleGAN((1, 8, 8), 3, width=8, z=4)
        for _ in play(game, lambda t: draw(view, data, 8, 0, 0, t), 0, 3):
            pass
        return torch.cat([p.detach().flatten() for p in game.parameters()])

    def view(data, rng, batch):
        (labelled, everything) = data
        return views.labelled(labelled, rng, batch), views.pictures(everything, rng, batch)

    # The same rows twice: once the unlabelled ones keep their labels, once they are told apart from nothing.
    kept, stripped = weights((load((x, few)), load((x, y)))), weights((load((x, few)), load(x)))
    assert torch.equal(kept, stripped)


def test_use():
    game = made()
    y = game.labels(7)
    assert y.tolist() == [0, 1, 2, 0, 1, 2, 0]
    asked = game.sample(4, generator=torch.Generator().manual_seed(0), label=2)
    same = game.sample(4, generator=torch.Generator().manual_seed(0), label=[2, 2, 2, 2])
    assert torch.equal(asked, same)
    assert not torch.equal(asked, game.sample(4, generator=torch.Generator().manual_seed(0), label=1))
    assert game.traverse(rows=2)["label"].shape == (2, 3, 1, 8, 8)
    p = game.classify(batch()[1])
    torch.testing.assert_close(p.sum(1), torch.ones(6))


def test_bad_input():
    with pytest.raises(BadInput, match="at least two classes"):
        TripleGAN((2,), 0)
    with pytest.raises(BadInput, match="Label 3 is none of 0 to 2"):
        made().sample(2, label=3)
