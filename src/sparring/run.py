"""A run: a game, its data and its directory, from the first round to the last and over any number of interruptions."""

import copy
import json
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from . import __version__, abilities, checkpoint, distribute, options
from .data import Data, draw, save_grid, views
from .data import load as load_data
from .data.pixels import save_cloud
from .errors import BadInput, RunFailed, unknown
from .files import disk, lock, read_history, replace_text, stop_signals, write_json
from .game import Game
from .games import SYSTEMS
from .loop import play
from .progress import Progress

ROUNDS, BATCH = 5000, 64
CHECKPOINT_SECONDS = 60.0
KEYS = {
    "system": str,
    "options": dict,
    "data": list,
    "seed": int,
    "batch": int,
    "precision": str,
    "rounds": int,
    "device": str,
    "versions": dict,
}
"""What run.json must hold before a game is built from it."""


class Run:
    """A game that is being, or was, played.

    Attributes:
        path: The run directory.
        game: The game, at the state of `round`.
        config: What run.json holds: system, options, data, seed, batch, precision, rounds, versions, command line.
        round: How many rounds are played.
        interrupted: Whether the last call to `play` was stopped before its last round.
    """

    def __init__(self, path: Path, game: Game, config: dict[str, Any], sources: Sequence[Any], played: int = 0) -> None:
        self.path, self.game, self.config, self.sources, self.round = path, game, config, sources, played
        self.interrupted = False
        self._data: dict[str, tuple[Data, ...]] = {}

    def data(self, split: str = "train") -> tuple[Data, ...]:
        """The data of this run, read when first asked for; one `Data` a source. `split` is "train" or "test"."""
        if split not in self._data:
            if any(source is None for source in self.sources):
                raise BadInput(f"{self.path} was trained on data in memory; give the data again.")
            self._data[split] = tuple(self.read(source, split) for source in self.sources)
            if split == "train":
                self._check_data(self._data[split])
        return self._data[split]

    def read(self, source: Any, split: str = "all") -> Data:
        """`source` as rows of the shape this run plays on."""
        shape = tuple(self.config["data"][0]["shape"])
        data = at_shape(source, split, shape)
        if data.shape != shape:
            raise BadInput(f"{data.name} has rows of shape {data.shape}, but {self.path} was trained on {shape}.")
        return data

    def _check_data(self, found: Sequence[Data]) -> None:
        for data, facts in zip(found, self.config["data"], strict=True):
            if data.fingerprint() != facts["fingerprint"]:
                raise BadInput(f"{facts['name']} is not what this run was trained on (its rows differ); train a new run on it.")

    def history(self) -> list[dict[str, float]]:
        """The logged rounds: `{"round": n, "seconds": s, "player/term": value, ...}`."""
        return read_history(self.path / "history.jsonl")

    @property
    def scores(self) -> list[dict[str, Any]]:
        """What `evaluate` last found."""
        file = self.path / "scores.json"
        return json.loads(file.read_text()) if file.exists() else []

    def play(self, rounds: int | None = None, quiet: bool = False) -> "Run":
        """Play up to `rounds` rounds in all, with checkpoints, history and sample grids; stops early, in order, on Ctrl-C or SIGTERM.

        Raises:
            RunFailed: A value is not finite, or the disk refused; the last checkpoint is kept.
            BadInput: Another process plays this run.
        """
        from .doctor import Watch  # here, for it pulls scores and is not needed to load a run

        config = self.config
        rounds = rounds or config["rounds"]
        if rounds <= self.round:
            return self
        self.config["rounds"] = rounds
        sources = self.data()
        data = sources[0] if len(sources) == 1 else sources
        view = getattr(views, self.game.view)
        seed, every = config["seed"], max(1, rounds // 500)
        pictures_every = max(1, rounds // 10)
        state = torch.get_rng_state()
        watch = Watch()

        def batches(t: int) -> Iterator[Any]:
            return draw(view, data, config["batch"], seed, distribute.rank(), t)

        with lock(self.path), stop_signals() as stopped, Progress(self.round, rounds, quiet or distribute.rank() > 0) as progress:
            if distribute.rank() == 0:
                write_json(self.path / "run.json", config)
                self._cut_history()
                checkpoint.save(self.game, self.path, round=self.round)
            seconds = sum(line["seconds"] for line in self.history()[-1:])
            began = saved = time.monotonic()
            try:
                for t, losses in play(self.game, batches, self.round, rounds, seed, config["precision"]):
                    self.round = t + 1
                    last = self.round == rounds or bool(stopped)
                    if distribute.rank() > 0:
                        if last:
                            break
                        continue
                    if self.round % every == 0 or last:
                        values = {name: value.item() for name, value in losses.items()}
                        self._log({"round": self.round, "seconds": round(seconds + time.monotonic() - began, 3), **values})
                        progress.show(self.round, values)
                    if self.round % pictures_every == 0 or last:
                        self.draw_samples()
                        for diagnosis in () if quiet or last else watch(self):
                            print(diagnosis, file=sys.stderr, flush=True)
                    if last or time.monotonic() - saved > CHECKPOINT_SECONDS:
                        checkpoint.save(self.game, self.path, round=self.round)
                        saved = time.monotonic()
                    if last:
                        break
            finally:
                torch.set_rng_state(state)
        self.interrupted = self.round < rounds
        return self

    def draw_samples(self, count: int = 64) -> Path | None:
        """Write a grid of samples, always of the same codes, as samples/ROUND.png; nothing for a game that cannot sample."""
        if not isinstance(self.game, abilities.Sample):
            return None
        generator = torch.Generator().manual_seed(distribute.seed_of(self.config["seed"], "samples"))
        pictures = len(self.config["data"][0]["shape"]) == 3
        x = self.game.sample(count if pictures else 8 * count, generator=generator)
        path = self.path / "samples" / f"{self.round:06d}.png"
        with disk(path):
            path.parent.mkdir(exist_ok=True)
            if pictures:
                save_grid(x, path)
            else:
                save_cloud(x, path, like=self.data()[-1].x(slice(0, 512)))
        return path

    def _log(self, line: dict[str, float]) -> None:
        path = self.path / "history.jsonl"
        with disk(path), path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _cut_history(self) -> None:
        """Forget lines of rounds after the checkpoint: they will be played again."""
        file = self.path / "history.jsonl"
        lines = [line for line in read_history(file) if line["round"] <= self.round]
        replace_text(file, "".join(json.dumps(line) + "\n" for line in lines))


# ── making, finding ──────────────────────────────────────────────────────────────────────
def train(
    system: str,
    data: Any,
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
    batch: int = BATCH,
    precision: str = "fp32",
    out: str | Path | None = None,
    device: str = "cpu",
    quiet: bool = False,
    size: int | tuple[int, int] | None = None,
    **game_options: Any,
) -> Run:
    """Train `system` on `data` and give the run, also when it was interrupted.

    Args:
        system: A name of `sparring.games.SYSTEMS`.
        data: Whatever `sparring.data.load` reads; a list of two for games between domains.
        rounds: How many rounds to play.
        seed: Makes everything: initial weights, batches, noise.
        batch: Rows a batch.
        precision: "fp32" or "bf16" (autocast of the forward passes).
        out: The run directory; by default the next free runs/SYSTEM-DATA-K.
        device: Where to play: "cpu", "cuda", "mps".
        quiet: No progress.
        size: Side, or (height, width), that pictures are brought to, in pixels; by default what the data suggest.
        game_options: Keyword options of the system's constructor.

    Raises:
        BadInput: The system, data or an option cannot work; nothing was written.
        RunFailed: Training had to stop; the last checkpoint is kept.
    """
    return prepare(
        system,
        data,
        rounds=rounds,
        seed=seed,
        batch=batch,
        precision=precision,
        out=out,
        device=device,
        size=size,
        **game_options,
    ).play(quiet=quiet)


def prepare(
    system: str,
    data: Any,
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
    batch: int = BATCH,
    precision: str = "fp32",
    out: str | Path | None = None,
    device: str = "cpu",
    size: int | tuple[int, int] | None = None,
    **game_options: Any,
) -> Run:
    """A run that has not begun: data read, game made, nothing written yet. Arguments as in `train`."""
    kind = SYSTEMS.get(system)
    if kind is None:
        raise unknown("system", system, SYSTEMS)
    if precision not in ("fp32", "bf16"):
        raise BadInput(f"Option --precision is fp32 or bf16, not {precision!r}.")
    for name, value, least in (("rounds", rounds, 1), ("batch", batch, 2), ("seed", seed, 0)):  # batch norm compares rows
        if not isinstance(value, int) or value < least:
            raise BadInput(f"Option --{name} is a whole number of at least {least}, not {value!r}.")
    if not usable(device):
        raise BadInput(f"Option --device: {device!r} is none that can be used here; leave it out to play on the cpu.")
    sources = data if isinstance(data, list | tuple) and kind.view == "domains" else [data]
    found = tuple(d if isinstance(d, Data) else load_data(d, split="train", size=size) for d in sources)
    if kind.view == "domains":
        found = alike(system, sources, found)
    facts = [
        {
            "source": str(Path(s).resolve())
            if isinstance(s, Path) or (isinstance(s, str) and Path(s).exists())
            else s
            if isinstance(s, str)
            else None,
            "name": d.name,
            "rows": len(d),
            "shape": list(d.shape),
            "classes": d.classes,
            "label_names": list(d.label_names),
            "fingerprint": d.fingerprint(),
        }
        for s, d in zip(sources, found, strict=True)
    ]
    config = {
        "system": system,
        "options": options.complete(kind, game_options),
        "data": facts,
        "seed": seed,
        "batch": batch,
        "precision": precision,
        "rounds": rounds,
        "device": device,
        "versions": {"sparring": __version__, "torch": torch.__version__, "python": platform.python_version()},
        "command": sys.argv,
    }
    run = Run(free_path(system, found[0].name, out), build(config), config, sources)
    run._data["train"] = found
    return run


def alike(system: str, sources: Sequence[Any], found: tuple[Data, ...]) -> tuple[Data, ...]:
    """Source and target as rows of one shape: pictures at the size of the larger, in colour if either is."""
    if len(found) != 2:
        raise BadInput(f"{system} goes from one data set to another: give two, a labelled source and a target.")
    a, b = (data.shape for data in found)
    if a == b:
        return found
    if len(a) != 3 or len(b) != 3:
        raise BadInput(f"{found[0].name} has rows of shape {a}, {found[1].name} of shape {b}: {system} needs rows of one kind.")
    _, *size = max(a, b, key=lambda shape: shape[1] * shape[2])
    return tuple(at_shape(source, "train", (max(a[0], b[0]), *size)) for source in sources)


def at_shape(source: Any, split: str, shape: tuple[int, ...]) -> Data:
    """`source` with pictures of this (C, H, W); vectors stay as they are. A `Data` is a split already."""
    split = "all" if isinstance(source, Data) else split
    if len(shape) != 3:
        return load_data(source, split=split)
    return load_data(source, split=split, size=(shape[1], shape[2]), channels=shape[0])


def build(config: dict[str, Any]) -> Game:
    """The game a run.json describes, freshly initialised from its seed; the same weights on every machine of one torch version."""
    system = config["system"]
    if system not in SYSTEMS:
        raise unknown("system", system, SYSTEMS)
    facts = config["data"][0]
    state = torch.get_rng_state()
    try:
        torch.manual_seed(distribute.seed_of(config["seed"], "weights"))
        game = options.construct(
            SYSTEMS[system], {"shape": tuple(facts["shape"]), "classes": facts["classes"]}, config["options"]
        )
    finally:
        torch.set_rng_state(state)
    return game.to(device=config.get("device", "cpu"), memory_format=torch.channels_last)  # type: ignore[call-overload]


def load(path: str | Path, data: Any = None, device: str | None = None) -> Run:
    """The run in directory `path`, at its newest whole checkpoint. Nothing in it is executed.

    Args:
        path: A run directory.
        data: The data again, needed to go on with a run that was trained on data in memory.
        device: Where to put the game; by default where it was trained, if that is here.

    Raises:
        BadInput: Not a run directory, damaged, or made by a version that this one cannot read.
    """
    path = Path(path)
    if not path.exists():
        raise BadInput(f"There is no run at {path}; `sparring train` makes one.")
    file = path / "run.json"
    try:
        config = json.loads(file.read_text())
        for key, kind in KEYS.items():
            if not isinstance(config[key], kind):
                raise TypeError(f"{key!r} must be of type {kind.__name__}")
        config["device"] = device or (config["device"] if usable(config["device"]) else "cpu")
        game = build(config)
    except BadInput as error:
        raise BadInput(f"{file}, of sparring {config['versions'].get('sparring')} (this is {__version__}): {error}") from error
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise BadInput(f"{file} is missing, damaged or from another version ({type(error).__name__}: {error}).") from error
    progress = checkpoint.load(game, path)
    for fault in progress["faults"]:
        print(f"warning: {fault} Going on from the previous checkpoint, round {progress['round']}.", file=sys.stderr)
    game.begin(progress["round"], config["rounds"])
    if data is not None:
        sources = list(data) if len(config["data"]) > 1 else [data]
    else:
        sources = [facts["source"] for facts in config["data"]]
    return Run(path, game, config, sources, progress["round"])


def resume(path: str | Path, rounds: int | None = None, data: Any = None, quiet: bool = False) -> Run:
    """Go on with a run from its last checkpoint, up to `rounds` rounds in all (by default as many as it was planned to play)."""
    return load(path, data).play(rounds, quiet=quiet)


def usable(device: str) -> bool:
    """Whether torch can put a game there.

    >>> usable("cpu"), usable("gpu")
    (True, False)
    """
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):  # unknown, not there, or not in this build of torch
        return False
    return True


def free_path(system: str, data: str, out: str | Path | None) -> Path:
    """`out` if nothing is there yet, else the next free runs/SYSTEM-DATA-K."""
    if out is not None:
        path = Path(out)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise BadInput(f"{path} exists already; give another --out, or go on with `sparring resume {path}`.")
        return path
    k = 1
    while (path := Path("runs") / f"{system}-{Path(data).stem}-{k}").exists():
        k += 1
    return path


def time_rounds(run: Run, count: int = 3) -> float:
    """Seconds a round, the median of a few played on a copy of the game; the run itself does not move.

    Raises:
        BadInput: Not even a trial round can be played: sizes that do not fit each other, or more memory than there is.
    """
    game = copy.deepcopy(run.game)
    sources = run.data()
    view, data = getattr(views, game.view), sources[0] if len(sources) == 1 else sources
    state = torch.get_rng_state()
    times, began = [], time.perf_counter()
    try:
        for _ in play(game, lambda t: draw(view, data, run.config["batch"], 0, 0, t), 0, count + 1, 0, run.config["precision"]):
            times.append(time.perf_counter() - began)
            began = time.perf_counter()
    except (BadInput, RunFailed):
        raise
    except (RuntimeError, ValueError, IndexError, MemoryError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"A trial round of {run.config['system']} with these options fails: {reason}.") from error
    finally:
        torch.set_rng_state(state)
    return sorted(times[1:])[count // 2]
