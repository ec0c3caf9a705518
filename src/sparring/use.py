"""Runs put to use: samples and codes as files."""

import copy
import hashlib
import inspect
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from .abilities import Encode, Sample
from .data import Data, save_grid, to_uint8
from .errors import BadInput, unknown
from .game import Game
from .loop import autocast
from .networks.fold import fold
from .run import Run, load

T = TypeVar("T")
PART = 2**16
"""Rows of codes that are kept in memory before they are written."""


def sample(run: Run | Path | str, out: Path | str, count: int = 64, seed: int = 0, label: str | None = None) -> None:
    """Draw `count` samples of `run` into `out`, a .png grid or an .npz (`images` uint8 (n, H, W, C), or `x` float32 (n, d)).

    Raises:
        BadInput: The system cannot sample, has no such label, or `out` is of another kind or cannot be written.
    """
    run, out = opened(run), writable(out, ".png", ".npz")
    if not isinstance(run.game, Sample):
        raise BadInput(f"{run.config['system']} does not sample; `sparring systems` says what each system can do.")
    if count < 1:
        raise BadInput(f"Option --count must be at least 1, not {count}.")
    if not 0 <= seed < 2**63:
        raise BadInput(f"Option --seed is a whole number from 0 up to 2^63 - 1, not {seed}.")
    if label is not None and "label" not in inspect.signature(run.game.sample).parameters:
        raise BadInput(f"{run.config['system']} takes no --label; leave it out.")
    condition: dict[str, Any] = {} if label is None else {"label": label_index(run, label)}
    x = run.game.sample(count, generator=torch.Generator().manual_seed(seed), **condition).cpu()
    if out.suffix == ".png":
        with replacing(out) as file:
            save_grid(x, file)
    elif x.ndim == 4:
        save_arrays(out, images=to_uint8(x))
    else:
        save_arrays(out, x=x.numpy())


def encode(run: Run | Path | str, data: Any, out: Path | str, batch: int = 512, precision: str = "fp32") -> tuple[int, int]:
    """Write codes of all of `data` to `out`; gives their count and width.

    Codes are written in parts beside `out`, which are merged at the end and then removed: memory holds one part, whatever the
    number of rows, and a run that was killed goes on with the first part that is missing. The networks are folded and
    channels-last copies; see `ready`.

    Args:
        run: A run, or its directory.
        data: What `sparring.data.load` reads.
        out: FILE.npz with arrays, or FILE.parquet with columns (the extra `parquet`): `codes` float32, `labels` and `files` where known.
        batch: Rows at a time.
        precision: Of the forward passes, "fp32" or "bf16".

    Raises:
        BadInput: The system does not encode, the data do not fit it, or `out` cannot be written.
    """
    run, out = opened(run), writable(out, *WRITERS)
    if not isinstance(run.game, Encode):
        raise BadInput(f"{run.config['system']} does not encode; `sparring systems` says what each system can do.")
    if batch < 1:
        raise BadInput(f"Option --batch must be at least 1, not {batch}.")
    if precision not in ("fp32", "bf16"):
        raise BadInput(f"Option --precision is fp32 or bf16, not {precision!r}.")
    write = WRITERS[out.suffix]()
    rows = run.read(data, "all")
    parts = encode_parts(run.game, rows, out.with_name(out.name + ".parts"), batch, precision)
    kept = np.concatenate([load_array(part, "index") for part in parts])
    columns: dict[str, np.ndarray] = {}
    if rows.labels is not None:
        columns["labels"] = rows.labels[kept]
    if rows.files is not None:
        columns["files"] = np.array(rows.files)[kept]
    width = load_array(parts[0], "codes").shape[1]
    with replacing(out) as file:
        write(file, (load_array(part, "codes") for part in parts), (len(kept), width), columns)
    shutil.rmtree(parts[0].parent)
    return len(kept), width


