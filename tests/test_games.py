"""One property over all systems: every game keeps the contract."""

import numpy as np
import pytest
import torch

from sparring import check_game
from sparring.data import draw, load, views
from sparring.games import SYSTEMS
from sparring.options import construct

SMALL = {"width": 8}


def toy(shape, classes=3, rows=48, seed=0):
    rng = np.random.default_rng(seed)
    if len(shape) == 1:
        x = rng.normal(size=(rows, *shape)).astype(np.float32)
    else:
        c, h, w = shape
        x = rng.integers(0, 256, (rows, h, w, c), dtype=np.uint8)
    return load((x, rng.integers(0, classes, rows)))


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8), (3, 16, 12)], ids=str)
@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_keeps_the_contract(name, shape):
    system, data = SYSTEMS[name], toy(shape)
    source = (data, toy(shape, seed=1)) if system.view == "domains" else data
    view = getattr(views, system.view)
    facts = {"shape": data.shape, "classes": data.classes}
    check_game(lambda: construct(system, facts, SMALL), lambda t: draw(view, source, 16, 0, 0, t))


@pytest.mark.parametrize("name", SYSTEMS)
def test_outside_play_every_system_gives_what_it_promises(name):
    system, data = SYSTEMS[name], toy((1, 8, 8))
    game = construct(system, {"shape": data.shape, "classes": data.classes}, SMALL)
    game.train()
    if hasattr(game, "sample"):
        a, b = (game.sample(5, generator=torch.Generator().manual_seed(1)) for _ in range(2))
        assert a.shape == (5, 1, 8, 8)
        assert torch.equal(a, b)
        assert a.abs().max() <= 1
    if hasattr(game, "encode"):
        codes = game.encode(data.x())
        assert codes.ndim == 2
        assert codes.dtype == torch.float32
        assert torch.equal(codes[:7], game.encode(data.x(slice(0, 7)))) or torch.allclose(
            codes[:7], game.encode(data.x(slice(0, 7)))
        )
    assert all(m.training for p in game.players.values() for m in p.networks.modules()), "use must leave training mode as it was"
