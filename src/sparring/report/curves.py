"""Loss curves: a chart for each player, a line for each term."""

import json
from functools import partial

import numpy as np

from sparring.run import Run

from .charts import BOTTOM, COLOURS, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axes, limits, line
from .html import escape, note, number

POINTS = 600  # a line has no more of them; a longer history is thinned out evenly
APART = 25  # terms that differ by more than this factor get axes of their own


class History:
    """The log as arrays.

    Attributes:
        rounds: (n,) float.
        series: "player/term" -> (n,) float, NaN where the log has none.
        faults: "player/term" -> how many logged values are not finite.
    """

    def __init__(self, run: Run) -> None:
        log = run.history()
        names = dict.fromkeys(k for entry in log for k, v in entry.items() if k not in ("round", "seconds") and is_number(v))
        every = max(1, -(-len(log) // POINTS))
        self.faults = {k: sum(is_number(e.get(k)) and not np.isfinite(e[k]) for e in log) for k in names}
        kept = log[len(log) - 1 :: -every][::-1] if log else []  # so that the last one stays
        self.rounds = np.array([entry["round"] for entry in kept], float)
        self.series = {k: np.array([entry[k] if is_number(entry.get(k)) else np.nan for entry in kept], float) for k in names}

    @property
    def window(self) -> int:
        """How many points the smooth line averages: odd, about a twentieth of them."""
        return min(len(self.rounds) // 20 // 2 * 2 + 1, 31)

    def players(self) -> dict[str, list[str]]:
        """player -> its keys."""
        found: dict[str, list[str]] = {}
        for key in self.series:
            found.setdefault(split(key)[0], []).append(key)
        return found


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def split(key: str) -> tuple[str, str]:
    """
    >>> split("discriminator/real"), split("loss")
    (('discriminator', 'real'), ('game', 'loss'))
    """
    player, slash, term = key.partition("/")
    return (player, term) if slash else ("game", key)


def smooth(values: np.ndarray, window: int) -> np.ndarray:
    """The centred mean over `window` (odd) neighbours, of those that are finite.

    >>> smooth(np.array([0.0, 3.0, np.nan, 5.0]), 3).tolist()
    [1.5, 1.5, 4.0, 5.0]
    """
    finite = np.isfinite(values)
    mean = partial(np.convolve, np.ones(window), mode="full")
    half = window // 2
    total, count = (
        mean(v)[half : half + len(values)] for v in (np.where(finite, values.clip(-1e30, 1e30), 0), finite.astype(float))
    )
    return np.where(count > 0.5, total / np.maximum(count, 1), np.nan)


def panels(series: dict[str, np.ndarray]) -> list[list[str]]:
    """Keys that can share an axis, the largest first: a penalty of 300 would press a loss of 0.7 flat.

    >>> panels({"a": np.array([1.0]), "b": np.array([100.0]), "c": np.array([5.0])})
    [['b', 'c'], ['a']]
    """
    size = {}
    for key, values in series.items():
        finite = np.abs(values[np.isfinite(values)])
        size[key] = float(np.quantile(finite, 0.9)) if finite.size else 0.0
    found: list[list[str]] = []
    for key in sorted(size, key=lambda k: -size[k]):
        if found and (size[found[-1][0]] <= APART * size[key] or not size[key]):  # nothing presses zero flat
            found[-1].append(key)
        else:
            found.append([key])
    return [[key for key in series if key in panel] for panel in found]


def curves(run: Run) -> str:
    """Every player's terms over the rounds."""
    history = History(run)
    if not history.series:
        return '<p class="missing">The history is empty: no round has been logged yet.</p>'
    terms = list(dict.fromkeys(split(key)[1] for key in history.series))
    colour = {key: f"c{terms.index(split(key)[1]) % COLOURS}" for key in history.series}
    spacing = float(np.median(np.diff(history.rounds))) if len(history.rounds) > 1 else 1.0
    says = "One chart a player, one line a term of its loss; a term has the same colour everywhere."
    if history.window > 1:
        says += f" Faint: as logged. Strong: the mean over about {number(history.window * spacing)} rounds."
    cards = []
    for player, keys in history.players().items():
        charts = "".join(chart(history, panel, colour) for panel in panels({k: history.series[k] for k in keys}))
        counted = run.game.players.get(player)
        size = f"<small>{sum(p.numel() for p in counted.parameters):,} parameters</small>" if counted else ""
        cards.append(f'<article class="card"><h3>{escape(player)}{size}</h3>{charts}</article>')
    return f'{note(says)}<div class="columns">{"".join(cards)}</div>'


def chart(history: History, keys: list[str], colour: dict[str, str]) -> str:
    """One pair of axes, its legend above it; the legend's numbers follow the pointer."""
    smoothed = {key: smooth(history.series[key], history.window) for key in keys}
    y = limits([history.series[key] for key in keys], cut=0.005)
    if 0 < y[0] < 0.3 * y[1]:
        y = (0.0, y[1])
    rounds = history.rounds
    x = (0.0, rounds[-1]) if rounds[-1] > 0 else (0.0, 1.0)
    axes = Axes(x, y)
    strong = "".join(line(axes, rounds, smoothed[key], f"line {colour[key]}") for key in keys)
    faint = "".join(line(axes, rounds, history.series[key], f"raw {colour[key]}") for key in keys) if history.window > 1 else ""
    order = list(history.series)
    legend = "".join(
        f'<li><svg class="key" viewBox="0 0 22 8" aria-hidden="true"><path class="line {colour[key]}" d="M1 4h20"/></svg>'
        f'{escape(split(key)[1])} <output data-series="{order.index(key)}">{number(last(smoothed[key]))}</output></li>'
        for key in keys
    )
    outside = sum(int(((v := history.series[key]) < y[0]).sum() + (v > y[1]).sum()) for key in keys)
    faults = sum(history.faults[key] for key in keys)
    remarks = [
        f"{n:,} logged {'value' if n == 1 else 'values'} {what}."
        for n, what in ((faults, "not finite"), (outside, "outside the frame"))
        if n
    ]
    alt = f"Loss of {', '.join(keys)} over {number(rounds[-1])} rounds"
    where = f'data-left="{LEFT}" data-right="{WIDTH - RIGHT}" data-last="{x[1]:g}"'
    cursor = f'<path class="cursor" d="M0 {TOP}V{HEIGHT - BOTTOM}" hidden/>'
    told = f'<p class="remark">{" ".join(remarks)}</p>' if remarks else ""
    return f'<ul class="legend">{legend}</ul>{axes.svg(faint + strong, alt, "round", "loss", where, cursor)}{told}'


def last(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if finite.size else float("nan")


def script_data(run: Run) -> str:
    """What the script needs to tell values under the pointer: JSON without a "<", so that no text in it can end the element."""
    history = History(run)
    series = [[round_off(v) for v in smooth(values, history.window)] for values in history.series.values()]
    return json.dumps({"rounds": history.rounds.tolist(), "series": series}, separators=(",", ":")).replace("<", "\\u003c")


def round_off(value: float) -> float | None:
    return float(f"{value:.4g}") if np.isfinite(value) else None
