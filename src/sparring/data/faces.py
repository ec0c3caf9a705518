"""Cartoon faces whose every attribute is known, because each was drawn on purpose.

All attributes are drawn independently of one another, so that a direction learned for one of them owes nothing to another. That is also
why some parts are left out: hair under which python-avatars draws neither beard nor glasses would make their labels lie. No beard and
no glasses are drawn half of the time, every other part as often as its fellows.
"""

import importlib.util
import io
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import BadInput
from .dataset import Data
from .progress import progress

COUNT, SIDE = 10_000, 64
HOW_TO_GET = "install the extra: pip install 'sparring[faces]'"
HEIGHT = 68  # the drawing's own shape is 264 x 280; the lowest four rows, clothes, are cut off
HALF = ("facial_hair", "accessory")  # NONE half of the time

# column -> (the enumeration of python-avatars, what of it is left out)
PARTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "hair": (
        "HairType",
        ("ASTRONAUT", "CURLY_2", "LONG_HAIR_CURLY", "LOOSE_HAIR"),
    ),  # these hide or drop beards, the third glasses too
    "hair_color": ("HairColor", ()),
    "skin": ("SkinColor", ()),
    "facial_hair": ("FacialHairType", ()),
    "accessory": ("AccessoryType", ()),
    "mouth": ("MouthType", ("VOMIT", "EATING")),
    "eyes": ("EyeType", ("X_DIZZY",)),
    "eyebrows": ("EyebrowType", ("NONE",)),
    "nose": ("NoseType", ()),
    "clothing": ("ClothingType", ("NONE",)),  # which it cannot draw
    "clothing_color": ("ClothingColor", ()),
}
COLOURLESS = ("NONE", "SHAVED_SIDES", "STRAIGHT_2")  # hair that ignores its colour

# coarse column -> (the column it follows from, the values that mean yes)
COARSE: dict[str, tuple[str, str]] = {
    "long_hair": (  # as drawn, below the chin
        "hair",
        "BIG_HAIR BOB BRIDE CORNROWS CURVY DREADLOCKS DREADS HALF_SHAVED LONG_NOT_TOO_LONG MIA_WALLACE SHAGGY_MULLET SHAVED_SIDES "
        "STRAIGHT_1 STRAIGHT_2 STRAIGHT_STRAND TWIST_LONG_HAIR TWIST_LONG_HAIR_2 WICK WILD",
    ),
    "beard": ("facial_hair", "BEARD_LIGHT BEARD_MAGESTIC BEARD_MEDIUM WICK_BEARD"),  # moustaches alone are none
    "glasses": ("accessory", "KURT PRESCRIPTION_1 PRESCRIPTION_2 ROUND SUNGLASSES SUNGLASSES_2 WAYFARERS WAYFARERS_2"),
    "smile": ("mouth", "BIG_SMILE DEFAULT SMILE TONGUE TWINKLE"),
    "open_mouth": ("mouth", "BIG_SMILE CONCERNED DEFAULT DISBELIEF SCREAM_OPEN SMILE TONGUE"),
    "dark_skin": ("skin", "BROWN DARK_BROWN BLACK"),
}


def find(count: int = COUNT, seed: int = 0) -> Path | Literal["made"] | None:
    """The faces made earlier; "made" where they can be made; None without the extra."""
    path = _kept(count, seed)
    if path.is_file():
        return path
    return "made" if all(importlib.util.find_spec(name) for name in ("python_avatars", "resvg_py")) else None


def faces(count: int = COUNT, seed: int = 0) -> Data:
    """Faces (count, 64, 64, 3) on white; made once, at about 200 a second, then kept in the cache.

    `labels` are long hair or not. `attributes` are the parts themselves (`hair`, `hair_color`, `skin`, `facial_hair`, `accessory`,
    `mouth`, `eyes`, `eyebrows`, `nose`, `clothing`, `clothing_color`; a hair colour nobody can see is -1) and six coarse ones of yes
    and no: `long_hair`, `beard`, `glasses`, `smile`, `open_mouth`, `dark_skin`.

    Raises:
        BadInput: they are not in the cache, and the extra `faces` is not installed.
    """
    from .files import npz, reading
    from .named import save

    if count < 2:
        raise BadInput(f"count={count}: at least two faces are needed.")
    path = _kept(count, seed)
    if not path.is_file():
        rows, columns, values = make(count, seed)
        text = np.frombuffer(json.dumps(values).encode(), np.uint8)
        save(path, images=rows, names=text, **columns)
    with reading(path):
        kept = npz(path)
        values = json.loads(kept["names"].tobytes())
        attributes = {name: (tuple(values[name]), kept[name].astype(np.int64)) for name in values}
        rows = kept["images"]
    return Data(
        "faces",
        rows,
        attributes["long_hair"][1],
        ("short hair", "long hair"),
        attributes,
        notes=[f"{count:,} cartoon faces drawn by python-avatars with seed {seed}, {SIDE} x {SIDE}; labels: long hair or not."],
    )


def make(count: int, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, list[str]]]:
    """Draw faces.

    Returns:
        rows: (count, 64, 64, 3) uint8; columns: each attribute's (count,) labels; names: each attribute's values.
    """
    try:
        import python_avatars
    except ImportError:
        raise BadInput(f"faces are drawn by python-avatars and resvg-py: {HOW_TO_GET}.") from None
    kinds = {
        column: [kind for kind in getattr(python_avatars, enumeration) if kind.name not in without]
        for column, (enumeration, without) in PARTS.items()
    }
    names = {column: [kind.name for kind in kinds[column]] for column in PARTS}
    rng = np.random.default_rng(seed)
    columns = {column: rng.integers(len(names[column]), size=count) for column in PARTS}
    for column in HALF:
        none = names[column].index("NONE")
        columns[column] = np.where(
            rng.random(count) < 0.5, none, (none + rng.integers(1, len(names[column]), count)) % len(names[column])
        )
    rows = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for i in progress(range(count), count, "Drawing faces"):
        rows[i] = _draw(python_avatars, {column: kinds[column][columns[column][i]] for column in PARTS})
    for column, (of, yes) in COARSE.items():
        columns[column] = np.isin(np.array(names[of])[columns[of]], yes.split()).astype(np.int64)
        names[column] = ["no", "yes"]
    bare = np.isin(np.array(names["hair"])[columns["hair"]], COLOURLESS) & (
        columns["facial_hair"] == names["facial_hair"].index("NONE")
    )
    columns["hair_color"] = np.where(bare, -1, columns["hair_color"])
    return rows, columns, names


def _draw(python_avatars: Any, parts: dict[str, Any]) -> np.ndarray:
    import resvg_py
    from PIL import Image

    avatar = python_avatars.Avatar(
        style=python_avatars.AvatarStyle.TRANSPARENT,
        top=parts["hair"],
        facial_hair_color=parts["hair_color"],
        skin_color=parts["skin"],
        shirt_graphic=python_avatars.ClothingGraphic.NONE,
        **{column: parts[column] for column in PARTS if column not in ("hair", "skin")},
    )
    png = resvg_py.svg_to_bytes(
        svg_string=avatar.render(), width=SIDE, height=HEIGHT, background="#ffffff", skip_system_fonts=True
    )
    with Image.open(io.BytesIO(bytes(png))) as image:
        return np.asarray(image.convert("RGB"))[:SIDE]


def _kept(count: int, seed: int) -> Path:
    from .named import cache

    return cache() / f"faces-{count}-{seed}.npz"
