"""Options that every game of one G against one D has: combined freely, kept in the contract, or refused by name."""

import re

import numpy as np
import pytest
import torch

from sparring import check_game
from sparring.data import draw, load, views
from sparring.errors import BadInput
from sparring.game import make
from sparring.games import GAN, R3GAN, SYSTEMS, WGAN, WGANGP, InfoGAN
from sparring.games.duel import Duel
from sparring.networks.discriminator import pack
from sparring.options import construct, options_of

SHAPE = (3, 16, 16)
DUELS = sorted(name for name, system in SYSTEMS.items() if issubclass(system, Duel))
COMBINATIONS = {
    "packing": {"packing": 2},
    "spectral": {"spectral": True, "norm_d": "none"},
    "penalties": {"r1": 1.0, "r2": 0.5, "penalty_every": 2, "norm_d": "none"},
    "hinge": {"objective": "hinge"},
    "two time scales": {"lr": 1e-4, "lr_d": 4e-4, "average": 0.9, "decay": 0.1},
    "augment": {"augment": ("color", "translation", "cutout")},
    "resnet": {"networks": "resnet", "norm_d": "none", "hidden": 0},
    "noise": {"input_noise": 0.1, "optimizer": "rmsprop"},
}


def toy(rows: int = 48):
    rng = np.random.default_rng(0)
    return load((rng.integers(0, 256, (rows, *SHAPE[1:], SHAPE[0]), dtype=np.uint8), rng.integers(0, 3, rows)))


def refused(system, facts, options) -> str:
    try:
        construct(system, facts, options)
    except BadInput as refusal:
        return str(refusal)
    return ""


@pytest.mark.parametrize("combination", COMBINATIONS)
@pytest.mark.parametrize("name", DUELS)
def test_every_option_keeps_the_contract_or_is_refused_by_name(name, combination):
    system, data = SYSTEMS[name], toy()
    known = options_of(system)
    # What a system decides by itself is no option of it; how often a critic moves is no matter of this test, but of its time.
    given = {k: v for k, v in {**COMBINATIONS[combination], "n_critic": 1, "n_warm": 1}.items() if k in known}
    facts, options = {"shape": data.shape, "classes": data.classes}, {"width": 8, **given}
    if refusal := refused(system, facts, options):
        named = {option.replace("-", "_") for option in re.findall(r"--([a-z0-9-]+)", refusal)}
        assert named & set(COMBINATIONS[combination]), refusal
        assert combination in ("packing", "spectral", "augment"), f"{name} refuses {combination}: {refusal}"
        return
    check_game(lambda: construct(system, facts, options), lambda t: draw(getattr(views, system.view), data, 16, 0, 0, t), 2)


@pytest.mark.parametrize(
    ("system", "shape", "options", "sentence"),
    [
        (GAN, SHAPE, {"r1": 1.0, "norm_d": "batch"}, "R1 or R2 .* --norm-d"),
        (GAN, SHAPE, {"r2": 1.0, "norm_d": "batch"}, "R1 or R2 .* --norm-d"),
        (GAN, SHAPE, {"r1": -1.0}, "--r1 and --r2 are weights"),
        (GAN, SHAPE, {"spectral": True, "norm_d": "batch"}, "--spectral"),
        (GAN, SHAPE, {"objective": "wasserstein"}, "bounded slope.*--spectral"),
        (GAN, SHAPE, {"packing": 0}, "--packing"),
        (GAN, SHAPE, {"penalty_every": 0}, "--penalty-every"),
        (GAN, SHAPE, {"average": 1.0}, "--average"),
        (GAN, SHAPE, {"decay": 0.0}, "--decay"),
        (GAN, SHAPE, {"networks": "resnet", "norm_d": "batch"}, "--norm-d none"),
        (GAN, SHAPE, {"networks": "resnet", "hidden": 8}, "--hidden"),
        (GAN, (2,), {"augment": ("color",)}, "--augment changes pictures"),
        (InfoGAN, SHAPE, {"packing": 2}, "--packing"),
        (R3GAN, SHAPE, {"norm_d": "batch"}, "--norm-d"),
        (WGAN, SHAPE, {"spectral": True, "norm_d": "none"}, "--spectral"),
        (WGAN, SHAPE, {"clip": 0.0}, "--clip"),
        (WGAN, SHAPE, {"n_critic": 0}, "--n-critic"),
        (WGANGP, SHAPE, {"norm_d": "batch"}, "gradient penalty.*--norm-d"),
        (WGANGP, SHAPE, {"weight": 0.0}, "--weight"),
        (WGANGP, SHAPE, {"n_critic": 0}, "--n-critic"),
    ],
)
def test_what_makes_no_sense_is_refused(system, shape, options, sentence):
    with pytest.raises(BadInput, match=sentence) as refusal:
        system(shape, width=4, **options)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("bound", [{"spectral": True}, {"r1": 1.0}, {"r2": 1.0}], ids=str)
