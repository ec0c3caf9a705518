"""Scores as cards: the value, its interval, its baselines on the same axis, and the passport for whoever wants to know."""

import math
import re
from typing import Any

import numpy as np

from sparring.run import Run

from .charts import limits
from .html import escape, note, number


def scores(run: Run) -> str:
    """Whatever `evaluate` found last."""
    found = [entry for entry in run.scores if isinstance(entry, dict) and "name" in entry and "value" in entry]
    if not found:
        return '<p class="missing">Not evaluated yet: <code>sparring evaluate RUN</code> writes the scores.</p>'
    cards = "".join(card(name, lines) for name, lines in grouped(found).items())
    rounds: set[Any] = {r for entry in found if is_finite(r := passport(entry).get("rounds")) and r != run.round}
    stale = f" Taken at round {', '.join(map(number, sorted(rounds)))}, not at the last one." if rounds else ""
    says = "Bars are 95 % intervals, where one is known. A passport says what its number was measured with, and on what."
    return f'{note(says + stale)}<div class="cards small">{cards}</div>'


def grouped(found: list[dict[str, Any]]) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """Scores with their baselines: name -> (who, entry) lines, the run's own first.

    A bracket in a name is a baseline where the bare name is a score of its own, and wherever the same words were one; otherwise
    it is part of the name, such as an extractor.

    >>> rows = grouped([{"name": n, "value": 0} for n in ("nmi[k-means]", "purity[k-means]", "nmi", "kernel[random]")])
    >>> {name: [who for who, _ in lines] for name, lines in rows.items()}
    {'nmi': ['this run', 'k-means'], 'kernel[random]': ['this run'], 'purity': ['k-means']}
    """
    own = {str(entry["name"]) for entry in found}
    baselines = {who for name in own for base, who in [parts(name)] if base in own and who}
    rows: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for entry in found:
        if parts(entry["name"])[1] not in baselines:
            rows[str(entry["name"])] = [("this run", entry), *named(passport(entry).get("baseline"))]
    for entry in found:
        base, who = parts(entry["name"])
        if who in baselines:
            rows.setdefault(base, []).append((who, entry))
    return rows


def parts(name: str) -> tuple[str, str]:
    """
    >>> parts("nmi[k-means]"), parts("nmi")
    (('nmi', 'k-means'), ('nmi', ''))
    """
    match = re.fullmatch(r"(.+)\[(.+)\]", str(name))
    return (match[1], match[2]) if match else (str(name), "")


def named(baseline: Any) -> list[tuple[str, dict[str, Any]]]:
    """A passport's own baseline, a number or numbers by name, as further rows."""
    if isinstance(baseline, int | float):
        return [("baseline", {"value": baseline})]
    if isinstance(baseline, dict):
        return [(str(k), {"value": v}) for k, v in baseline.items() if isinstance(v, int | float)]
    return []


def passport(entry: dict[str, Any]) -> dict[str, Any]:
    found = entry.get("passport")
    return found if isinstance(found, dict) else {}


def interval(entry: dict[str, Any]) -> tuple[float, float] | None:
    ends = passport(entry).get("interval_95")
    if isinstance(ends, list | tuple) and len(ends) == 2 and all(isinstance(e, int | float) and math.isfinite(e) for e in ends):
        return float(ends[0]), float(ends[1])
    return None


def card(name: str, lines: list[tuple[str, dict[str, Any]]]) -> str:
    """One score, ours first."""
    values = [v for _, entry in lines for v in (entry["value"], *(interval(entry) or ())) if is_finite(v)]
    ends = axis_of(values, any(passport(entry).get("interval_by") == "Wilson" for _, entry in lines))
    title, by = parts(name)
    sub = f"<small>{escape(by)}</small>" if by else ""
    ours = lines[0][1]
    axis = f'<div class="ends"><span>{measured(ends[0])}</span><span>{measured(ends[1])}</span></div>' if values else ""
    strips = "".join(strip(who, entry, ends) for who, entry in lines)
    return (
        f'<article class="card score"><h3>{escape(title)}{sub}</h3><p class="value">{measured(ours["value"])}</p>{strips}{axis}'
        f"{details(ours)}</article>"
    )


def axis_of(values: list[float], share: bool) -> tuple[float, float]:
    """The ends of a card's axis: 0 to 1 for shares and what looks like one, otherwise round the values, below 0 only with them.

    >>> axis_of([0.0, 0.01], share=True), axis_of([0.2, 0.5], share=False)
    ((0.0, 1.0), (0.0, 1.0))
    """
    least, most = min(values, default=0.0), max(values, default=1.0)
    if least >= 0 and most <= 1 and (share or most > 0.1):
        return 0.0, 1.0
    low, high = limits([np.array(values)], pad=0.2)
    return (max(low, 0.0) if least >= 0 else low), high


def is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def measured(value: Any) -> str:
    """Three digits that matter, zeros at their end too; counts as they are.

    >>> measured(0.59), measured(8.0), measured(None)
    ('0.590', '8', '–')
    """
    if not is_finite(value) or value == round(value) or not 1e-4 <= abs(value) < 1000:
        return number(value)
    return f"{value:#.3g}".rstrip(".").replace("-", "−")  # noqa: RUF001


def strip(who: str, entry: dict[str, Any], ends: tuple[float, float]) -> str:
    """A row: who, the value as a dot on its interval, the interval in words."""

    def at(value: float) -> float:
        return 100 * min(max((value - ends[0]) / (ends[1] - ends[0]), 0), 1)

    found, value = interval(entry), entry["value"]
    bar = f'<i style="left:{at(found[0]):.2f}%;width:{at(found[1]) - at(found[0]):.2f}%"></i>' if found else ""
    dot = f'<b style="left:{at(value):.2f}%"></b>' if is_finite(value) else ""
    words = measured(value) + (f" [{measured(found[0])}, {measured(found[1])}]" if found else "")
    return (
        f'<div class="strip {"ours" if who == "this run" else "other"}"><span>{escape(who)}</span><span class="words">{words}</span>'
        f'<div class="track">{bar}{dot}</div></div>'
    )


def details(entry: dict[str, Any]) -> str:
    rows = "".join(
        f"<div><dt>{escape(k.replace('_', ' '))}</dt><dd>{escape(in_words(v))}</dd></div>" for k, v in passport(entry).items()
    )
    return (
        f"<details><summary>Passport</summary><dl>{rows}</dl></details>" if rows else '<p class="remark">It has no passport.</p>'
    )


def in_words(value: Any) -> str:
    """
    >>> in_words({"reference": 1438, "sample": None}), in_words([0.25, 0.5]), in_words(None)
    ('reference 1438, sample –', '0.25, 0.5', '–')
    """
    if value is None:
        return "–"  # noqa: RUF001
    if isinstance(value, dict):
        return ", ".join(f"{k} {in_words(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(in_words, value))
    return number(value) if isinstance(value, float) else str(value)
