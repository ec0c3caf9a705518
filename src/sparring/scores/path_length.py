"""Perceptual path length: how much the picture changes for a small step in the latent space.

References:
    A Style-Based Generator Architecture for Generative Adversarial Networks (Karras et al., 2019), section 4.1.
    Sampling Generative Networks (White, 2016): spherical interpolation.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from sparring.errors import BadInput
from sparring.scores.passport import Score, mean, passport


def path_length(
    decode: Callable[[torch.Tensor], torch.Tensor],
    features: Callable[[torch.Tensor], Any],
    z_from: torch.Tensor,
    z_to: torch.Tensor,
    *,
    step: float = 1e-4,
    spherical: bool = True,
    trim: float = 0.01,
    batch: int = 100,
    seed: int = 0,
) -> Score:
    """E |f(G(z(t + step))) - f(G(z(t)))|^2 / step^2 over random t on paths from `z_from` to `z_to`; lower is smoother.

    Args:
        decode: latent codes (n, d) to images (n, C, H, W). features: images to (n, p); the score depends on their scale.
        z_from, z_to: (n, d) draws of the prior, at least 100.
        step: of t in [0, 1]. A float32 network of poor conditioning may need a larger one.
        spherical: follow the great circle (Gaussian priors) or the straight line (uniform priors, intermediate latents).
        trim: share left out at either end, as the authors do.
    """
    if z_from.shape != z_to.shape or z_from.ndim != 2 or len(z_from) < 100:
        raise BadInput(f"Path length needs two (n, d) sets of n >= 100 codes, not {tuple(z_from.shape)} and {tuple(z_to.shape)}.")
    t = torch.rand(len(z_from), 1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    along = _great_circle if spherical else _line
    lengths = []
    with torch.no_grad():
        for a, b, s in zip(z_from.split(batch), z_to.split(batch), t.split(batch), strict=True):
            ends = torch.cat([along(a.double(), b.double(), s), along(a.double(), b.double(), s + step)]).to(a)
            start, end = np.split(np.asarray(features(decode(ends)), dtype=np.float64).reshape(len(ends), -1), 2)
            lengths.append(((end - start) ** 2).sum(axis=1) / step**2)
    values = np.concatenate(lengths)
    if not np.isfinite(values).all():
        raise BadInput("The features along the path have NaN or infinity: look at the decoder's pictures first.")
    low, high = np.quantile(values, [trim, 1 - trim])
    kept = values[(values >= low) & (values <= high)]
    facts = passport(sample=len(values), seed=seed, batch=batch, step=step, spherical=spherical, trim=trim)
    return mean("path-length", kept, facts)


def _line(a: torch.Tensor, b: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    return a + t * (b - a)


def _great_circle(a: torch.Tensor, b: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Along the great circle by direction, along the line by length: the norm of a Gaussian code is where the mass is.

    Shapes: a, b (n, d), t (n, 1).
    """
    length_a, length_b = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    u, v = a / length_a, b / length_b
    cosine = (u * v).sum(dim=1, keepdim=True).clamp(-1, 1)
    w = v - cosine * u
    w = w / w.norm(dim=1, keepdim=True).clamp_min(1e-12)
    angle = t * torch.acos(cosine)
    return (u * torch.cos(angle) + w * torch.sin(angle)) * _line(length_a, length_b, t)
