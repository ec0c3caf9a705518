"""Players, moves and games: who moves, when, and by how much."""

import copy

import pytest
import torch
from torch import nn

from sparring import Game, Player, make
from sparring.distribute import seed_of
from sparring.errors import RunFailed
from sparring.game import NotFinite, terms, total


class Tug(Game):
    """Two players pull at one product; by gradient descent both need the other's old weight."""

    def __init__(self, **options):
        super().__init__()
        self.a, self.b = (nn.Linear(1, 1, bias=False, dtype=torch.float64) for _ in range(2))
        nn.init.constant_(self.a.weight, 2.0)
        nn.init.constant_(self.b.weight, 3.0)
        options = {"lr": 0.1, "optimizer": torch.optim.SGD} | options
        self.left, self.right = Player(self.a, **options), Player(self.b, **options)

    def round(self, data):
        product = self.a.weight * self.b.weight
        yield {self.left: product.sum(), self.right: -product.sum()}


def weights(game):
    return [p.item() for p in game.parameters()]


def test_players_of_one_move_play_simultaneously():
    game = Tug()
    for move in game.round(None):
        make(move)
    assert weights(game) == pytest.approx([2 - 0.1 * 3, 3 + 0.1 * 2])  # not 3 + 0.1 * 1.7


def test_moves_of_one_round_play_in_turns():
    class Turns(Tug):
        def round(self, data):
            yield {self.left: (self.a.weight * self.b.weight).sum()}
            yield {self.right: -(self.a.weight * self.b.weight).sum()}

    game = Turns()
    for move in game.round(None):
        make(move)
    assert weights(game) == pytest.approx([1.7, 3 + 0.1 * 1.7])


def test_a_players_loss_never_reaches_the_networks_of_another():
    game = Tug()
    make({game.left: (game.a.weight * game.b.weight).sum()})
    assert weights(game) == pytest.approx([1.7, 3])
    assert all(p.grad is None for p in game.parameters())


def test_a_dict_of_terms_is_descended_as_their_sum():
    whole, named = Tug(), Tug()
    make({whole.left: (whole.a.weight**2 + 3 * whole.a.weight).sum()})
    make({named.left: {"square": named.a.weight**2, "line": (3 * named.a.weight).sum()}})
    assert weights(whole) == weights(named)
    loss = {"a": torch.tensor([1.0]), "b": torch.tensor(2.0)}
    assert total(loss).shape == ()
    assert total(loss) == 3
    assert list(terms(loss)) == ["a", "b"]
    assert list(terms(torch.tensor(1.0))) == [""]


def test_a_schedule_is_a_function_of_the_round_and_forgets_nothing():
    game = Tug(schedule=lambda t, rounds: 1 - t / rounds)
    for t in (0, 5, 9, 0):  # in any order: a resumed run jumps into the middle
        game.begin(t, 10)
        assert game.left.optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * (1 - t / 10))
        assert game.progress == t / 10
    game.begin(5, 10)
    make({game.left: game.a.weight.sum()})
    assert game.a.weight.item() == pytest.approx(2 - 0.05)


def test_a_running_average_starts_after_the_first_step():
    game = Tug(average=0.75)
    with game.serving(game.a) as served:
        assert served is game.a, "before the first step there is nothing to average"
    trail = []
    for _ in range(3):
        make({game.left: (3 * game.a.weight).sum()})
        trail.append(game.a.weight.item())
    expected = trail[0]
    for weight in trail[1:]:
        expected = 0.75 * expected + 0.25 * weight
    with game.serving(game.a) as served:
        assert served.weight.item() == pytest.approx(expected)
        assert not torch.is_grad_enabled()
    with game.serving(game.b) as served:
        assert served is game.b, "its player has not moved"


def test_a_running_average_copies_buffers():
    class Normed(Game):
        def __init__(self):
            super().__init__()
            self.net = nn.BatchNorm1d(2)
            self.player = Player(self.net, average=0.9)

    game = Normed()
    for _ in range(2):
        make({game.player: game.net(torch.randn(8, 2)).square().mean()})
    assert torch.equal(game.player.average.module[0].running_mean, game.net.running_mean)


def test_serving_leaves_the_mode_of_every_layer_as_it_was():
    game = Tug()
    game.a.train()
    game.b.eval()
    for network in (game.a, game.b):
        with game.serving(network) as served:
            assert not served.training
    assert game.a.training
    assert not game.b.training


def test_players_of_inner_games_are_named_after_their_level():
    class Outer(Game):
        def __init__(self):
            super().__init__()
            self.levels = nn.ModuleList([Tug(), Tug()])
            self.own = Player(nn.Linear(1, 1))

        def round(self, data):
            for level in self.levels:
                yield from level.round(data)

    game = Outer()
    assert sorted(game.players) == ["levels.0.left", "levels.0.right", "levels.1.left", "levels.1.right", "own"]
    game.begin(3, 7)
    assert [(level.t, level.rounds) for level in game.levels] == [(3, 7), (3, 7)]
    for move in game.round(None):
        make(move)
    assert weights(game.levels[0]) == weights(game.levels[1]) != [2.0, 3.0]


def test_a_network_that_nobody_owns_stays_in_eval():
    class Judged(Game):
        def __init__(self):
            super().__init__()
            self.net, self.judge = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
            self.player = Player(self.net)

    game = Judged().eval().train()
    assert game.training
    assert game.net.training
    assert not game.judge.training
    assert not game.eval().net.training


def test_a_copy_of_a_game_has_players_of_its_own():
    game = Tug(average=0.5)
    twin = copy.deepcopy(game)
    for move in twin.round(None):
        make(move)
    assert weights(game) == [2.0, 3.0]
    assert weights(twin) != [2.0, 3.0]


def test_averages_follow_a_game_to_another_precision():
    game = Tug(average=0.5).float()
    assert next(game.left.average.parameters()).dtype == torch.float32


@pytest.mark.parametrize("player", ["left", "right"])
def test_a_loss_that_is_not_finite_moves_nobody(player):
    game = Tug()
    bad = {
        "good": game.a.weight.sum() + game.b.weight.sum(),
        "bad": game.a.weight.log().sum() * game.b.weight.sum() * float("nan"),
    }
    good = game.a.weight.sum() + game.b.weight.sum()
    move = {getattr(game, name): bad if name == player else good for name in ("left", "right")}
    with pytest.raises(NotFinite, match=r"term 'bad' is nan") as found:
        make(move)
    assert found.value.player is getattr(game, player)
    assert isinstance(found.value, RunFailed)
    assert weights(game) == [2.0, 3.0]
    assert all(p.grad is None for p in game.parameters()), "whoever goes on must not find half a move's gradients"


def test_a_gradient_that_is_not_finite_is_named_by_its_parameter():
    game = Tug()
    with torch.no_grad():
        game.a.weight.zero_()
    with pytest.raises(NotFinite, match="gradient of parameter 'weight'") as found:
        make({game.left: game.a.weight.sqrt().sum()})  # finite, with an infinite slope
    assert found.value.parameter is game.a.weight
    assert game.a.weight.item() == 0


def test_seeds_are_the_same_on_every_machine():
    assert seed_of(0, 0, 1) == 406524142563839666
    assert seed_of(0, "weights") != seed_of(0, "samples")
    assert len({seed_of(0, rank, t) for rank in range(8) for t in range(100)}) == 800
    assert all(0 <= seed_of(s, 0, 0) < 2**63 for s in range(100))
