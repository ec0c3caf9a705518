"""Reconstructions: how near, how sharp, and nearer than another picture's?

Squared error rewards blur, so it never stands alone here: the Laplacian energy and the high-frequency ratio say what
blur took away. A ratio of 1 is as sharp as real; noise scores above 1, so read them together with the error.

References:
    Autoencoding beyond pixels using a learned similarity metric (Larsen et al., 2016): why squared error blurs.
    Adversarial Feature Learning (Donahue et al., 2017): reconstruction error against a shifted batch, in the authors' code.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from sparring.errors import BadInput
from sparring.scores import arrays
from sparring.scores.passport import Score, bootstrap, mean, passport


def mse(x: Any, x_rec: Any) -> Score:
    """Mean squared error per pixel, images (n, C, H, W) on the scale [-1, 1]: 0 to 4."""
    return mean("mse", _errors(x, x_rec), passport(sample=len(x), scale="[-1, 1]"))


def psnr(x: Any, x_rec: Any) -> Score:
    """Mean over images of 10 log10(2^2 / MSE), the peak signal-to-noise ratio in dB on the scale [-1, 1]; identical: 120 dB."""
    errors = np.maximum(_errors(x, x_rec), 4e-12)  # a perfect image would make the mean infinite
    return mean("psnr", 10 * np.log10(4 / errors), passport(sample=len(x), unit="dB"))


def sharpness(x: Any, y: Any, *, seed: int = 0) -> Score:
    """Laplacian energy of `y` over that of the real `x`: the mean square of the 4-neighbour Laplacian, inside the border.

    Args:
        x, y: (n, C, H, W), (m, C, H, W); they need not be pairs.
    """
    return _ratio("sharpness", _laplacian, x, y, seed, filter="4-neighbour Laplacian")


def high_frequency(x: Any, y: Any, *, above: float = 0.5, seed: int = 0) -> Score:
    """Spectral energy of `y` over that of `x` at radial frequencies above the share `above` of Nyquist.

    Arguments as in `sharpness`.
    """
    return _ratio("high-frequency", lambda images: _spectrum(images, above), x, y, seed, above=above)


def cycle(x: Any, x_cycle: Any, *, name: str = "cycle-x", seed: int = 0) -> Score:
    """|x - G(E(x))| / |x' - G(E(x))|, means of Euclidean norms, x' another row: 1 says nothing of x came through; 0 all of it.

    Args:
        x, x_cycle: (n, ...) rows or images and their round trips, in the same units; for codes pass z and E(G(z)), name
        "cycle-z".
    """
    x = arrays.matrix(x, "inputs")
    x_cycle = arrays.matrix(x_cycle, "round trips", like=x)
    if len(x) != len(x_cycle):
        raise BadInput(f"There are {len(x)} inputs and {len(x_cycle)} round trips: give one for each.")
    order = np.random.default_rng(seed).permutation(len(x))  # rows sorted by class would make the neighbour too alike
    x, x_cycle = x[order], x_cycle[order]
    own = np.linalg.norm(x - x_cycle, axis=1)
    other = np.linalg.norm(np.roll(x, 1, axis=0) - x_cycle, axis=1)
    if other.mean() == 0:
        raise BadInput("All inputs are the same: a ratio of cycle errors needs rows that differ.")
    interval = bootstrap(lambda a, b: a.mean() / b.mean(), own, other, seed=seed)
    return Score(
        name, own.mean() / other.mean(), interval, passport(sample=len(x), seed=seed, norm="L2", interval_by="bootstrap")
    )


def _errors(x: Any, x_rec: Any) -> np.ndarray:
    """Mean squared error of each image (n,)."""
    x = arrays.pictures(x, "images")
    x_rec = arrays.pictures(x_rec, "reconstructions", like=x)
    return _each(lambda a, b: ((a - b) ** 2).mean(axis=(1, 2, 3)), x, x_rec)


def _each(measure: Callable[..., np.ndarray], *images: np.ndarray) -> np.ndarray:
    """The measure of each image (n,), in float64, some hundreds at a time: the spectra of 10,000 would fill the memory."""
    steps = range(0, len(images[0]), 256)
    return np.concatenate([measure(*(x[i : i + 256].astype(np.float64) for x in images)) for i in steps])


def _laplacian(x: np.ndarray) -> np.ndarray:
    """Laplacian energy of each image (n,)."""
    inner = x[..., 1:-1, 1:-1]
    laplacian = x[..., :-2, 1:-1] + x[..., 2:, 1:-1] + x[..., 1:-1, :-2] + x[..., 1:-1, 2:] - 4 * inner
    return (laplacian**2).mean(axis=(1, 2, 3))


def _spectrum(x: np.ndarray, above: float) -> np.ndarray:
    """Energy of each image (n,) above a share of the Nyquist frequency."""
    height, width = x.shape[-2:]
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]) / 0.5
    energy = np.abs(np.fft.fft2(x)) ** 2
    return energy[..., radius > above].sum(axis=(1, 2))


def _ratio(name: str, energy: Callable[[np.ndarray], np.ndarray], x: Any, y: Any, seed: int, **settings: Any) -> Score:
    x, y = arrays.pictures(x, "reference images"), arrays.pictures(y, "images")
    if x.shape[1:] != y.shape[1:] or min(x.shape[2:]) < 3:
        raise BadInput(f"Images {x.shape[1:]} and {y.shape[1:]} must have one shape, at least 3 x 3 pixels.")
    real, ours = _each(energy, x), _each(energy, y)
    if real.mean() == 0:
        raise BadInput("The reference images are flat: they have no fine detail to compare with.")
    interval = bootstrap(lambda a, b: b.mean() / a.mean(), real, ours, seed=seed, paired=False)
    facts = passport(reference=len(x), sample=len(y), seed=seed, interval_by="bootstrap", **settings)
    return Score(name, float(ours.mean() / real.mean()), interval, facts)
