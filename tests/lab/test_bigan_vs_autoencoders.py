"""The experiment runs, writes its files, and its judge judges."""

import json
from pathlib import Path

import torch

from sparring import lab
from sparring.data import load
from sparring.lab.bigan_vs_autoencoders import GAMES, Judge


def test_a_quick_run_writes_a_picture_and_a_table(tmp_path: Path) -> None:
    shares: list[float] = []
    result = lab.run("bigan-vs-autoencoders", tmp_path, quick=True, progress=shares.append)
    assert [row["game"] for row in result.table] == list(GAMES)
    assert result.figure.stat().st_size > 10_000
    stored = json.loads(result.data.read_text())
    assert stored["table"] == result.table
    assert stored["quick"] is True
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert all(0 <= row["same class"] <= 1 and row["mse"] > 0 for row in result.table)


def test_the_judge_knows_its_own_rows_and_not_noise() -> None:
    data = load("digits", split="train").subset(range(300))
    judge = Judge(data)
    assert judge.accuracy(data.x(), data.y()) == 1.0
    noise = torch.rand(300, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert judge.accuracy(noise, data.y()) < 0.3
