"""The sections of pictures: what the game makes, how it came to make it, and what its codes mean."""

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring import abilities, distribute
from sparring.data import to_uint8
from sparring.data.pixels import GAP, VISIBLE
from sparring.run import Run

from .charts import COLOURS, Points, scatter
from .html import LINE, abreast, escape, flow, note, number, picture, table
from .plane import CLOUD, Plane, principal

LINES, FRAMES, CLASSES, CODES = 4, 10, 20, 2000
NAMES = 12  # classes that are named on a map; more would cover it


def tiles(x: Tensor) -> np.ndarray:
    """(..., C, H, W) pictures in [-1, 1] as (..., H, W, C) uint8; two channels and more than three show the first."""
    flat = x.detach().cpu().float().nan_to_num(0.0).flatten(0, -4)
    pixels = to_uint8(flat if flat.shape[1] in (1, 3) else flat[:, :1])
    return pixels.reshape(*x.shape[:-3], *pixels.shape[1:])


def seeded(run: Run, *what: int | str) -> torch.Generator:
    """The generator of one figure: the same for the same run."""
    return torch.Generator().manual_seed(distribute.seed_of(run.config["seed"], "report", *what))


def broken(x: Tensor) -> str:
    """A word on rows that are not finite, if there are any."""
    count = int((~x.isfinite().flatten(1).all(1)).sum())
    return f'<p class="missing">{count:,} of {len(x):,} rows hold values that are not finite.</p>' if count else ""


# ── samples ──────────────────────────────────────────────────────────────────────────────
def samples(run: Run) -> str:
    """Fresh samples; vectors as points over the data."""
    game: Any = run.game
    if not isinstance(game, abilities.Sample):
        return ""
    if len(run.config["data"][0]["shape"]) == 3:
        x = game.sample(LINES * abreast(run.config["data"][0]["shape"][2]), generator=seeded(run, "samples"))
        says = note("Drawn afresh, none picked; the same seed gives the same pictures.")
        return says + broken(x) + card(flow(tiles(x), f"{len(x)} generated pictures"))
    x = game.sample(CLOUD, generator=seeded(run, "samples")).cpu().float()
    plane = Plane(run, x)
    layers = [Points(plane(rows), "data") for rows in plane.data] + [Points(plane(x), "c1")]
    legend = swatches({"data": "data", "c1": "samples"} if plane.data else {"c1": "samples"})
    says = note(f"{len(x):,} rows drawn afresh, none picked. {plane.says}")
    return says + broken(x) + card(legend + plane.scatter(layers, f"{len(x)} generated points over the data"))


def film(run: Run) -> str:
    """What the same codes gave as the rounds went by, from samples/ROUND.png."""
    if not isinstance(run.game, abilities.Sample):
        return ""
    files = sorted((f for f in (run.path / "samples").glob("*.png") if f.stem.isdigit()), key=lambda f: int(f.stem))
    if not files:
        return '<p class="missing">There are no sample grids yet: a run writes one each tenth of its rounds.</p>'
    shape = run.config["data"][0]["shape"]
    picked = [files[i] for i in sorted({round(k) for k in np.linspace(0, len(files) - 1, FRAMES)})]
    frames, unread = [], []
    for file in picked:
        try:
            frames.append((int(file.stem), first_lines(file, shape, abreast(shape[2])) if len(shape) == 3 else read(file)))
        except (OSError, ValueError, SyntaxError) as error:  # Pillow says SyntaxError of a broken PNG
            unread.append(f"{file.name} ({error})")
    told = f'<p class="missing">Unreadable: {escape(", ".join(unread))}</p>' if unread else ""
    if not frames:
        return told
    if len(shape) != 3:
        shots = "".join(
            f"<figure>{picture(ink(image), f'samples after round {t}', 'ink')}<figcaption>{t:,}</figcaption></figure>"
            for t, image in frames
        )
        return note("Samples of the same codes, by round.") + told + card(f'<div class="shots">{shots}</div>')
    width = min(line.shape[0] for _, line in frames)
    stack = np.stack([line[:width] for _, line in frames])
    body = table(stack, "Samples of the same codes as the rounds went by", [f"{t:,}" for t, _ in frames])
    return note("Each column is one code from beginning to end; each line is the round named.") + told + card(body)


