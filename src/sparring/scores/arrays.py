"""What a score accepts, checked once: a number measured on nonsense is worse than none."""

import math
from typing import Any

import numpy as np

from sparring.errors import BadInput


def matrix(x: Any, name: str, *, like: np.ndarray | None = None, least: int = 2) -> np.ndarray:
    """`x` as finite float64 rows (n, d); anything with more axes is flattened, a vector becomes one column.

    Args:
        name: what the error calls it.
        like: rows it must match in width.
        least: how many rows are needed.

    Raises:
        BadInput: too few rows, values that are not finite, widths that differ.
    """
    x = np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)
    if x.dtype.kind not in "biuf" or x.ndim == 0:
        raise BadInput(f"The {name} must be rows of numbers (n, d), not {x.dtype} of shape {x.shape}.")
    x = x.reshape(len(x), math.prod(x.shape[1:])).astype(np.float64)  # -1 would fail on no rows
    if len(x) < least:
        raise BadInput(f"The {name} have {len(x)} rows, but this score needs at least {least}: give more samples.")
    if bad := int((~np.isfinite(x)).any(axis=1).sum()):
        raise BadInput(f"The {name} have NaN or infinity in {bad} of {len(x)} rows: find where they arise, or drop those rows.")
    if like is not None and x.shape[1] != like.shape[1]:
        raise BadInput(f"The {name} have {x.shape[1]} columns, but the rows they meet have {like.shape[1]}: use one extractor.")
    return x


def classes(y: Any, rows: int, name: str, *, least: int = 2) -> np.ndarray:
    """`y` as one label a row (n,), with at least `least` distinct ones.

    Raises:
        BadInput: another count than `rows`, NaN, or too few classes.
    """
    y = np.asarray(y.detach().cpu() if hasattr(y, "detach") else y)
    if y.shape != (rows,):
        raise BadInput(f"The {name} have shape {y.shape}, but {rows} rows need one label each, ({rows},).")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise BadInput(f"The {name} have NaN in {int((~np.isfinite(y)).sum())} of {rows} rows: drop unlabelled rows first.")
    if len(found := np.unique(y)) < least:
        raise BadInput(f"The {name} hold one class only ({found[0]}): a score of classes needs at least {least}.")
    return y


def pictures(x: Any, name: str, *, like: np.ndarray | None = None) -> np.ndarray:
    """`x` as finite images (n, C, H, W), float32 or float64, in the range [-1, 1]; uint8 0..255 is rescaled.

    Raises:
        BadInput: other axes, values that are not finite, a shape that differs from `like`.
    """
    x = np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)
    if x.ndim != 4 or len(x) == 0:
        raise BadInput(f"The {name} must be images (n, C, H, W), not an array of shape {x.shape}.")
    if x.dtype == np.uint8:
        x = x / np.float32(127.5) - np.float32(1)
    elif x.dtype not in (np.float32, np.float64):
        x = x.astype(np.float64)
    if not np.isfinite(x).all():
        raise BadInput(f"The {name} have NaN or infinity: find where they arise, or drop those images.")
    if like is not None and x.shape != like.shape:
        raise BadInput(f"The {name} have shape {x.shape}, but the images they belong to have {like.shape}.")
    return x