def test_a_wasserstein_critic_of_bounded_slope_is_welcome(bound):
    GAN((2,), width=4, objective="wasserstein", **bound)


def test_packing_must_divide_the_batch():
    game = GAN((2,), width=4, packing=3)
    with pytest.raises(BadInput, match="--packing 3 does not divide the batch of 16"):
        next(game.round(iter([torch.randn(16, 2)])))


def test_a_penalty_is_that_of_a_whole_pack():
    """For D(pack) = w . pack the slope of a pack is |w|, however many rows share it."""
    game = GAN((2,), width=4, packing=4, r1=2.0).double()
    game.D.trunk, game.D.head = torch.nn.Flatten(1), torch.nn.Linear(8, 1).double()
    expected = 2.0 / 2 * game.D.head.weight.square().sum()
    assert game.penalties(torch.randn(12, 2).double(), torch.randn(12, 2).double())["r1"].item() == pytest.approx(expected.item())
    x = torch.randn(12, 2).double()
    assert torch.equal(game.D(x), game.D.of_packs(pack(x, 4)))


def test_packed_rows_are_judged_together():
    """What one row of a pack is changes the pack's logit, and no other's."""
    game = GAN((2,), width=4, packing=2).double()
    x = torch.randn(6, 2).double()
    before = game.D(x)
    x[1] += 1
    after = game.D(x)
    assert before.shape == (3,)
    assert before[0] != after[0]
    assert torch.equal(before[1:], after[1:])


def test_spectral_norm_bounds_the_slope():
    """The logit of an MLP whose weights have norm 1 moves no further than its input."""
    torch.manual_seed(0)
    game = GAN((4,), width=16, spectral=True).double().train()
    with torch.no_grad():
        for p in game.D.parameters():
            p.mul_(10)
        for _ in range(100):  # each pass is one power iteration
            game.D(torch.zeros(1, 4).double())
    game.eval()
    x, y = torch.randn(2, 500, 4).double()
    assert ((game.D(x) - game.D(y)).abs() <= (x - y).norm(dim=1) * (1 + 1e-3)).all()


def test_learning_rates_decay_by_round():
    game = GAN((2,), width=4, lr=1.0, lr_d=2.0, decay=0.5)
    for t, share in ((0, 1.0), (50, 0.75), (100, 0.5)):
        game.begin(t, 100)
        assert game.generator.optimizer.param_groups[0]["lr"] == pytest.approx(share)
        assert game.discriminator.optimizer.param_groups[0]["lr"] == pytest.approx(2 * share)


def test_samples_come_from_the_average():
    game = GAN((2,), width=4, average=0.9, lr=0.1)
    for _ in range(3):
        for move in game.round(iter([torch.randn(8, 2)])):
            make(move)
    z = torch.randn(5, game.z)
    assert torch.equal(game.decode(z), game.generator.average.module[0].eval()(z))
    assert not torch.equal(game.decode(z), game.G(z))
