"""One look for all figures: few inks, no frames, labels at the curves where they fit. Readable at 1,200 pixels."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

INK, GREY, FAINT = "#22252b", "#70757f", "#e4e6ea"
COLOURS = ("#2b6cb0", "#d1495b", "#2f8f6b", "#e09f3e", "#7b5ea7", "#4aa3c2", "#8a5a44")
"""Told apart also by the colour-blind and in print: they differ in lightness as well."""


def panels(columns: int, rows: int = 1, *, height: float = 5.0, **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure of 1,800 pixels' width, and its panels row by row; nothing global is touched, so no state leaks into a user's
    plots."""
    layout = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.15, wspace=0.04, hspace=0.06)
    figure = Figure(figsize=(12, height * rows), dpi=150, layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, [dress(ax) for row in grid for ax in row]


def dress(ax: Axes) -> Axes:
    """Two thin axes, a faint horizontal grid, quiet ticks."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(GREY)
        ax.spines[side].set_linewidth(0.8)
    ax.grid(axis="y", color=FAINT, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(colors=GREY, labelsize=11, length=3)
    ax.set_prop_cycle(color=COLOURS)
    ax.title.set_color(INK)
    return ax


def name(ax: Axes, title: str, x: str = "", y: str = "") -> None:
    """What a panel shows, left above it, and its axes with their units."""
    ax.set_title(title, loc="left", fontsize=13, color=INK, pad=12)
    ax.set_xlabel(x, fontsize=12, color=INK)
    ax.set_ylabel(y, fontsize=12, color=INK)


def legend(ax: Axes, **options: Any) -> None:
    """The legend, without a box."""
    ax.legend(**{"frameon": False, "fontsize": 11, "labelcolor": INK, **options})