def read(file: Path) -> np.ndarray:
    """A PNG as (H, W, C) uint8."""
    from PIL import Image

    with Image.open(file) as image:
        pixels = np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    return pixels if pixels.ndim == 3 else pixels[..., None]


def first_lines(file: Path, shape: list[int], most: int) -> np.ndarray:
    """(n, H, W, C): the first `most` pictures of a grid that `save_grid` wrote, at their own size."""
    _, height, width = shape
    factor = max(1, -(-VISIBLE // max(height, width)))
    pixels = read(file)
    down, across = height * factor + GAP, width * factor + GAP
    lines, columns = (pixels.shape[0] + GAP) // down, (pixels.shape[1] + GAP) // across
    if not lines or not columns:
        raise ValueError("smaller than one sample")
    tiles = pixels[: lines * down - GAP, : columns * across - GAP]
    tiles = np.pad(tiles, ((0, GAP), (0, GAP), (0, 0))).reshape(lines, down, columns, across, -1)
    return (
        tiles[:, : height * factor : factor, :, : width * factor : factor]
        .swapaxes(1, 2)
        .reshape(-1, *shape[1:], tiles.shape[-1])[:most]
    )


def ink(pixels: np.ndarray) -> np.ndarray:
    """Dark on white as black on nothing, so that it can be drawn on any ground: (H, W, C) -> (H, W, 4) uint8."""
    dark = 255 - pixels.min(2, keepdims=True)
    return np.concatenate([np.zeros_like(dark).repeat(3, 2), dark], 2)


# ── conditions and codes ─────────────────────────────────────────────────────────────────
def takes_label(game: Any) -> bool:
    """Whether `sample` can be asked for a label."""
    return any(
        "label" in inspect.signature(f).parameters for f in (getattr(game, "sample", None), getattr(game, "latent", None)) if f
    )


def label_names(run: Run) -> list[str]:
    return [str(name) for name in run.config["data"][0]["label_names"]]


def classes(run: Run) -> str:
    """Samples of each class, for games that can be asked for one."""
    game: Any = run.game
    if not (isinstance(game, abilities.Sample) and takes_label(game) and label_names(run)):
        return ""
    names = label_names(run)
    lines = [game.sample(10, generator=seeded(run, "classes"), label=k).cpu().float() for k in range(min(len(names), CLASSES))]
    more = f" The first {CLASSES} of {len(names):,} classes." if len(names) > CLASSES else ""
    if lines[0].ndim == 4:
        body = table(tiles(torch.stack(lines)), "Generated pictures of each class", names[:CLASSES])
        return note(f"Each line asks for one class; each column keeps its noise.{more}") + card(body)
    lines = [game.sample(200, generator=seeded(run, "classes"), label=k).cpu().float() for k in range(len(lines))]
    return note(f"Points asked for by class.{more}") + card(coloured(run, lines, names))


def traversals(run: Run) -> str:
    """Every code varied alone."""
    game: Any = run.game
    if not isinstance(game, abilities.Traverse):
        return ""
    vectors = len(run.config["data"][0]["shape"]) != 3
    grids = game.traverse(rows=100 if vectors else 5, generator=seeded(run, "traversals"))
    if takes_label(game):
        grids.pop("label", None)  # "Classes" shows it
    cards = []
    for name, grid in grids.items():
        grid, values = grid.cpu().float(), column_names(run, name, grid.shape[1])
        if vectors:
            body = coloured(run, list(grid.transpose(0, 1)), values, ordered=not is_class(name))
        else:
            alt = f"The code {name}" + (f" from {values[0]} to {values[-1]}" if values else "")
            body = table(tiles(grid), alt, columns=values, room=LINE // 2)
        cards.append(f'<article class="card"><h3>{escape(name)}</h3>{body}</article>')
    says = "One code at a time; "
    says += (
        "each colour is one value under a hundred draws of all else."
        if vectors
        else "each line keeps its noise and its other codes."
    )
    return note(says) + f'<div class="cards">{"".join(cards)}</div>' if cards else ""


def is_class(name: str) -> bool:
    """Whether a code's values have no order."""
    return name.startswith(("categorical", "label"))


def column_names(run: Run, name: str, columns: int) -> list[str]:
    """The values that a code takes along a traversal, as far as the game tells: class names, numbers of a categorical code,
    -span to span of a continuous one for a game with a `span`."""
    names, span = label_names(run), getattr(run.game, "span", None)
    if name == "label" and len(names) == columns:
        return names
    if is_class(name):
        return [str(i) for i in range(columns)]
    return [number(float(v)) for v in np.linspace(-span, span, columns).round(2)] if span else []


def coloured(run: Run, groups: list[Tensor], names: list[str], ordered: bool = False) -> str:
    """Groups of vectors over the data, each in its colour; classes have their names in their middles, ordered values a legend."""
    plane = Plane(run, torch.cat(groups))
    layers = [Points(plane(rows), "data") for rows in plane.data]
    last = max(len(groups) - 1, 1)
    kinds = [f"r{9 * i // last}" if ordered else f"c{i % COLOURS}" for i in range(len(groups))]
    written = names if not ordered and 0 < len(names) <= NAMES else [""] * len(groups)
    layers += [Points(plane(g), kind, name) for g, kind, name in zip(groups, kinds, written, strict=False)]
    legend = swatches(dict(zip(kinds, names, strict=False))) if ordered else ""
    return legend + plane.scatter(layers, f"Points of {', '.join(names[:NAMES]) or 'each value'} over the data")


# ── codes of the data ────────────────────────────────────────────────────────────────────
def reconstructions(run: Run) -> str:
    """Rows of the data that were not trained on, and what is left of them after encoding and decoding."""
    game: Any = run.game
    if not isinstance(game, abilities.Reconstruct):
        return ""
    data = run.data("test")[-1]
    index = np.linspace(0, len(data) - 1, min(len(data), abreast(data.shape[-1]) if data.is_image else 300)).astype(np.int64)
    x = data.x(index)
    again = game.reconstruct(x).detach().cpu().float()
    if data.is_image:
        body = table(tiles(torch.stack([x, again])), "Originals above, reconstructions below", ["original", "again"])
        return note("Held-out pictures above, the game's reconstructions below.") + broken(again) + card(body)
    plane = Plane(run, x)
    chart = plane.scatter([Points(plane(x), "data"), Points(plane(again), "c1")], "Originals and reconstructions")
    return (
        note(f"Held-out rows and their reconstructions. {plane.says}")
        + broken(again)
        + card(swatches({"data": "original", "c1": "again"}) + chart)
    )


def code_map(run: Run) -> str:
    """Codes of held-out rows on their principal plane, coloured by label."""
    game: Any = run.game
    if not (isinstance(game, abilities.Encode) and any(data["classes"] for data in run.config["data"])):
        return ""
    data = run.data("test")[-1]
    if data.labels is None or not len(data.labelled):
        return '<p class="missing">No held-out row has a label.</p>'
    rows = np.random.default_rng(run.config["seed"]).permutation(data.labelled)[:CODES]
    codes, y = game.encode(data.x(rows)).detach().cpu().double().numpy().reshape(len(rows), -1), data.y(rows).numpy()
    kept = np.isfinite(codes).all(1)
    if not kept.any():
        return '<p class="missing">No code is finite.</p>'
    centre, directions, share = principal(codes[kept])
    xy = (codes - centre) @ directions.T
    names = [str(name) for name in data.label_names]
    there = np.unique(y)
    layers = [Points(xy[kept & (y == k)], f"c{k % COLOURS}", names[k] if len(there) <= NAMES else "") for k in there]
    chart = scatter(
        layers, f"Codes of {kept.sum()} rows, coloured by label", ("first direction", "second direction"), xy[kept], False
    )
    says = (
        f"Codes of {kept.sum():,} held-out rows on the two principal directions, which hold {share:.0%} of their variance. Colours are "
        "labels, which the map itself does not use; names stand at the medians."
    )
    return note(says) + card(chart)


def card(body: str) -> str:
    return f'<article class="card">{body}</article>'


def swatches(names: dict[str, str]) -> str:
    """A legend of dots: colour class -> text."""
    items = "".join(
        f'<li><svg class="dot" viewBox="0 0 10 10" aria-hidden="true"><path class="dots {kind}" d="M5 5h0"/></svg>{escape(text)}</li>'
        for kind, text in names.items()
    )
    return f'<ul class="legend">{items}</ul>'
