"""What a run is about to do, said before it does it."""

import sys
from collections.abc import Iterator

from .networks import describe, is_convolutional
from .progress import duration
from .run import Run, time_rounds


def plan(run: Run) -> Iterator[str]:
    """Lines for the user: what was found in the data, which networks and why, how many parameters, how long, how much memory."""
    config = run.config
    for data in run.data():
        kind = (
            f"picture{'s' * (len(data) > 1)} of {data.shape[1]}x{data.shape[2]}, {data.shape[0]} channel{'s' * (data.shape[0] > 1)}"
            if data.is_image
            else f"vector{'s' * (len(data) > 1)} of {data.shape[0]}"
        )
        labels = f", {data.classes} labels" if data.classes else ", no labels"
        yield f"Data: {data.name}: {len(data):,} {kind}{labels}; a held-out part is kept for the scores."
        yield from (f"  {note}" for note in data.notes)
        yield from (f"  skipped {file}: {reason}" for file, reason in data.skipped[:5])
        if len(data.skipped) > 5:
            yield f"  and {len(data.skipped) - 5} more skipped."
    shape = tuple(config["data"][0]["shape"])
    why = (
        "pictures of at least 8 pixels a side get convolutions"
        if is_convolutional(shape)
        else "vectors and tiny pictures get an MLP"
    )
    settings = f"batches of {config['batch']}, {config['precision']}, seed {config['seed']}"
    yield f"Game: {config['system']}, {config['rounds']:,} rounds, {settings}; {why}."
    for name, player in run.game.players.items():
        yield f"  {name}: {describe(player.networks)}"
    seconds = time_rounds(run)
    left = duration(seconds * (config["rounds"] - run.round))
    yield f"Time: about {left} ({1 / seconds:.0f} rounds/s, timed on a copy). Memory: {peak()}."
    yield f"Run: {run.path}"


def peak() -> str:
    """The most memory this process has held so far, trial rounds included."""
    if sys.platform == "win32":
        return "unknown on this system"
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return f"about {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30:.1f} GB"
