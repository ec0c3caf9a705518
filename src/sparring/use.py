"""Runs put to use: samples and codes as files."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .abilities import Encode, Sample
from .data import save_grid, to_uint8
from .errors import BadInput, unknown
from .run import Run, load


def sample(run: Run | Path | str, out: Path | str, count: int = 64, seed: int = 0, label: str | None = None) -> None:
    """Draw `count` samples of `run` into `out`, a .png grid or an .npz (`images` uint8 (n, H, W, C), or `x` float32 (n, d)).

    Raises:
        BadInput: The system cannot sample, has no such label, or `out` is of another kind or cannot be written.
    """
    run, out = opened(run), writable(out, ".png", ".npz")
    if not isinstance(run.game, Sample):
        raise BadInput(f"A {run.config['system']} does not sample; `sparring systems` says what each system can do.")
    if count < 1:
        raise BadInput(f"Option --count must be at least 1, not {count}.")
    condition: dict[str, Any] = {} if label is None else {"label": label_index(run, label)}
    x = run.game.sample(count, generator=torch.Generator().manual_seed(seed), **condition).cpu()
    if out.suffix == ".png":
        save_grid(x, out)
    elif x.ndim == 4:
        save_arrays(out, images=to_uint8(x))
    else:
        save_arrays(out, x=x.numpy())


def encode(run: Run | Path | str, data: Any, out: Path | str, batch: int = 512) -> tuple[int, int]:
    """Write codes of all of `data` to `out` (.npz); gives their count and width. Memory holds one batch and the codes.

    Raises:
        BadInput: The system does not encode, or the data do not fit it.
    """
    run, out = opened(run), writable(out, ".npz")
    if not isinstance(run.game, Encode):
        raise BadInput(f"A {run.config['system']} does not encode; `sparring systems` says what each system can do.")
    rows = run.read(data, "all")
    found, codes = [], []
    for index, x in rows.batches(batch):
        found.append(index)
        codes.append(run.game.encode(x).cpu().numpy())
    kept, values = np.concatenate(found), np.concatenate(codes)
    extra: dict[str, Any] = {}
    if rows.labels is not None:
        extra["labels"] = rows.labels[kept]
    if rows.files is not None:
        extra["files"] = np.array(rows.files)[kept]
    save_arrays(out, codes=values, **extra)
    return values.shape


def opened(run: Run | Path | str) -> Run:
    return run if isinstance(run, Run) else load(run)


def writable(out: Path | str, *kinds: str) -> Path:
    """`out` as a path that can be written, of one of these kinds; asked before the work, not after it."""
    out = Path(out)
    if out.suffix not in kinds:
        raise BadInput(f"Option --out must end in {' or '.join(kinds)}, not {out.name!r}.")
    if not out.parent.is_dir() or not os.access(out.parent, os.W_OK):
        raise BadInput(f"Option --out: the folder {out.parent} is missing or cannot be written.")
    return out


def save_arrays(out: Path, **arrays: np.ndarray) -> None:
    """Write an .npz whole or not at all."""
    part = out.with_name(out.name + ".part")
    try:
        with part.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        os.replace(part, out)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadInput(f"{out} could not be written ({error.strerror}).") from error


def label_index(run: Run, label: str) -> int:
    """The number of a class, by name or number."""
    names = run.config["data"][0]["label_names"]
    if label in names:
        return names.index(label)
    if label.isdigit() and int(label) < len(names):
        return int(label)
    raise unknown("label", label, names)
