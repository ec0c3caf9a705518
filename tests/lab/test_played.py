"""The experiments that play games: every quick run writes what it promises, and what they measure by is right."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from sparring.claims.wgan import share_at_bounds
from sparring.claims.wgan_gp import estimate
from sparring.games import WGANGP
from sparring.lab import EXPERIMENTS, run
from sparring.lab.argmax_discriminator import bars_and_stripes, drill
from sparring.lab.mode_collapse import VARIANTS, WORLDS, match, report, samples

PLAYED = ("argmax-discriminator", "mode-collapse")


@pytest.mark.parametrize("name", PLAYED)
def test_quick_run(name: str, tmp_path: Path) -> None:
    shares: list[float] = []
    before = torch.random.get_rng_state()
    result = run(name, tmp_path, quick=True, progress=shares.append)
    assert torch.equal(before, torch.random.get_rng_state())
    assert result.figure.read_bytes().startswith(b"\x89PNG")
    stored = json.loads(result.data.read_text())
    assert len(stored["table"]) == len(result.table) > 0
    assert "prove nothing" in result.paragraph
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_a_match_is_decided_by_its_seed() -> None:
    def play(seed: int) -> torch.Tensor:
        for _t, game in match("ring", "r3gan", {"width": 4}, 3, seed):
            last = game
        return samples(last)

    assert torch.equal(play(1), play(1))
    assert not torch.equal(play(1), play(2))


def test_the_worlds_themselves_are_evenly_good() -> None:
    for world, modes in WORLDS.items():
        noise = torch.randn(100 * len(modes().centres), 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        x = torch.as_tensor(modes().centres).repeat(100, 1) + modes().sigma * noise
        found = report(world, x)
        assert found.fair == found.of
        assert found.good == pytest.approx(0.989, abs=0.01)
        assert found.reverse_kl < 1e-3
    assert {"non-saturating", "packing 4", "r3gan"} < set(VARIANTS)


def test_bars_and_stripes() -> None:
    x = bars_and_stripes(4)
    assert x.shape == (30, 1, 4, 4)
    assert len(x.unique(dim=0)) == 30
    assert all((row == row[0:1]).all() or (row == row[:, 0:1]).all() for row in x[:, 0])


def test_a_drill_reports_shares() -> None:
    for t, precision, recall in drill("argmax", 4, 0, side=2, every=2):
        assert t in (2, 4)
        assert 0 <= precision <= 1
        assert 0 <= recall <= 1


def test_share_at_bounds() -> None:
    layer = nn.Linear(4, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.01, -0.01, 0.005, 0.0]]))
    assert share_at_bounds(layer) == 0.5


def test_a_critic_measures_a_shift() -> None:
    """Two copies of the same points a distance of one apart: W = 1, and every road between them is as long."""
    torch.manual_seed(0)
    y = torch.rand(64, 2)
    x = y + torch.tensor([1.0, 0.0])
    assert estimate(WGANGP((2,), width=32, n_critic=200, lr=3e-3), x, y) == pytest.approx(1, abs=0.1)
    assert set(PLAYED) < set(EXPERIMENTS)
