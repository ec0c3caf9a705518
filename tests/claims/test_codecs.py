"""What the claims of VAE-GAN and BiGAN measure: on games whose answers are known."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from sparring.claims import vae_gan
from sparring.claims.bigan import figures
from sparring.claims.training import trained, untrained
from sparring.data import load
from sparring.game import Move
from sparring.games import VAEGAN, BiGAN

ZEROS = ("gan to encoder", "like to discriminator")


class Leaky(VAEGAN):
    """Everybody descends everything: the fault the routing is asked about."""

    def round(self, data: Iterator[Tensor]) -> Iterator[Move]:
        move = next(super().round(data))
        losses = [sum(loss.values()) for loss in move.values()]  # type: ignore[union-attr]
        yield dict.fromkeys(move, sum(losses))  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{}, {"discriminator": "three-way", "objective": "non-saturating"}], ids=str)
def test_the_routing_of_a_vae_gan(options: dict) -> None:
    torch.manual_seed(0)
    found = vae_gan.routing(VAEGAN((1, 8, 8), width=4, z=2, **options), torch.rand(8, 1, 8, 8))
    assert {name: value for name, value in found.items() if value == 0} == dict.fromkeys(ZEROS, 0.0)


def test_a_leak_is_seen() -> None:
    torch.manual_seed(0)
    found = vae_gan.routing(Leaky((1, 8, 8), width=4, z=2), torch.rand(8, 1, 8, 8))
    assert min(found[name] for name in ZEROS) > 0


def test_a_judge_who_knows_one_class_tells_a_third_apart() -> None:
    torch.manual_seed(0)
    game = VAEGAN((1, 8, 8), width=4, z=2, discriminator="three-way")
    with torch.no_grad():
        game.D.head.bias[1] += 100
    assert vae_gan.told_apart(game, torch.rand(9, 1, 8, 8), seed=0) == pytest.approx(1 / 3)


class Perfect(BiGAN):
    """Rows are their codes."""

    def answers(self, x: Tensor, batch: int = 512) -> Tensor:
        return x

    def encode(self, x: Tensor, batch: int = 512) -> Tensor:
        return x

    def decode(self, z: Tensor, batch: int = 512) -> Tensor:
        return z


def test_figures_of_a_perfect_pair() -> None:
    torch.manual_seed(0)
    x = torch.randn(60, 4) + 10 * torch.eye(4)[torch.arange(60) % 4]
    data = load((x.numpy(), (torch.arange(60) % 4).numpy()))
    found = figures(Perfect((4,), z=4, width=8), data, data, seed=0)
    assert found == {"x": 0, "z": 0, "nearest": 100}


def test_training_is_decided_by_its_seed_and_leaves_the_callers_alone() -> None:
    data = load("ring")
    state = torch.get_rng_state()
    options = {"width": 8, "z": 2}
    first, again = (trained(BiGAN, data, rounds=2, batch=8, seed=1, **options) for _ in range(2))
    start = untrained(BiGAN, data, seed=1, **options)
    assert torch.equal(torch.get_rng_state(), state)
    weights = [torch.cat([p.flatten() for p in game.parameters()]) for game in (first, again, start)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
