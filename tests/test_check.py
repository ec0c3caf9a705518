"""`check_game` on games that break the contract in one way each: every clause has a sentence."""

import pytest
import torch
from torch import nn

from sparring import Game, Player, check_game
from sparring.errors import BadInput
from sparring.games import GAN


def rows(t):
    generator = torch.Generator().manual_seed(t)
    while True:
        yield torch.randn(8, 2, generator=generator)


class Sound(Game):
    """Two players that keep the contract; each game below breaks one clause of it."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 1)
        self.first, self.second = Player(self.a), Player(self.b, average=0.9)

    def round(self, data):
        x = next(data)
        yield {self.first: self.b(self.a(x)).square().mean()}
        yield {self.second: {"fit": (self.b(self.a(x)) - 1).square().mean()}}


def test_a_game_that_keeps_the_contract_passes_and_leaves_the_random_state_alone():
    torch.manual_seed(3)
    state = torch.get_rng_state()
    check_game(Sound, rows)
    check_game(lambda: GAN((2,), z=4, width=4), rows)
    assert torch.equal(state, torch.get_rng_state())


class Nobody(Sound):
    def __init__(self):
        super().__init__()
        del self.first, self.second


class Empty(Sound):
    def __init__(self):
        super().__init__()
        self.third = Player(nn.Linear(1, 1).requires_grad_(False), optimizer=lambda parameters, lr: None)


class Foreign(Sound):
    def __init__(self):
        super().__init__()
        self.third = Player(nn.Linear(1, 1))


class Shared(Sound):
    def __init__(self):
        super().__init__()
        self.third = Player(self.a)


class Trespassing(Sound):
    def round(self, data):
        for move in super().round(data):
            yield move
            with torch.no_grad():
                self.a.weight.mul_(0.9)  # after the yield, so that it falls into the next move


class Poking(Sound):
    """Moves the other player's network while its loss is being made."""

    def round(self, data):
        x = next(data)
        yield {self.first: self.b(self.a(x)).square().mean()}
        yield {self.second: Poke.apply(self.b(self.a(x)).square().mean(), self.a.weight)}


class Poke(torch.autograd.Function):
    @staticmethod
    def forward(ctx, loss, weight):
        ctx.weight = weight
        return loss.clone()

    @staticmethod
    def backward(ctx, grad):
        ctx.weight.data.mul_(0.9)
        return grad, None


class Backward(Sound):
    def round(self, data):
        x = next(data)
        self.b(self.a(x)).mean().backward()
        yield {self.first: self.b(self.a(x)).square().mean()}
        yield {self.second: self.b(self.a(x)).square().mean()}


class Idle(Sound):
    def round(self, data):
        yield {self.first: self.b(self.a(next(data))).square().mean()}


class Leaking(Sound):
    def round(self, data):
        moves = list(super().round(data))
        with torch.no_grad():
            yield from moves


class Remembering(Sound):
    """Keeps state that no checkpoint knows of."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def round(self, data):
        self.count += 1
        yield {self.first: self.count * self.b(self.a(next(data))).square().mean()}
        yield {self.second: self.b(self.a(next(data))).square().mean()}


class Reporting(Sound):
    """The same, where only a loss shows it."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def round(self, data):
        self.count += 1
        yield {self.first: {"fit": self.b(self.a(next(data))).square().mean(), "count": torch.tensor(float(self.count))}}
        yield {self.second: self.b(self.a(next(data))).square().mean()}


class Vector(Sound):
    def round(self, data):
        x = next(data)
        yield {self.first: {"rows": self.b(self.a(x)).square().squeeze(1)}, self.second: self.b(self.a(x)).mean()}


class Constant(Sound):
    def round(self, data):
        yield {self.first: self.b(self.a(next(data))).mean()}
        yield {self.second: {"fit": torch.ones(())}}


class Infinite(Sound):
    def round(self, data):
        for move in super().round(data):
            yield {player: {"log": (self.b.weight.sum() * 0).log()} for player in move}


class Single(Sound):
    """Makes its own noise in float32, whatever the game is in."""

    def round(self, data):
        x = torch.randn(8, 2)
        yield {self.first: self.b(self.a(x)).square().mean()}
        yield {self.second: self.b(self.a(x)).square().mean()}


@pytest.mark.parametrize(
    ("game", "sentence"),
    [
        (Nobody, "Nobody has no player; assign a Player to an attribute"),
        (Empty, "Player 'third' owns no parameter that can move"),
        (Foreign, "Player 'third' owns a parameter that the game does not hold"),
        (Shared, "Parameter 'a.weight' is owned by both 'first' and 'third'"),
        (Trespassing, "changed 'a.weight'"),
        (Poking, "The move of second changed 'a.weight', which belongs to none of them"),
        (Backward, "left a gradient on 'b.weight'; losses must not call backward"),
        (Idle, "Player 'second' never moves in two rounds"),
        (Leaking, "yields inside torch.no_grad()"),
        (Remembering, "Resuming does not restore 'a.weight' exactly"),
        (Reporting, "After resuming, the loss 'first/count' differs"),
        (Vector, "The loss first/rows has shape (8,); a loss is a scalar"),
        (Constant, "The loss of 'second' does not depend on any parameter"),
        (Infinite, "The loss first/log is -inf in fp32"),
        (Single, "A round in float64 fails"),
    ],
)
def test_every_clause_that_is_broken_has_its_sentence(game, sentence):
    with pytest.raises(BadInput) as found:
        check_game(game, rows)
    assert sentence in str(found.value)
    assert torch.is_grad_enabled()
