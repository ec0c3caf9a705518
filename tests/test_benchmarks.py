"""Benchmarks at toy size: both sides play the same game, and every row has what is promised. No test asserts a time."""

import json

import pytest
import torch
from benchmarks import encode, textbook
from benchmarks.__main__ import KEYS, table, write
from benchmarks.timing import Alive, compare, gflop, interleave, memory_mb
from benchmarks.training import WORKS, Work, loss_gap, measure, started

IDS = [f"{work.name} against {work.peer}" for work in WORKS]


@pytest.mark.parametrize("work", WORKS, ids=IDS)
def test_the_plain_way_plays_the_same_game(work):
    assert loss_gap(work, 8, 8, rounds=3, dtype=torch.float64) < 1e-12


def test_another_game_is_not_timed():
    """The comparison must be able to fail: here the textbook forgets its sigmoid's half of the loss."""

    class Other(textbook.GAN):
        def round(self, x):
            return {name: 2 * loss for name, loss in super().round(x).items()}

    good = WORKS[2]
    with pytest.raises(ArithmeticError, match="differ"):
        measure(Work(good.name, good.peer, good.game, Other), 0.0, 8, 8, 2)


@pytest.mark.parametrize("work", [WORKS[0], WORKS[-1]], ids=[IDS[0], IDS[-1]])
def test_rows(work, tmp_path):
    rows = measure(work, 0.0, 8, 8, 2)
    assert [row["precision"] for row in rows] == list(work.precisions)
    write(rows, tmp_path / "results.json")
    for row in json.loads((tmp_path / "results.json").read_text()):
        assert set(KEYS) <= set(row)
        low, high = row["spread"]
        assert 0 < low <= row["ratio"] <= high
        assert row["turns"] == 2
        assert row["peak_memory_mb"] > 0
        assert row["gflop"] <= row["peer_gflop"]  # the textbook goes backward through weights that do not move
        assert set(row["machine"]) == {"processor", "capability", "cores", "threads", "system"}
        assert set(row["versions"]) == {"python", "torch", "sparring"}
    assert len(table(rows).splitlines()) == 2 + len(rows)


def test_rows_of_codes(tmp_path):
    rows = encode.rows(repeats=2, count=32)
    write(rows, tmp_path / "results.json")
    rows = json.loads((tmp_path / "results.json").read_text())
    assert all(set(KEYS) <= set(row) for row in rows)
    assert len(table(rows).splitlines()) == 2 + len(rows)


def test_weights_are_carried_over_exactly():
    game = started(WORKS[0], 8, torch.float64).eval()
    plain = textbook.GAN(game, 8)
    z, x = torch.randn(5, game.z).double(), torch.randn(5, *game.shape).double()
    with torch.no_grad():
        assert torch.allclose(plain.G.eval()(z[..., None, None]), game.G(z), atol=1e-12)
        assert torch.allclose(plain.D.eval()(x)[:, 0], game.D(x), atol=1e-12)


def test_sides_take_turns():
    said: list[str] = []
    times = interleave({"a": lambda: said.append("a"), "b": lambda: said.append("b")}, 0.0, turns=3, warm=1)
    assert "".join(said) == "ab" + "ba" + "ab" + "ba"
    assert [len(t) for t in times.values()] == [3, 3]


def test_ratios_are_taken_turn_by_turn():
    """A machine that halves its speed between turns changes nothing."""
    assert compare([3.0, 6.0, 12.0], [1.0, 2.0, 4.0]) == {"ratio": 3.0, "spread": [3.0, 3.0]}


def test_operations_are_counted():
    a, b = torch.randn(10, 20, requires_grad=True), torch.randn(20, 30)
    assert gflop(lambda: a @ b) == pytest.approx(2 * 10 * 20 * 30 / 1e9)
    assert gflop(lambda: (a @ b).sum().backward()) == pytest.approx(2 * 2 * 10 * 20 * 30 / 1e9)


def test_bytes_alive():
    """Weights, the gradient, Adam's two moments: four times the weights, and what the pass needs besides."""

    def make():
        layer = torch.nn.Linear(1000, 1000, bias=False)
        adam = torch.optim.Adam(layer.parameters(), fused=True)
        x = torch.randn(1, 1000)

        def side():
            layer(x).sum().backward()
            adam.step()
            adam.zero_grad()

        return side

    assert 16.0 <= memory_mb(make) < 16.5
    with Alive() as alive:
        for _ in range(5):
            x = torch.ones(1000)
            y = x[:500]  # a view has no bytes of its own
    del x, y
    assert alive.peak == 8000
    assert alive.now == 0
