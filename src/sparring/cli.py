"""The command line: `sparring VERB ...`. Every verb is a function; its signature and docstring are its options and their help.

Exit status: 0 done; 1 failed while running, the last checkpoint kept; 2 bad input or usage, nothing written; 130 interrupted.
"""

import contextlib
import functools
import inspect
import io
import itertools
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import field, make_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from . import __version__
from .errors import BadInput, RunFailed, unknown

INTERRUPTED = 130
Verb = Callable[[list[str]], int | None]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; gives the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [a for a in arguments if a != "--debug"]
    try:
        return dispatch(arguments)
    except (BadInput, RunFailed) as error:
        if debug:
            raise
        print(f"sparring: {error}", file=sys.stderr)
        return 2 if isinstance(error, BadInput) else 1
    except KeyboardInterrupt:
        if debug:
            raise
        print("sparring: interrupted; whatever checkpoint was written is kept.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away
        sys.stderr.close()
        return 0
    except Exception as error:  # the last line of defence: a user reads a sentence, --debug shows the traceback
        if debug:
            raise
        print(f"sparring: {type(error).__name__}: {error} (this is a fault of sparring; --debug shows where).", file=sys.stderr)
        return 1


def dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview())
        return 0
    if arguments[0] in ("-V", "--version"):
        print(f"sparring {__version__}")
        return 0
    verb, rest = arguments[0], arguments[1:]
    if verb not in VERBS:
        raise unknown("verb", verb, VERBS)
    if verb == "train":
        return train(rest)
    return parse(VERBS[verb], rest, f"sparring {verb}") or 0


def overview() -> str:
    """What `sparring --help` prints: a line for each verb."""
    lines = [f"  {name:<9} {(inspect.getdoc(f) or '').splitlines()[0]}" for name, f in VERBS.items()]
    return "\n".join(["sparring: adversarial learning as games", "", "usage: sparring VERB --help", "", *lines])


def parse(f: Callable[..., Any], arguments: list[str], prog: str, description: str | None = None) -> Any:
    """`f` called with what the arguments say; usage errors become one sentence."""
    import tyro

    check_names(f, arguments)
    said = io.StringIO()

    @functools.wraps(f)
    def later(*values: Any, **named: Any) -> Callable[[], Any]:
        return functools.partial(f, *values, **named)  # called outside, so that only tyro's own words are caught

    try:
        with contextlib.redirect_stderr(said):
            call = tyro.cli(later, args=arguments, prog=prog, description=description, config=(tyro.conf.OmitArgPrefixes,))
    except SystemExit as end:
        if not end.code:  # --help
            return 0
        raise BadInput(f"{sentence(said.getvalue())}. `{prog} --help` explains every option.") from None
    return call()


def sentence(box: str) -> str:
    """The first thing that tyro's framed message says, on one line.

    >>> sentence("╭─ Value error ─╮\\n│ no such       │\\n│ thing: 'x'.   │\\n│ ───────────── │\\n│ more          │")
    "No such thing: 'x'"
    >>> sentence(" Value error \\n ----------- \\n  no such     \\n  thing: 'x'. \\n  ----------- \\n  more ")
    "No such thing: 'x'"
    """

    def ruler(line: str) -> bool:  # drawn with hyphens where the terminal knows no others
        return not line.strip("╰─╯-")

    lines = [line.strip("│ ") for line in re.sub(r"\x1b\[[0-9;]*m", "", box).splitlines()[1:]]
    first = " ".join(itertools.takewhile(lambda line: not ruler(line), itertools.dropwhile(ruler, lines)))
    return (first[:1].upper() + first[1:]).rstrip(". ")


def check_names(f: Callable[..., Any], arguments: list[str]) -> None:
    """Refuse an option that `f` does not have, with the nearest one it has."""
    known = [name.replace("_", "-") for name in inspect.signature(f).parameters]
    for argument in arguments:
        name = argument.removeprefix("--").partition("=")[0].replace("_", "-")
        if argument.startswith("--") and name not in known and name.removeprefix("no-") not in known and name != "help":
            raise unknown("option", name, known)


# ── verbs ────────────────────────────────────────────────────────────────────────────────
def systems(json: bool = False) -> None:
    """Every system: its name, what it is, its paper, what it can do.

    Args:
        json: Print a JSON list instead of a table.
    """
    from .abilities import abilities
    from .games import SYSTEMS

    rows = []
    for name, system in SYSTEMS.items():
        text = inspect.getdoc(system) or ""
        _, _, references = text.partition("References:")
        paper = references.strip().splitlines()[0].strip() if references.strip() else ""
        rows.append(
            {"name": name, "about": text.splitlines()[0], "paper": paper, "abilities": abilities(system), "data": system.view}
        )
    if json:
        print(dumps(rows))
        return
    for row in rows:
        print(f"{row['name']:<14} {row['about']}\n{'':<14} {row['paper']}\n{'':<14} can: {', '.join(row['abilities'])}")


