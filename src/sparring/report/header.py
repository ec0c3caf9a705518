"""The head of the page: what was played, on what, for how long, and how to play it again."""

import inspect
import shlex
from typing import Any

from sparring.game import Game
from sparring.games import SYSTEMS
from sparring.options import options_of
from sparring.progress import duration
from sparring.run import Run

from .html import escape, number


def header(run: Run) -> str:
    config = run.config
    about, references = document(type(run.game))
    papers = "".join(f"<cite>{escape(paper)}</cite>" for paper in references)
    rows = "".join(f"<div><dt>{escape(k)}</dt><dd>{v}</dd></div>" for k, v in facts(run).items())
    names = " and ".join(escape(d["name"]) for d in config["data"])
    return (
        f'<header>{MARK}<h1>{escape(config["system"])}<span> on {names}</span></h1><p class="about">{escape(about)}</p>'
        f'<p class="papers">{papers}</p><dl class="facts">{rows}</dl>'
        f'<div class="command"><span>To play it again</span><code>{escape(command(config))}</code></div></header>'
    )


# Two distributions on their way to each other.
MARK = (
    '<svg class="logo" viewBox="0 0 46 26" aria-hidden="true">'
    '<circle class="c0" cx="14" cy="13" r="11"/><circle class="c1" cx="32" cy="13" r="11"/></svg>'
)


def document(system: type[Game]) -> tuple[str, list[str]]:
    """The first line of a system's docstring, and its references.

    >>> document(SYSTEMS["gan"])[1]
    ['Generative Adversarial Nets (Goodfellow et al., 2014), Algorithm 1 with k = 1']
    """
    text = inspect.getdoc(system) or ""
    about, _, rest = text.partition("\n")
    _, _, references = rest.partition("References:\n")
    papers = []
    for line in references.splitlines():
        if line.strip() and not line.startswith(" "):
            break
        if line.strip():
            papers.append(line.strip())
    return about, papers


def facts(run: Run) -> dict[str, str]:
    config = run.config
    found = {}
    for data in config["data"]:
        title = "Data" if len(config["data"]) == 1 else f"Data, {data['name']}"
        found[title] = shape_of(data)
    log = run.history()
    seconds = log[-1].get("seconds") if log else None
    played = f"{run.round:,}" if run.round >= config["rounds"] else f"{run.round:,} of {config['rounds']:,}"
    found["Rounds"] = played + small(f"of {config['batch']} rows each")
    if isinstance(seconds, int | float) and seconds > 0:
        found["Time"] = duration(seconds) + small(f"{number(round(run.round / seconds, 1))} rounds a second, {config['device']}")
    players = run.game.players
    found["Players"] = f"{len(players)}{small(', '.join(players))}"
    count = sum(p.numel() for player in players.values() for p in player.parameters)
    found["Parameters"] = f"{count:,}{small(config['precision'])}"
    found["Seed"] = escape(config["seed"])
    ours, *others = config["versions"].items()
    found["Versions"] = escape(" ".join(ours)) + small(", ".join(map(" ".join, others)))
    return found


def small(text: str) -> str:
    return f"<small>{escape(text)}</small>"


def shape_of(data: dict[str, Any]) -> str:
    """What a data set is, in a line and a smaller one."""
    shape, classes = data["shape"], data["classes"]
    if len(shape) == 3:
        colours = {1: "grey ", 3: "colour "}.get(shape[0], f"{shape[0]}-channel ")
        kind = f"{colours}pictures, {shape[2]} by {shape[1]}"
    else:
        kind = f"vectors of {shape[0]}"
    labels = f"{classes} classes, " if classes else ""
    return f"{data['rows']:,} {escape(kind)}" + small(f"{labels}fingerprint {data['fingerprint']}")


def command(config: dict[str, Any]) -> str:
    """What makes this run again: the command line, or Python where the data were in memory."""
    known = options_of(SYSTEMS[config["system"]])
    changed = {k: v for k, v in config["options"].items() if k in known and not same(v, known[k].default)}
    run = {k: config[k] for k in ("rounds", "seed", "batch")}
    run |= {"precision": config["precision"]} if config["precision"] != "fp32" else {}
    sources = [data["source"] for data in config["data"]]
    if any(source is None for source in sources):
        given = "".join(f", {k}={tuple(v) if isinstance(v, list) else v!r}" for k, v in {**run, **changed}.items())
        return f'sparring.train("{config["system"]}", data{given})'
    shape = config["data"][0]["shape"]
    if len(shape) == 3:
        run["size"] = shape[1:]
    words = ["sparring", "train", config["system"], *map(str, sources)]
    for name, value in {**run, **changed}.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", *(map(str, value) if isinstance(value, list | tuple) else [str(value)])]
    return shlex.join(words)


def same(value: Any, default: Any) -> bool:
    """Whether an option has its default; run.json knows no tuples."""
    return (tuple(value) if isinstance(value, list) else value) == default
