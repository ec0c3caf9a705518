"""The gradients of domain-adversarial training are those of its equations, and target labels play no part."""

import math

import numpy as np
import pytest
import torch

from sparring.data import draw, load, views
from sparring.errors import BadInput
from sparring.game import make, total
from sparring.games import DANN
from sparring.loop import play
from sparring.run import prepare, resume, train


def batch(shape=(3, 12, 12), n=6, dtype=torch.float64):
    x = torch.randn(2, n, *shape, dtype=dtype, generator=torch.Generator().manual_seed(0))
    return (x[0], torch.arange(n) % 3), x[1]


def made(training="joint", progress=0.3, **options):
    torch.manual_seed(0)
    game = DANN((3, 12, 12), 3, width=4, hidden=8, training=training, **options).double()
    game.begin(int(100 * progress), 100)
    return game


def moves(game, data):
    return {name: loss for move in game.round(iter([data])) for name, loss in named(game, move)}


def named(game, move):
    names = {player: name for name, player in game.players.items()}
    return [(names[player], loss) for player, loss in move.items()]


@pytest.mark.parametrize("training", ["joint", "alternating"])
def test_features_get_minus_lambda_times_the_domain_gradient(training):
    game, data = made(training, weight=0.7), batch()
    lam = 0.7 * (2 / (1 + math.exp(-10 * 0.3)) - 1)
    assert game.lambda_ == pytest.approx(lam, rel=1e-12)
    loss = moves(game, data)["learner"]
    (x_s, _), x_t = data
    plain = torch.autograd.grad(game.domain(game.F(x_s), game.F(x_t)), list(game.F.parameters()))
    reversed_ = torch.autograd.grad(loss["domain"], list(game.F.parameters()))
    assert max(g.abs().max().item() for g in plain) > 1e-4
    for g, r in zip(plain, reversed_, strict=True):
        torch.testing.assert_close(r, -lam * g, rtol=1e-9, atol=1e-14)


def test_lambda_does_not_touch_the_domain_heads_own_loss():
    data = batch()
    gradients = []
    for weight in (0.0, 0.1, 5.0):
        game = made(weight=weight)
        loss = total(moves(game, data)["critic"])
        gradients.append(torch.autograd.grad(loss, list(game.D.parameters())))
    for other in gradients[1:]:
        assert all(torch.equal(a, b) for a, b in zip(gradients[0], other, strict=True))


def test_lambda_rises_from_zero_to_its_weight():
    game = made(weight=2.0)
    values = []
    for t in range(0, 101, 10):
        game.begin(t, 100)
        values.append(game.lambda_)
    assert values[0] == 0
    assert values[-1] == pytest.approx(2 * math.tanh(5))  # 2 / (1 + e^-10) - 1 = tanh 5
    assert values == sorted(values)
    assert game.learner.optimizer.param_groups[0]["lr"] == pytest.approx(0.01 / 11**0.75)


def test_joint_is_one_move_and_alternating_two():
    joint, alternating = made(), made("alternating")
    assert [[name for name, _ in named(joint, move)] for move in joint.round(iter([batch()]))] == [["learner", "critic"]]
    assert [[name for name, _ in named(alternating, move)] for move in alternating.round(iter([batch()]))] == [
        ["critic"],
        ["learner"],
    ]
    many = made("alternating", n_critic=3)
    rows = iter([batch()] * 3)
    assert [[name for name, _ in named(many, move)] for move in many.round(rows)] == [["critic"]] * 3 + [["learner"]]
    # Alternating, F faces the domain head that has moved; jointly, the one before.
    seen = {}
    for game in (joint, alternating):
        for move in game.round(iter([batch()])):
            seen |= {(game, name): loss["domain"].item() for name, loss in named(game, move)}
            make(move)
    assert seen[joint, "learner"] == -joint.lambda_ * seen[joint, "critic"]
    assert seen[alternating, "learner"] != -alternating.lambda_ * seen[alternating, "critic"]


def test_weight_zero_trains_exactly_the_network_beside():
    game = made(weight=0.0, beside=True)
    for _ in range(2):
        for move in game.round(iter([batch()])):
            make(move)
    pairs = zip((*game.F.parameters(), *game.C.parameters()), (*game.F0.parameters(), *game.C0.parameters()), strict=True)
    for a, b in pairs:
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)  # the sums over one batch and over two differ by rounding
    x = batch()[1]
    torch.testing.assert_close(game.classify(x), game.classify(x, adapted=False))


def test_target_labels_change_no_bit():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (2, 40, 12, 12, 3), dtype=np.uint8), rng.integers(0, 3, 40)

    def weights(target):
        torch.manual_seed(0)
        game = DANN((3, 12, 12), 3, width=4, hidden=8)
        for _ in play(game, lambda t: draw(views.domains, (load((x[0], y)), load(target)), 8, 0, 0, t), 0, 3):
            pass
        return torch.cat([p.detach().flatten() for p in game.parameters()])

    told = weights((x[1], y))
    assert torch.equal(told, weights((x[1], rng.permutation(y))))
    assert torch.equal(told, weights(x[1]))
    assert not torch.equal(told, weights((x[1][::-1].copy(), y)))


def test_source_and_target_are_brought_together(tmp_path):
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (20, 16, 16), dtype=np.uint8), np.arange(20) % 3
    colour = rng.integers(0, 256, (20, 12, 12, 3), dtype=np.uint8)
    options = {"rounds": 4, "batch": 8, "width": 4, "hidden": 8, "quiet": True}
    whole = train("dann", [grey, colour], out=tmp_path / "whole", **options)
    assert [data.shape for data in whole.data()] == [(3, 16, 16)] * 2
    assert [data.shape for data in whole.data("test")] == [(3, 16, 16)] * 2
    assert whole.game.classify(whole.data("test")[1].x()).shape == (4, 3)

    resumed = train("dann", [grey, colour], out=tmp_path / "half", **{**options, "rounds": 2})
    resumed = resume(resumed.path, rounds=4, data=[grey, colour], quiet=True)
    same = zip(whole.game.parameters(), resumed.game.parameters(), strict=True)
    assert resumed.round == 4
    assert all(torch.isfinite(b).all() and a.shape == b.shape for a, b in same)


def test_two_data_sets_of_one_kind_are_needed(tmp_path):
    x, y = np.zeros((20, 16, 16), np.uint8), np.arange(20) % 3
    with pytest.raises(BadInput, match="give two, a labelled source and a target"):
        prepare("dann", (x, y)[:1])
    with pytest.raises(BadInput, match="needs rows of one kind"):
        prepare("dann", [(x, y), np.zeros((20, 4), np.float32)])
    with pytest.raises(BadInput, match="needs rows of one kind"):
        prepare("dann", [(np.zeros((20, 3), np.float32), y), np.zeros((20, 4), np.float32)])
    with pytest.raises(BadInput, match="at least two classes"):
        prepare("dann", [x, x], out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_bad_input():
    with pytest.raises(BadInput, match="at least two classes"):
        DANN((2,), 1)
    with pytest.raises(BadInput, match="--beside"):
        made().encode(batch()[1], adapted=False)
