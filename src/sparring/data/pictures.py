"""One picture file, as strangers make them: any mode, depth, size and rotation, or broken."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from ..errors import BadInput

# Named, because Pillow would otherwise offer a file to every reader it has, one of which starts a PostScript interpreter.
Image.init()  # before threads ask for it
FORMATS = tuple(f for f in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF") if f in Image.OPEN)
SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".avif")
MAX_PIXELS = 100_000_000  # a picture that claims more is taken for a decompression bomb: 300 MB decoded
KEPT = 128  # pictures all of one size, up to this, stay as they are

Size = tuple[int, int]  # (H, W)


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture says of itself before a pixel is decoded."""

    height: int
    width: int
    grey: bool
    cares: frozenset[str]  # what will be done to it, for the notes


@contextmanager
def quiet() -> Iterator[None]:
    """Pillow warns of odd but readable files; a skipped file is named anyway. For one thread, outside any pool."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def reasons() -> Iterator[None]:
    """Every failure is a BadInput that says why in a few words."""
    try:
        yield
    except BadInput:
        raise
    except FileNotFoundError:
        raise BadInput("the file is gone") from None
    except Image.DecompressionBombError:
        raise BadInput(f"more than the {MAX_PIXELS:,} pixels allowed") from None
    except Image.UnidentifiedImageError:
        raise BadInput("not a picture, whatever its name says") from None
    except MemoryError:
        raise BadInput("it does not fit into memory") from None
    except Exception as error:  # decoders of broken files raise whatever they stumble over
        raise BadInput(" ".join(str(error).split())[:120] or type(error).__name__) from None


@contextmanager
def _opened(file: str | Path) -> Iterator[Image.Image]:
    with reasons(), Image.open(file, formats=FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:
            raise BadInput(f"{image.width} x {image.height} pixels, more than the {MAX_PIXELS:,} allowed")
        yield image


def header(file: str | Path) -> Header:
    """Size and colour without decoding; BadInput with the reason where even that fails."""
    with _opened(file) as image:
        return describe(image)


def describe(image: Image.Image) -> Header:
    cares = set()
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        cares.add("Alpha was composited over white")
    if image.mode == "CMYK":
        cares.add("CMYK was converted to RGB")
    if image.mode.startswith("I") or image.mode == "F":
        cares.add("16-bit grey was scaled to 8 bits")
    if getattr(image, "is_animated", False):
        cares.add("Of files with several frames the first was taken")
    width, height = image.size
    if _rotation(image) >= 5:
        width, height = height, width
    if _rotation(image) > 1:
        cares.add("Rotations noted by cameras were applied")
    return Header(height, width, _grey(image), frozenset(cares))


def _grey(image: Image.Image) -> bool:
    if image.mode in ("P", "PA"):
        colours = np.array(image.getpalette("RGB") or [0, 0, 0]).reshape(-1, 3)
        return bool((colours == colours[:, :1]).all())
    return image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")


def _rotation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # a corrupt EXIF block says nothing about the pixels
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def read(file: str | Path, size: Size, channels: int) -> np.ndarray:
    """A picture file as (H, W, C) uint8: the first frame, upright, over white, fitted as `fit` does.

    Raises:
        BadInput: the reason, in a few words.
    """
    with _opened(file) as image:
        if image.format in ("JPEG", "MPO") and image.size != size[::-1]:
            image.draft(None, (2 * max(size), 2 * max(size)))  # decode at a fraction of its size where that loses nothing
        return fit(image, size, channels)


def fit(image: Image.Image, size: Size, channels: int) -> np.ndarray:
    """A picture as (H, W, C) uint8: cropped about its centre to the shape asked for, then resized with antialiasing."""
    if _rotation(image) > 1:
        image = ImageOps.exif_transpose(image)
    image = flat(image)
    mode = "L" if channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    height, width = size
    if image.size != (width, height):
        scale = min(image.width / width, image.height / height)
        left, top = (image.width - scale * width) / 2, (image.height - scale * height) / 2
        # Rounding may reach past the border by a hair, which Pillow refuses.
        box = (max(left, 0), max(top, 0), min(left + scale * width, image.width), min(top + scale * height, image.height))
        image = image.resize((width, height), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    return np.asarray(image).reshape(height, width, channels)


def flat(image: Image.Image) -> Image.Image:
    """Grey ("L") or colour ("RGB"), 8 bits a channel, without alpha."""
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(image)))
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        grey = image.mode in ("LA", "La", "L", "1")
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return image.convert("L" if grey else "RGB")
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
    low, high = float(pixels.min()), float(pixels.max())
    top = 65535 if pixels.dtype.kind in "iu" else 1 if high <= 1 else 255
    if not (low >= 0 and high <= top):
        raise BadInput(f"grey values between {low:g} and {high:g}, outside 0..{top}")
    return np.rint(pixels * (255 / top)).astype(np.uint8)


def decide(headers: list[Header], size: Any, channels: int | None) -> tuple[Size, int, list[str]]:
    """The size and channels that suit these pictures, and the sentences that say why."""
    sizes = {(h.height, h.width) for h in headers}
    notes = [f"{care}." for care in sorted(set().union(*(h.cares for h in headers)))]
    low, high = (min(min(s) for s in sizes), max(max(s) for s in sizes))
    found = f"all {_x(*sizes)}" if len(sizes) == 1 else f"of sides from {low} to {high} pixels"
    if size is not None:
        target, why = as_size(size), "as asked"
    elif len(sizes) == 1 and high <= KEPT:
        target, why = next(iter(sizes)), f"as they are (all one size, none over {KEPT})"
    else:
        short = float(np.median([min(h.height, h.width) for h in headers]))
        side = 32 if short < 64 else 64
        target, why = (side, side), f"because their median short side is {short:g} pixels; size overrides"
    notes.insert(0, f"Pictures {found}; used at {_x(target)}, {why}.")
    if sizes != {target}:
        notes.insert(1, f"Pictures of another size were cropped about their centre to {_x(target)}'s shape and resized.")
        small = sum(h.height < target[0] or h.width < target[1] for h in headers)
        if small:
            notes.append(f"{small:,} {'were' if small > 1 else 'was'} smaller than that and enlarged.")
    grey = sum(h.grey for h in headers)
    if channels is None:
        channels = 1 if grey == len(headers) else 3
    elif channels not in (1, 3):
        raise BadInput(f"channels={channels}: pictures have 1 (grey) or 3 (colour) channels.")
    if channels == 1 and grey < len(headers):
        notes.append("Colour was converted to grey, as asked.")
    if channels == 3 and grey:
        notes.append(f"{grey:,} grey pictures were given three equal channels.")
    return target, channels, notes


def _x(size: Size) -> str:
    return f"{size[0]} x {size[1]}"


def as_size(size: Any) -> Size:
    """(H, W) of an int, or of a pair of them."""
    pair = (size, size) if isinstance(size, int | np.integer) else tuple(size) if isinstance(size, tuple | list) else ()
    if len(pair) != 2 or not all(isinstance(side, int | np.integer) and 1 <= side <= 4096 for side in pair):
        raise BadInput(f"size={size!r}: a size is one whole number of pixels or two (height, width), 1 to 4096.")
    return int(pair[0]), int(pair[1])
