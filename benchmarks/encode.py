"""Codes of many pictures: `sparring.use.encode`, from uint8 pixels to a file, against the bare network in eval mode on ready tensors."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from sparring.loop import autocast
from sparring.run import Run, prepare
from sparring.use import encode

from .timing import compare, interleave

ROWS, BATCH = 16_384, 512
SYSTEMS = {"infogan": {}, "bigan": {"network": "conv"}}


def rows(repeats: int = 5, count: int = ROWS) -> list[dict[str, Any]]:
    """One row a system and precision: `ratio` is our pictures a second over the bare network's, the median of alternating pairs."""
    pictures = np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for system, options in SYSTEMS.items():
            run = prepare(system, pictures, out=Path(folder) / system, **options)
            warm(run)
            for precision in ("fp32", "bf16"):
                found.append(pair(run, pictures, precision, Path(folder) / "codes.npz", repeats))
    return found


def warm(run: Run) -> None:
    """One pass in training mode, so that batch norm has statistics to fold."""
    with torch.no_grad():
        bare(run.game).train()(run.data()[0].x(slice(0, 64)))


def pair(run: Run, pictures: np.ndarray, precision: str, out: Path, repeats: int) -> dict[str, Any]:
    """Time both in turn, so that whatever else the machine does falls on both alike."""
    x = run.read(pictures, "all").x()
    network = bare(run.game).eval()

    def theirs() -> None:
        with torch.no_grad(), autocast(x.device, precision):
            for part in x.split(BATCH):
                network(part)

    def ours() -> None:
        encode(run, pictures, out, BATCH, precision)

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(x[:1])
    times = interleave({"theirs": theirs, "ours": ours}, 0.0, repeats, warm=1)
    return {
        "work": f"encode {len(pictures):,} pictures of 28x28, {run.config['system']}",
        "peer": "the bare network in eval mode",
        "precision": precision,
        **compare(times["theirs"], times["ours"]),
        "gflop": counter.get_total_flops() * len(pictures) / 1e9,
    }


def bare(game: torch.nn.Module) -> torch.nn.Module:
    """The network whose answers are the codes."""
    return game.E if hasattr(game, "E") else torch.nn.Sequential(game.D.trunk, game.Q)