def encode_parts(game: Game, rows: Data, folder: Path, batch: int, precision: str) -> list[Path]:
    """Codes as files of `PART` rows or fewer, `codes` (n, d) and `index` (n,) of the rows; those that exist are left as they are."""
    serving, key = ready(game), identity(game, rows, batch, precision)
    folder.mkdir(exist_ok=True)
    parts = []
    for start in range(0, len(rows), PART):
        part = folder / f"{key}-{start:012d}.npz"
        if not part.exists():
            some = rows.subset(np.arange(start, min(start + PART, len(rows))))
            found, codes = [], []
            for index, x in ahead(some.batches(batch)):
                with torch.inference_mode(), autocast(game.device, precision):
                    codes.append(serving.encode(x).float().cpu().numpy())  # type: ignore[operator]
                found.append(index + start)
            if not found:  # not one picture of it can be read
                continue
            save_arrays(part, compress=False, codes=np.concatenate(codes), index=np.concatenate(found))
        parts.append(part)
    return parts


def ready(game: Game) -> Game:
    """A copy of a game that only serves: averages in place of what they average, batch norm folded, channels last."""
    game = copy.deepcopy(game)
    for player in game.players.values():
        if player.average is not None and int(player.average.n_averaged):
            player.networks.load_state_dict(player.average.module.state_dict())
        player.average = None
    return fold(game.eval()).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks this form


def identity(game: Game, rows: Data, batch: int, precision: str) -> str:
    """What codes depend on, as twelve hexadecimal digits: parts of another encoding are never taken for this one's."""
    digest = hashlib.sha256(repr((rows.fingerprint(), rows.files, PART, batch, precision)).encode())
    for name, tensor in game.state_dict().items():
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, the next one being made while the last one is used."""
    with ThreadPoolExecutor(1) as pool:
        upcoming = pool.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = pool.submit(next, items, None)
            yield item


# ── files ────────────────────────────────────────────────────────────────────────────────
Write = Callable[[Path, Iterator[np.ndarray], tuple[int, int], dict[str, np.ndarray]], None]


def npz() -> Write:
    """Writes an .npz whose `codes` come in parts, uncompressed: noise-like numbers hardly shrink."""

    def write(file: Path, codes: Iterator[np.ndarray], shape: tuple[int, int], columns: dict[str, np.ndarray]) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            with archive.open("codes.npy", "w", force_zip64=True) as member:
                header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(member, header)
                for part in codes:
                    member.write(part.astype("<f4", copy=False).tobytes())
            for name, column in columns.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, column, allow_pickle=False)

    return write


def parquet() -> Write:
    """Writes a Parquet file, `codes` a column of lists of one length, a row group for each part."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise BadInput("Option --out: Parquet files need pyarrow: `pip install 'sparring[parquet]'`, or write an .npz.") from None

    def write(file: Path, codes: Iterator[np.ndarray], shape: tuple[int, int], columns: dict[str, np.ndarray]) -> None:
        kinds = [("codes", pa.list_(pa.float32(), shape[1]))]
        kinds += [(name, pa.string() if column.dtype.kind == "U" else pa.int64()) for name, column in columns.items()]
        schema, at = pa.schema(kinds), 0
        with pq.ParquetWriter(file, schema) as writer:
            for part in codes:
                lists = pa.FixedSizeListArray.from_arrays(pa.array(part.reshape(-1)), shape[1])
                others = [pa.array(column[at : at + len(part)]) for column in columns.values()]
                writer.write_table(pa.table([lists, *others], schema=schema))
                at += len(part)

    return write


WRITERS: dict[str, Callable[[], Write]] = {".npz": npz, ".parquet": parquet}
"""What codes can be written to, by suffix; asked for before the work, so that what is missing is said then."""


def load_array(file: Path, name: str) -> np.ndarray:
    with np.load(file) as arrays:
        return arrays[name]


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


def save_arrays(out: Path, compress: bool = True, **arrays: np.ndarray) -> None:
    """Write an .npz whole or not at all."""
    with replacing(out) as part, part.open("wb") as file:
        (np.savez_compressed if compress else np.savez)(file, **arrays)  # type: ignore[arg-type]


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A path beside `out` that takes its place once it is written; on any fault, it goes and `out` stays as it was."""
    part = out.with_name(out.name + ".part")
    try:
        yield part
        os.replace(part, out)
    except OSError as error:
        raise BadInput(f"{out} could not be written ({error.strerror or error}).") from error
    finally:
        part.unlink(missing_ok=True)


def label_index(run: Run, label: str) -> int:
    """The number of a class, by name or number."""
    names = run.config["data"][0]["label_names"]
    if label in names:
        return names.index(label)
    if label.isdigit() and int(label) < len(names):
        return int(label)
    raise unknown("label", label, names)
