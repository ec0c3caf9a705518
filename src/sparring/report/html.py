"""The page around the sections, and the few pieces of HTML they share. Every text that goes in is escaped."""

import base64
import html
import io
import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np

LARGEST = 128  # pixels on the longer side of an embedded picture; larger ones are reduced
SMALL, LINE = 40, 976  # CSS pixels: what a tile is enlarged to at least; the room for tiles across the whole page


def escape(text: Any) -> str:
    """Text for HTML, between tags and inside quoted attributes.

    >>> escape('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return html.escape(str(text), quote=True)


def number(value: Any) -> str:
    """A number for people: four digits that matter, thousands in groups, a true minus sign.

    >>> number(0.640669), number(-12345.6), number(1.3e-6), number(float("nan")), number(None)
    ('0.6407', '−12,346', '1.3e−06', 'NaN', '–')
    """
    if not isinstance(value, int | float):
        return "–"  # noqa: RUF001
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"  # noqa: RUF001
    small = value != 0 and not 1e-4 <= abs(value) < 1e7
    text = f"{value:.4g}" if small or abs(value) < 1000 else f"{value:,.0f}"
    return text.replace("-", "−")  # noqa: RUF001


def page(title: str, header: str, sections: Mapping[str, str], data: str) -> str:
    """The whole document.

    Args:
        title: Plain text.
        header: HTML above the sections.
        sections: Heading -> HTML.
        data: JSON that the script reads, with no "<" in it.
    """
    style, script = (files(__package__).joinpath(name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    links = "".join(f'<a href="#{anchor(name)}">{escape(name)}</a>' for name in sections)
    body = "".join(f'<section id="{anchor(name)}"><h2>{escape(name)}</h2>{html}</section>' for name, html in sections.items())
    # The policy makes the promise binding: a browser that opens this file may not fetch anything.
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        f'<title>{escape(title)}</title>\n<link rel="icon" href="data:,">\n<style>\n{style}</style>\n</head>\n<body>\n'
        f"{header}\n<nav>{links}</nav>\n<main>\n{body}\n</main>\n"
        f'<script type="application/json" id="history">{data}</script>\n<script>\n{script}</script>\n</body>\n</html>\n'
    )


def anchor(name: str) -> str:
    return name.lower().replace(" ", "-")


def note(text: str) -> str:
    """A sentence on how to read what follows."""
    return f'<p class="note">{escape(text)}</p>'


# ── pictures ─────────────────────────────────────────────────────────────────────────────
def picture(pixels: np.ndarray, alt: str = "", kind: str = "") -> str:
    """An <img> that carries its PNG.

    Args:
        pixels: (H, W, C) uint8; C = 1 grey, 3 colour, 4 colour and opacity, anything else shows its first channel.
        alt: What is to be seen; empty inside a figure that says it.
        kind: CSS class.
    """
    from PIL import Image

    image = Image.fromarray(pixels if pixels.shape[2] in (3, 4) else pixels[..., 0])
    if max(image.size) > LARGEST and not kind:
        image.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    name = f' class="{kind}"' if kind else ""
    return (
        f'<img{name} alt="{escape(alt)}" width="{image.width}" height="{image.height}" '
        f'src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'
    )


def tile_width(height: int, width: int) -> int:
    """CSS pixels that a picture is shown wide: whole multiples of its own, while it is small."""
    longer = max(height, width, 1)
    return width * -(-SMALL // longer) if longer <= LARGEST else width * LARGEST // longer


def abreast(width: int) -> int:
    """How many pictures of that width stand side by side across the whole page."""
    return 16 if width <= SMALL else 8


def flow(tiles: np.ndarray, alt: str) -> str:
    """(n, H, W, C) uint8 pictures in lines across the whole page; eight a line on a phone."""
    style = f"--tile:{LINE // abreast(tiles.shape[2])}px;--columns:{abreast(tiles.shape[2])}"
    return f'<div class="flow" role="img" aria-label="{escape(alt)}" style="{style}">{"".join(map(picture, tiles))}</div>'


def table(tiles: np.ndarray, alt: str, rows: Sequence[str] = (), columns: Sequence[str] = (), room: int = LINE) -> str:
    """(rows, columns, H, W, C) uint8 pictures in rows and columns, with or without names, in `room` CSS pixels."""
    corner = '<span class="corner"></span>' if rows and columns else ""
    head = corner + "".join(f'<span class="column">{escape(name)}</span>' for name in columns)
    body = "".join(
        (f'<span class="row">{escape(rows[i])}</span>' if rows else "") + "".join(map(picture, line))
        for i, line in enumerate(tiles)
    )
    gap, names = 3, 64 if rows else 0
    tile = min((room - names) // tiles.shape[1] - gap, 2 * tile_width(*tiles.shape[2:4]))
    style = f"--tile:{tile}px;--columns:{tiles.shape[1]}"
    named = " named" if rows else ""
    return f'<div class="scroll"><div class="table{named}" role="img" aria-label="{escape(alt)}" style="{style}">{head}{body}</div></div>'
