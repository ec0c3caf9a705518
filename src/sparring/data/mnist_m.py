"""MNIST-M: MNIST's digits over patches of colour photographs, the target domain that domain adaptation is shown on.

Each channel is |digit - patch|, so that a digit is as easy to see as ever and none of its pixels keeps its value. The original is
made of the photographs of BSDS500; here any folder of photographs serves. Photographs are split as digits are: no test digit stands
on a photograph that training saw.

References:
    Domain-Adversarial Training of Neural Networks (Ganin et al., 2016), section 5.2.4 and figure 6
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import BadInput
from . import pictures
from .dataset import Data

LONG_SIDE = 481  # pixels of BSDS500's photographs, at which a patch shows as much as it did in the original
TEST_SHARE = 0.25  # of the photographs


def mnist_m(digits: Data, folder: Path, seed: int = 0) -> Data:
    """MNIST-M from the digits of MNIST, with their labels and split, and a folder of photographs.

    Args:
        digits: grey pictures; `own_test` says which of them are for testing.
        folder: at least two photographs, sub-folders not looked at.
        seed: decides which photographs are for testing, and every patch.

    Returns:
        (n, H, W, 3) pictures, in the order of the digits.

    Raises:
        BadInput: fewer than two photographs, or one that is smaller than a digit.
    """
    rng = np.random.default_rng(seed)
    files = sorted(file for file in folder.iterdir() if file.name.lower().endswith(pictures.SUFFIXES))
    if len(files) < 2:
        raise BadInput(f"{folder} holds {len(files)} photographs; mnist-m needs two, one of them for testing.")
    photos = [photo(file, max(digits.shape[1:])) for file in files]
    order = rng.permutation(len(files))
    held_out = max(1, round(TEST_SHARE * len(files)))
    test = np.zeros(len(digits), bool)
    if digits.own_test is not None:
        test[digits.own_test] = True
    rows = np.empty((*digits.rows.shape[:3], 3), np.uint8)
    for among, chosen in ((order[held_out:], ~test), (order[:held_out], test)):
        index = np.flatnonzero(chosen)
        rows[index] = blend(digits.rows[index], [photos[i] for i in among], rng)
    notes = [*digits.notes, f"Digits over patches of {len(files)} photographs in {folder}, {held_out} of them for testing only."]
    return Data("mnist-m", rows, digits.labels, digits.label_names, notes=notes, own_test=digits.own_test)


def blend(digits: np.ndarray, photos: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """(n, H, W, 1) digits over patches of (h, w, 3) photographs, drawn anew for each: (n, H, W, 3) uint8.

    >>> digit, photo = np.uint8([[[[0], [255]]]]), np.full((4, 4, 3), 40, np.uint8)
    >>> blend(digit, [photo], np.random.default_rng(0))[..., 0].tolist()
    [[[40, 215]]]
    """
    n, height, width, _ = digits.shape
    rows = np.empty((n, height, width, 3), np.uint8)
    which = rng.integers(len(photos), size=n)
    for i, picture in enumerate(photos):
        own = np.flatnonzero(which == i)
        windows = np.lib.stride_tricks.sliding_window_view(picture, (height, width), (0, 1))  # (h', w', 3, H, W)
        top, left = (rng.integers(size, size=len(own)) for size in windows.shape[:2])
        patches = windows[top, left].transpose(0, 2, 3, 1)
        rows[own] = np.abs(digits[own].astype(np.int16) - patches)
    return rows


def photo(file: Path, least: int) -> np.ndarray:
    """A photograph in colour with its long side at most LONG_SIDE, and its short one at least `least`: (h, w, 3) uint8."""
    try:
        head = pictures.header(file)
        scale = min(1.0, LONG_SIDE / max(head.height, head.width))
        size = round(head.height * scale), round(head.width * scale)
        if min(size) < least:
            raise BadInput(f"{head.width} x {head.height} pixels are too few")
        return pictures.read(file, size, 3)
    except BadInput as reason:
        raise BadInput(f"{file} is no photograph for mnist-m: {reason}; remove it.") from None
