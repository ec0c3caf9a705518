"""D alone: what its searches find, that they leave D alone, and that a searched negative is worth more than a fixed one."""

import itertools

import pytest
import torch

from sparring.errors import BadInput
from sparring.games import DiscriminatorAlone
from sparring.loop import play


def bars_and_stripes(side: int) -> torch.Tensor:
    """Every picture whose rows are all alike or whose columns are: 2^(side + 1) - 2 of them, pixels -1 and 1."""
    lines = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=side)))
    both = torch.cat([lines[:, :, None].expand(-1, side, side), lines[:, None, :].expand(-1, side, side)])
    return both.unique(dim=0)[:, None]


def test_numbers_name_every_row_once():
    game = DiscriminatorAlone((1, 2, 3), binary=True, width=4)
    rows = game.state(torch.arange(64))
    assert rows.shape == (64, 1, 2, 3)
    assert len(rows.unique(dim=0)) == 64
    assert rows.abs().eq(1).all()
    assert torch.allclose(game.scores(), game.D(rows))


@pytest.mark.parametrize(("negatives", "learns"), [("argmax", True), ("fixed", False)])
def test_believes_in_bars_and_stripes(negatives, learns):
    """512 pictures, 14 of them right: a pool of 16 that never changes leaves D believing in most of the others."""
    x = bars_and_stripes(3)
    assert len(x) == 14
    torch.manual_seed(0)
    game = DiscriminatorAlone(
        (1, 3, 3), binary=True, negatives=negatives, pool=256 if learns else 16, width=16, lr=2e-3, r1=0, r2=0
    )
    for _ in play(game, lambda t: iter([x[torch.randint(14, (32,))]]), 0, 300):
        pass
    valid = {tuple(row.flatten().tolist()) for row in x}
    believed = {tuple(row.flatten().tolist()) for row in game.believed()}
    assert valid <= believed
    precision = len(valid & believed) / len(believed)
    assert (precision == 1) == learns
    assert learns or precision < 0.5
    assert {tuple(row.flatten().tolist()) for row in game.sample(50, torch.Generator().manual_seed(0))} <= believed


def test_climbing_raises_the_logit_and_leaves_no_gradient_on_the_discriminator():
    torch.manual_seed(0)
    game = DiscriminatorAlone((3, 8, 8), width=4, step=0.1)
    x = game.starts(6)
    up = game.climb(x, 5)
    assert (game.D(up) > game.D(x)).all()
    assert up.abs().max() <= 1
    assert all(p.grad is None for p in game.parameters())
    assert not up.requires_grad


def test_what_was_found_is_kept_and_restarts_begin_anew():
    torch.manual_seed(0)
    game = DiscriminatorAlone((2,), width=4, pool=8)
    list(game.round(iter([torch.randn(8, 2) * 5 + 100])))
    assert game.low.max() > 50, "searches start where the data are"
    before = game.pool.clone()
    list(game.round(iter([torch.randn(8, 2)])))
    assert not torch.equal(game.pool, before)
    assert game.low.max() > 50, "the first batch says where, once"
    assert game.search(3, torch.Generator().manual_seed(0), steps=2).shape == (3, 2)


def test_langevin_draws_from_the_density():
    """With D(x) = -|x|^2 / 2 at temperature 1, exp(D) is the standard normal."""
    torch.manual_seed(0)
    game = DiscriminatorAlone((1,), width=4, temperature=1.0, step=0.05).double()
    game.D = type("Bowl", (torch.nn.Module,), {"forward": lambda self, x: -x.square().sum(1) / 2})()
    x = game.climb(torch.zeros(20000, 1).double(), 200)
    assert x.mean().item() == pytest.approx(0, abs=0.03)
    assert x.std().item() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(
    ("shape", "options", "sentence"),
    [
        ((1, 8, 8), {"binary": True}, "--binary searches all 2\\^64"),
        ((2,), {"pool": 0}, "--pool"),
        ((2,), {"step": 0.0}, "--step"),
        ((2,), {"restart": 1.5}, "--restart"),
    ],
)
def test_what_makes_no_sense_is_refused(shape, options, sentence):
    with pytest.raises(BadInput, match=sentence):
        DiscriminatorAlone(shape, width=4, **options)


def test_only_a_binary_space_can_be_listed():
    with pytest.raises(BadInput, match="--binary"):
        DiscriminatorAlone((2,), width=4).believed()
