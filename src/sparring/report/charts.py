"""Charts as inline SVG: axes, lines, points. Colours are classes `c0` to `c9`, so that the style sheet owns them in light and dark."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from .html import escape, number

COLOURS = 10
WIDTH, HEIGHT = 480, 270
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 10, 34  # margins round the plot, for ticks and names


class Points(NamedTuple):
    """One colour of a scatter plot: (n, 2) points; the text stands at their median."""

    xy: np.ndarray
    colour: str
    text: str = ""


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers in [low, high], about `count` of them.

    >>> ticks(0, 1500), ticks(-0.13, 0.31)
    ([0.0, 500.0, 1000.0, 1500.0], [-0.1, 0.0, 0.1, 0.2, 0.3])
    """
    raw = (high - low) / count
    power = 10.0 ** np.floor(np.log10(raw))
    step = power * min((1, 2, 5, 10), key=lambda m: abs(np.log(m * power / raw)))
    return [float(f"{k * step:.12g}") for k in range(int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9)) + 1)]


class Axes:
    """A plot's frame: limits in the unit of the data, and where they lie in the picture."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], width: int = WIDTH, height: int = HEIGHT) -> None:
        self.x, self.y, self.width, self.height = x, y, width, height

    def place(self, xy: np.ndarray) -> np.ndarray:
        """(n, 2) data -> (n, 2) pixels, kept near the frame: what lies outside is cut off anyway."""
        (x0, x1), (y0, y1) = self.x, self.y
        px = LEFT + (xy[:, 0] - x0) / (x1 - x0) * (self.width - LEFT - RIGHT)
        py = self.height - BOTTOM - (xy[:, 1] - y0) / (y1 - y0) * (self.height - TOP - BOTTOM)
        return np.stack([px.clip(-self.width, 2 * self.width), py.clip(-self.height, 2 * self.height)], 1)

    def svg(
        self, inside: str, alt: str, x_name: str, y_name: str, attributes: str = "", over: str = "", kind: str = "plot"
    ) -> str:
        """The chart: grid, ticks, names, and `inside` cut to the frame."""
        right, floor = self.width - RIGHT, self.height - BOTTOM
        parts = []
        for value in ticks(*self.y):
            y = self.place(np.array([[self.x[0], value]]))[0, 1]
            parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"/>{text(LEFT - 7, y + 4, number(value), "end")}')
        for value in ticks(*self.x):
            x = self.place(np.array([[value, self.y[0]]]))[0, 0]
            anchor = "end" if x > right - 14 else "middle"
            parts.append(f'<path class="mark" d="M{x:.1f} {floor}v4"/>{text(x, floor + 17, number(value), anchor)}')
        parts.append(f'<path class="axis" d="M{LEFT} {floor}H{right}"/>')
        parts.append(text((LEFT + right) / 2, self.height - 3, x_name, kind="name"))
        parts.append(f'<g transform="translate(11 {(TOP + floor) / 2}) rotate(-90)">{text(0, 0, y_name)}</g>')
        # A nested <svg> clips to its own box, without ids that would have to differ from chart to chart.
        box = f'x="{LEFT}" y="{TOP}" width="{right - LEFT}" height="{floor - TOP}"'
        frame = f'<svg {box} viewBox="{LEFT} {TOP} {right - LEFT} {floor - TOP}">{inside}</svg>'
        return (
            f'<svg class="{kind}" viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escape(alt)}" {attributes}>'
            f"{''.join(parts)}{frame}{over}</svg>"
        )


def text(x: float, y: float, words: str, anchor: str = "middle", kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def line(axes: Axes, x: np.ndarray, y: np.ndarray, kind: str) -> str:
    """A line through (n,) points that breaks where y is not finite; a lone point is a dot."""
    steps, pen = [], False
    finite = np.isfinite(y)
    for i, (px, py) in enumerate(axes.place(np.stack([x, np.where(finite, y, 0)], 1))):
        if not finite[i]:
            pen = False
            continue
        alone = not pen and (i + 1 == len(y) or not finite[i + 1])
        steps.append(f"{'L' if pen else 'M'}{px:.1f} {py:.1f}{'h0' if alone else ''}")
        pen = True
    return f'<path class="{kind}" d="{"".join(steps)}"/>' if steps else ""


def dots(axes: Axes, xy: np.ndarray, kind: str) -> str:
    """(n, 2) points as one path of round, zero-length strokes: a tenth of the size of as many circles."""
    shown = axes.place(xy[np.isfinite(xy).all(1)])
    return f'<path class="dots {kind}" d="{"".join(f"M{x:.1f} {y:.1f}h0" for x, y in shown)}"/>'


def limits(values: Iterable[np.ndarray], cut: float = 0.0, pad: float = 0.06) -> tuple[float, float]:
    """A range that holds the finite values but for a share `cut` at either end, with room round it; never empty."""
    ends = []
    for v in values:
        v = np.asarray(v, float).ravel()
        if (v := v[np.isfinite(v)]).size:
            ends += list(np.quantile(v.clip(-1e30, 1e30), [cut, 1 - cut]))
    low, high = (float(min(ends)), float(max(ends))) if ends else (0.0, 1.0)
    room = pad * (high - low)
    # A constant needs some height too, and enough of it that float arithmetic can tell the ends apart.
    room = room if room > 1e-9 * max(abs(low), abs(high)) and room > 1e-30 else max(abs(low), 1.0) / 2
    return low - room, high + room


def scatter(layers: Sequence[Points], alt: str, names: tuple[str, str], like: np.ndarray, equal: bool) -> str:
    """Points in the plane.

    Args:
        layers: Drawn in this order, their texts on top.
        alt: What is to be seen.
        names: Of the two axes.
        like: (n, 2) points that the frame is laid round.
        equal: Whether a unit is as long on both axes, so that a circle is one.
    """
    width, height = WIDTH, 400
    x, y = limits([like[:, 0]], pad=0.12), limits([like[:, 1]], pad=0.12)
    if equal:
        unit = max((x[1] - x[0]) / (width - LEFT - RIGHT), (y[1] - y[0]) / (height - TOP - BOTTOM))
        x, y = (
            (sum(ends) / 2 - unit * room / 2, sum(ends) / 2 + unit * room / 2)
            for ends, room in ((x, width - LEFT - RIGHT), (y, height - TOP - BOTTOM))
        )
    axes = Axes(x, y, width, height)
    inside = "".join(dots(axes, layer.xy, layer.colour) for layer in layers)
    over = ""
    for layer in layers:
        if layer.text and len(layer.xy):
            (px, py), *_ = axes.place(np.nanmedian(layer.xy, axis=0, keepdims=True))
            over += text(px, py + 5, layer.text, kind="over")
    return axes.svg(inside, alt, *names, over=over, kind="plot square")
