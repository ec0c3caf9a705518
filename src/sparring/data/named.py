"""Data sets with a name: where each comes from, whether it is here, and how to get it.

A named set is looked for below `$SPARRING_DATA`, then in the cache (`$SPARRING_CACHE`, by default the platform's cache
directory), then where its users have it; as a folder of MNIST's four IDX files, or as one .npz of x_train, y_train, x_test, y_test.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import BadInput
from .arrays import from_array
from .dataset import Data
from .files import from_idx_folder, from_npz, idx_folder, reading
from .toys import grid_modes, mixture, ring_modes

PHOTOS = "put at least two photographs into $SPARRING_DATA/photos"
MNIST_M = f"it is made of mnist and of photographs: {PHOTOS}"
SECONDS = 10.0  # a network that has not answered by then is taken for none


@dataclass(frozen=True)
class Named:
    """A data set with a name.

    Args:
        source: where it comes from, and its licence.
        how_to_get: the sentence for a user who does not have it.
        find: where it is: a file or folder, "made" where it needs none, None where it is not here.
        read: makes the data, fetching them if need be.
        folder: whether it is a plain folder of pictures, which `load` reads at whatever size it is asked for.
    """

    name: str
    description: str
    source: str
    how_to_get: str
    find: Callable[[], Path | Literal["made"] | None]
    read: Callable[[], Data]
    folder: bool = False

    def path(self) -> Path | Literal["made"] | None:
        """Where it is on this machine: a path, "made" where none is needed, or None."""
        return self.find()


def cache() -> Path:
    """The directory for data that were fetched or made; it may not exist yet."""
    if given := os.environ.get("SPARRING_CACHE"):
        return Path(given).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "sparring"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "sparring"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sparring"


def names() -> dict[str, Named]:
    """Every data set with a name."""
    from . import faces

    entries = [
        Named(
            "digits",
            "1,797 handwritten digits, 8 x 8 grey, 10 labels",
            "scikit-learn's load_digits: the test part of Optical Recognition of Handwritten Digits (UCI), CC BY 4.0",
            "It comes with scikit-learn.",
            _made,
            _digits,
        ),
        Named(
            "ring",
            "50,000 points in the plane, 8 modes on a circle",
            "made here",
            "It is made when needed.",
            _made,
            lambda: mixture("ring", ring_modes()),
        ),
        Named(
            "grid",
            "50,000 points in the plane, 25 modes on a grid",
            "made here",
            "It is made when needed.",
            _made,
            lambda: mixture("grid", grid_modes()),
        ),
        _kept(
            "mnist",
            "70,000 handwritten digits, 28 x 28 grey, 10 labels, 10,000 of them for testing",
            "LeCun, Cortes, Burges; CC BY-SA 3.0",
            "put train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz and the two t10k files into $SPARRING_DATA/mnist",
            openml=(554, 60_000),
        ),
        _kept(
            "usps",
            "9,298 handwritten digits from envelopes, 16 x 16 grey, 10 labels, 2,007 of them for testing",
            "United States Postal Service (LeCun et al., 1989; Hull, 1994)",
            "put usps.npz with x_train, y_train, x_test and y_test into $SPARRING_DATA",
            openml=(41_082, 7_291),
        ),
        _kept(
            "fashion-mnist",
            "70,000 pieces of clothing, 28 x 28 grey, 10 labels, 10,000 of them for testing",
            "Zalando Research (Xiao, Rasul, Vollgraf, 2017), MIT",
            "install Debian's dataset-fashion-mnist, or put its four IDX files into $SPARRING_DATA/fashion-mnist",
            openml=(40_996, 60_000),
            places=("/usr/share/datasets/fashion-mnist",),
            label_names=(
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ),
        ),
        Named(
            "mnist-m",
            "MNIST's digits over patches of photographs, 28 x 28 colour, 10 labels, 10,000 of them for testing",
            "made here of mnist and photos, after Ganin et al. (2016)",
            f"{MNIST_M[0].upper()}{MNIST_M[1:]}.",
            lambda: _photos() and names()["mnist"].path(),
            _mnist_m,
        ),
        Named(
            "photos",
            "any folder of photographs",
            "yours",
            f"{PHOTOS[0].upper()}{PHOTOS[1:]}.",
            _photos,
            _read_photos,
            folder=True,
        ),
        Named(
            "faces",
            f"{faces.COUNT:,} cartoon faces, {faces.SIDE} x {faces.SIDE} colour, every attribute a label",
            "python-avatars (MIT), after Avataaars by Pablo Stanley (free for personal and commercial use), drawn by resvg",
            f"{faces.HOW_TO_GET[0].upper()}{faces.HOW_TO_GET[1:]}.",
            faces.find,
            faces.faces,
        ),
    ]
    return {entry.name: entry for entry in entries}


def _made() -> Literal["made"]:
    return "made"


def _digits() -> Data:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    data = from_array("digits", np.rint(bunch.images * (255 / 16)).astype(np.uint8), bunch.target)
    data.notes.append("1,797 handwritten digits of scikit-learn, 8 x 8; their 17 grey levels were scaled to 0..255.")
    return data


def roots() -> list[Path]:
    """Where data sets are kept: `$SPARRING_DATA`, if it is set, then the cache."""
    return [Path(root).expanduser() for root in (os.environ.get("SPARRING_DATA"), cache()) if root]


def _photos() -> Path | None:
    return next((root / "photos" for root in roots() if (root / "photos").is_dir()), None)


def _read_photos() -> Data:
    from .folders import from_folder

    if (path := _photos()) is None:
        raise BadInput(f"photos is not on this machine: {PHOTOS}.")
    return from_folder(path)


def _mnist_m() -> Data:
    from .mnist_m import mnist_m

    if (path := _photos()) is None:
        raise BadInput(f"mnist-m is not on this machine: {MNIST_M}.")
    return mnist_m(names()["mnist"].read(), path)


def _kept(
    name: str,
    description: str,
    source: str,
    how: str,
    openml: tuple[int, int],
    places: tuple[str, ...] = (),
    label_names: tuple[str, ...] = (),
) -> Named:
    """A data set that is kept in files."""

    def find() -> Path | None:
        here = [path for root in roots() for path in (root / name, root / f"{name}.npz")]
        return next((path for path in [*here, *map(Path, places)] if path.is_file() or idx_folder(path)), None)

    def read() -> Data:
        path = find()
        if path is None:
            path = cache() / f"{name}.npz"
            try:
                fetch(path, *openml)
            except Exception as error:  # no network, no service, no room: for the user it is one thing
                why = " ".join(str(error).split())[:80] or type(error).__name__
                raise BadInput(f"{name} is not on this machine and could not be fetched ({why}): {how}.") from None
        with reading(path):
            found = idx_folder(path)
            data = from_npz(path) if found is None else from_idx_folder(name, found)
        data.name, data.label_names = name, label_names or data.label_names
        data.notes.append(f"{len(data):,} rows from {path}.")
        return data

    return Named(name, description, source, f"{how[0].upper()}{how[1:]}.", find, read)


def fetch(path: Path, data_id: int, train: int) -> None:
    """Keep as .npz at `path` what OpenML has under this number: square pictures, the first `train` of them for training."""
    import importlib.util
    import socket
    import tempfile

    from sklearn.datasets import fetch_openml

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS)
    try:
        with tempfile.TemporaryDirectory() as home:
            parser = "pandas" if importlib.util.find_spec("pandas") else "liac-arff"
            bunch: Any = fetch_openml(
                data_id=data_id, as_frame=False, parser=parser, data_home=home, cache=False, n_retries=1, delay=0.1
            )
    finally:
        socket.setdefaulttimeout(before)
    values = np.asarray(bunch.data, np.float32)
    if values.min() < 0:  # USPS lies in [-1, 1] there
        values = (values + 1) * 127.5
    side = round(values.shape[1] ** 0.5)
    x = np.clip(np.rint(values), 0, 255).astype(np.uint8).reshape(-1, side, side)
    y = np.asarray(bunch.target).astype(np.float64).astype(np.int64)
    save(path, x_train=x[:train], y_train=(y - y.min())[:train], x_test=x[train:], y_test=(y - y.min())[train:])


def save(path: Path, **arrays: np.ndarray) -> None:
    """Keep arrays as .npz; a reader sees all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.npz")
    try:
        np.savez_compressed(part, **arrays)  # type: ignore[arg-type]
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