def data(name: str | None = None, /) -> None:
    """The named data sets: what each is, where it comes from, whether it is here.

    Args:
        name: One data set, with its source and how to get it.
    """
    from .data import names

    known = names()
    if name is not None and name not in known:
        raise unknown("data set", name, known)
    for entry in known.values() if name is None else [known[name]]:
        here = entry.path()
        place = "made here" if here == "made" else f"here: {here}" if here else "not here"
        print(f"{entry.name:<14} {entry.description}\n{'':<14} {place}")
        if name is not None:
            print(f"{'':<14} {entry.source}")
        if name is not None or not here:
            print(f"{'':<14} {entry.how_to_get}")


def train(arguments: list[str]) -> int:
    """Train a system on data: `sparring train SYSTEM DATA [--OPTION ...]`; `sparring train SYSTEM --help` shows its options."""
    from . import run as runs
    from .games import SYSTEMS
    from .options import options_of

    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: sparring train SYSTEM DATA [--OPTION ...]\n\n`sparring train SYSTEM --help` shows the options of one.\n")
        systems()
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in SYSTEMS:
        raise unknown("system", name, SYSTEMS)
    call = parse(
        training(name, options_of(SYSTEMS[name])),
        rest,
        f"sparring train {name}",
        (inspect.getdoc(SYSTEMS[name]) or "").split("\n\n")[0],
    )
    if isinstance(call, int):  # --help
        return call
    values = dict(vars(call))
    sources = values.pop("data")
    if not sources:
        raise BadInput(
            f"Say what to train on: `sparring train {name} DATA`; a name (`sparring data` lists them), a folder or a file."
        )
    if len(sources) > 1 and SYSTEMS[name].view != "domains":
        raise BadInput(f"{name} plays on one data set, not on {len(sources)}: {', '.join(sources)}.")
    size = values.pop("size")
    run = runs.prepare(
        name,
        list(sources) if len(sources) > 1 else sources[0],
        size=None if size is None else size[0] if len(size) == 1 else size,
        **values,
    )
    return finish(run)


def training(name: str, known: dict[str, Any]) -> type:
    """The arguments of `train` for one system, as a class that tyro reads: the run's own, then the constructor's."""
    import tyro

    from .run import BATCH, ROUNDS

    own = [
        (
            "data",
            tyro.conf.Positional[tuple[str, ...]],
            field(),
            "A name, a folder, .npy, .npz or IDX file; two of them between domains.",
        ),
        ("out", Path | None, None, "Run directory; by default the next free runs/SYSTEM-DATA-K."),
        ("rounds", int, ROUNDS, "Rounds to play in all."),
        ("seed", int, 0, "Makes weights, batches and noise."),
        ("batch", int, BATCH, "Rows a batch."),
        ("precision", Literal["fp32", "bf16"], "fp32", "Of the forward passes."),
        ("device", str, "cpu", "cpu, cuda or mps."),
        (
            "size",
            tuple[int, ...] | None,
            None,
            "Side, or height and width, of pictures in pixels; by default what the data suggest.",
        ),
    ]
    fields: list[Any] = [(key, Annotated[kind, tyro.conf.arg(help=text)], default) for key, kind, default, text in own]
    fields += [(o.name, Annotated[o.type, tyro.conf.arg(help=o.help)], o.default) for o in known.values()]
    return make_dataclass(f"train {name}", fields, kw_only=True)


def finish(run: Any) -> int:
    """Print the plan, play what is left, score, report."""
    from .evaluation import evaluate as score
    from .plan import plan

    for line in plan(run):
        print(line)
    run.play()
    if run.interrupted:
        print(f"Stopped after round {run.round} of {run.config['rounds']}; go on with: sparring resume {run.path}")
        return INTERRUPTED
    print_scores(score(run))
    diagnoses = print_diagnoses(run)
    print(f"Report: {report_path(run, diagnoses)}")
    return 0


def resume(run: Annotated[Path, "positional"], /, rounds: int | None = None) -> int:
    """Go on with a run from its last checkpoint: the same bits as a run never stopped.

    Args:
        run: A run directory.
        rounds: Rounds in all; by default as many as were planned.
    """
    from .run import load

    if rounds is not None and rounds < 1:
        raise BadInput(f"Option --rounds is a whole number of at least 1, not {rounds}.")
    found = load(run)
    found.config["rounds"] = rounds or found.config["rounds"]
    if found.round >= found.config["rounds"]:
        print(f"{run} has played its {found.round} rounds; give --rounds for more.")
        return 0
    return finish(found)


