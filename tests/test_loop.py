"""The loop: rounds seed themselves, schedules are told, and what is not finite is named."""

import pytest
import torch
from torch import nn

from sparring import Game, Player, make, play
from sparring.errors import RunFailed
from sparring.games import GAN


def rows(t):
    generator = torch.Generator().manual_seed(t)
    while True:
        yield torch.randn(8, 2, generator=generator)


class Faulty(Game):
    """Two layers and a loss of two terms, in which `fault(game, h)` happens to go wrong in round 7."""

    def __init__(self, fault, where="right"):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.head = nn.Sequential(nn.Linear(2, 4), nn.Tanh()), nn.Linear(4, 1)
        self.left, self.right = Player(self.body), Player(self.head)
        self.fault, self.where = fault, where

    def round(self, data):
        h = self.body(next(data))
        wrong = self.fault(self, h) if self.t == 7 else h.new_zeros(())
        fine = {"mean": h.mean() + self.head(h).mean()}
        yield {p: fine | ({"extra": wrong + 0 * h.sum()} if n == self.where else {}) for n, p in self.players.items()}


def failure(game, **options):
    playing = play(game, rows, 0, 20, **options)
    assert [next(playing)[0] for _ in range(7)] == list(range(7))
    with pytest.raises(RunFailed) as found:
        next(playing)
    return str(found.value)


def test_a_loss_term_that_is_not_finite_is_named_with_round_player_and_term():
    message = failure(Faulty(lambda game, h: h.sum() * float("nan")))
    assert message.startswith("Round 7, player 'right': its loss term 'extra' is nan; it begins in the loss itself")


def test_the_first_layer_that_gives_such_a_value_is_named():
    def poison(game, h):
        return game.head(game.body[1](h * float("inf") * 0)).sum()

    class Exploding(nn.Module):
        def forward(self, x):
            return x / 0

    game = Faulty(lambda game, h: game.inner(h.square()).sum(), where="left")
    game.inner = Exploding()
    assert "player 'left': its loss term 'extra' is inf; it begins in layer 'inner' (Exploding)." in failure(game)
    assert "it begins in the data that reach layer 'body.1'" in failure(Faulty(poison))


def test_data_that_are_not_finite_are_named():
    game = GAN((2,), z=4, width=4)
    with pytest.raises(
        RunFailed, match=r"^Round 2, player 'discriminator': .* is nan; it begins in the data that reach layer 'D"
    ):
        for _ in play(game, lambda t: iter([next(rows(t)) * (float("nan") if t == 2 else 1)]), 0, 5):
            pass


def test_a_gradient_that_is_not_finite_is_named_by_its_parameter():
    def cusp(game, h):
        return (game.head.bias - game.head.bias.detach()).square().sum().sqrt()  # 0, with the slope 0 / 0

    message = failure(Faulty(cusp))
    assert (
        "Round 7, player 'right': the gradient of parameter 'bias' is not finite; it begins in parameter 'head.bias'" in message
    )


def test_a_round_depends_on_its_number_alone():
    def last(start, game):
        return [losses for _, losses in play(game, rows, start, 6, seed=3)][-1]

    def fresh():
        torch.manual_seed(0)
        return GAN((2,), z=4, width=4, lr=0.0)  # weights stand still: whatever differs is the noise

    torch.manual_seed(5)
    whole = last(0, fresh())
    torch.manual_seed(6)
    assert whole == last(5, fresh())
    other = [losses for _, losses in play(fresh(), rows, 5, 6, seed=4)][-1]
    assert other != whole


def test_the_loop_is_the_users_if_they_want_it():
    def fresh():
        torch.manual_seed(0)
        return GAN((2,), z=4, width=4)

    ours, theirs = fresh(), fresh()
    seeds = []
    original = torch.manual_seed
    for _ in play(ours, rows, 0, 3):
        seeds.append(torch.initial_seed())
    for t, seed in enumerate(seeds):
        original(seed)
        theirs.begin(t, 3)
        for move in theirs.round(rows(t)):
            make(move)
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_bf16_is_of_the_forward_passes_only():
    game = GAN((2,), z=4, width=4)
    seen = []
    game.D.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    for _ in play(game, rows, 0, 1, precision="bf16"):
        assert not torch.is_autocast_enabled("cpu")
    assert set(seen) == {torch.bfloat16}
    assert {p.dtype for p in game.parameters()} == {torch.float32}


def test_of_a_player_that_moves_several_times_the_last_losses_are_told():
    class Twice(Game):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(2, 1)
            self.player = Player(self.net)

        def round(self, data):
            for k in range(2):
                yield {self.player: {"k": self.net(next(data)).sum() * 0 + k}}

    assert [losses for _, losses in play(Twice(), rows, 0, 1)] == [{"player/k": torch.tensor(1.0)}]