def sample(
    run: Path,
    /,
    out: Path,
    count: int = 64,
    seed: int = 0,
    label: str | None = None,
) -> None:
    """Draw samples into a .png grid or an .npz of arrays.

    Args:
        run: A run directory.
        out: FILE.png or FILE.npz (`images` uint8 (n, H, W, C), or `x` float32 for vectors).
        count: How many.
        seed: The same seed, the same samples.
        label: For conditional games: the name or number of a class.
    """
    from .use import sample as draw

    draw(run, out, count, seed, label)
    print(f"{count} samples: {out}")


def encode(run: Path, data: str, /, out: Path, batch: int = 512, precision: Literal["fp32", "bf16"] = "fp32") -> None:
    """Write the codes of data: arrays `codes` (n, d) float32; `labels` and `files` where known.

    Args:
        run: A run directory.
        data: What `sparring train` takes.
        out: FILE.npz or FILE.parquet; a run that was stopped goes on from the parts it wrote beside it.
        batch: Rows at a time.
        precision: Of the forward passes.
    """
    from .use import encode as write

    n, d = write(run, data, out, batch, precision)
    print(f"{n} codes of {d} numbers: {out}")


def evaluate(run: Path, data: str | None = None, /, json: bool = False) -> None:
    """Score a run on held-out data; each score carries its passport.

    Args:
        run: A run directory.
        data: Other data than the run's own held-out split.
        json: Print a JSON list of {name, value, passport}.
    """
    from .evaluation import evaluate as score
    from .run import load

    found = load(run)
    scores = score(found, data)
    if json:
        print(dumps([s.json() for s in scores]))
    else:
        print_scores(scores)
        print_diagnoses(found)


def report(run: Path, /) -> None:
    """Write report.html: curves, samples, traversals, scores, diagnosis; one file that needs no network.

    Args:
        run: A run directory.
    """
    from .run import load

    found = load(run)
    print(f"Report: {report_path(found, print_diagnoses(found))}")


def lab(experiment: str | None = None, /, out: Path = Path("lab"), seed: int = 0, quick: bool = False) -> None:
    """Run an experiment of the theory; writes a figure and a table. Without a name, list them.

    Args:
        experiment: A name; none lists them all.
        out: Directory for NAME.png and NAME.json.
        seed: Makes everything.
        quick: Toy size, to see that it works.
    """
    from importlib import import_module

    from .lab import EXPERIMENTS

    if experiment is None:
        print("\n".join(EXPERIMENTS))
        return
    if experiment not in EXPERIMENTS:
        raise unknown("experiment", experiment, EXPERIMENTS)
    module, _, function = EXPERIMENTS[experiment].partition(":")
    result = getattr(import_module(module), function)(out, seed=seed, quick=quick)
    print(result.paragraph)
    print(f"Figure: {result.figure}\nTable: {result.table_path}")


def claims(names: tuple[str, ...] = (), /, seeds: int = 3, json: bool = False) -> None:
    """Run what systems must show; prints claim, band, ours, baseline, and writes docs/claims.

    Args:
        names: Systems; none runs all.
        seeds: How many seeds, counted from 0.
        json: Print the rows as JSON.
    """
    from . import claims as evidence

    rows = evidence.run(names, range(seeds), progress=lambda line: print(line, file=sys.stderr))
    evidence.write_tables(rows, Path("docs/claims"))
    if json:
        print(evidence.to_json(rows), end="")
    else:
        for system in dict.fromkeys(row["system"] for row in rows):
            print(evidence.to_markdown([row for row in rows if row["system"] == system]))


VERBS: dict[str, Callable[..., Any]] = {
    "systems": systems,
    "data": data,
    "train": train,
    "resume": resume,
    "sample": sample,
    "encode": encode,
    "evaluate": evaluate,
    "report": report,
    "lab": lab,
    "claims": claims,
}


# ── printing ─────────────────────────────────────────────────────────────────────────────
def dumps(value: Any) -> str:
    return json.dumps(value, indent=1)


def print_scores(scores: Sequence[Any]) -> None:
    width = max((len(s.name) for s in scores), default=0)
    for s in scores:
        interval = f"  [{s.interval[0]:.4g}, {s.interval[1]:.4g}]" if s.interval else ""
        print(f"{s.name:<{width}}  {s.value:.4g}{interval}")


def print_diagnoses(run: Any) -> Sequence[Any]:
    """A line for whatever is not well; gives all that the doctor looked for."""
    from .doctor import diagnose

    diagnoses = diagnose(run)
    for diagnosis in diagnoses:
        if diagnosis.level != "ok":
            print(diagnosis)
    return diagnoses


def report_path(run: Any, diagnoses: Sequence[Any]) -> Path:
    from .report import write_report

    return write_report(run, diagnoses=diagnoses)
