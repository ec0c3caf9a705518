"""What the discriminator tells: does it know rows by heart, does it still teach G, is its slope what the theory asks?

References:
    Training Generative Adversarial Networks with Limited Data (Karras et al., 2020), equation 1: r_v
    Generative Adversarial Nets (Goodfellow et al., 2014), section 3; Towards Principled Methods for Training Generative Adversarial
        Networks (Arjovsky and Bottou, 2017), theorem 2.4: minimax saturates
    Improved Training of Wasserstein GANs (Gulrajani et al., 2017), proposition 1 and figure 1: slope 1; weights at their bounds
"""

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor

from sparring.game import terms
from sparring.games.duel import Duel
from sparring.games.wgan import WGAN
from sparring.games.wgan_gp import WGANGP
from sparring.networks.discriminator import pack

from .patient import Diagnosis, Patient, graded

OVERFIT = (0.5, 0.9)
"""Of r_v, 0 where D takes new rows for what it takes those it knows, 1 where it takes them for fakes. Half way is where a new row is
nearer to fake than to real."""
SURE = 5.0
"""Standard errors by which means must differ: chance alone gives that once in three million examinations."""
FEW = 16
"""Rows, or packs, below which a standard error says little."""

SATURATED = (50.0, 1000.0)
"""How much stronger the gradient of -log D is. At balance both are equal; with an accuracy of 95 %, which is common and harmless,
they differ by about 20."""
RANKED = 0.99
"""D is far ahead only where it puts nearly every real row above a fake."""

SLOPE = (3.0, 10.0)
"""Times what the penalty asks for. Distance W and weight lambda balance at 1 + W / 2 lambda, so even a young run on large pictures, 30
away, has a slope of 2.5 with lambda = 10."""


def overfit(patient: Patient) -> Diagnosis | None:
    """r_v = (E D(train) - E D(held out)) / (E D(train) - E D(fake))."""
    x, x_new, x_fake = patient.train, patient.held_out, patient.samples
    if x is None or x_new is None or x_fake is None or min(len(x), len(x_new)) < FEW:
        return None
    known, new, fake = (patient.logits(rows) for rows in (x, x_new, x_fake))
    if known is None or new is None or fake is None or min(map(len, (known, new, fake))) < FEW:
        return None
    r_v = float((known.mean() - new.mean()) / (known.mean() - fake.mean()))
    meant = distinct(known, fake) and distinct(known, new)
    evidence = (
        f"D's mean logit is {known.mean():.3g} on training rows, {new.mean():.3g} on held-out ones, {fake.mean():.3g} on fakes "
        f"(r_v {r_v:.2f})"
    )
    remedy = (
        "give more data, add --r1 1 or (pictures) --augment color translation cutout where the system has them, or stop earlier"
    )
    return Diagnosis("discriminator overfit", graded(r_v, *OVERFIT) if meant else "ok", evidence, remedy)


def distinct(high: Tensor, low: Tensor) -> bool:
    """Whether the first mean lies above the second by more than chance."""
    error = (high.var() / len(high) + low.var() / len(low)).sqrt()
    return bool(high.mean() - low.mean() > SURE * error)


def saturated(patient: Patient) -> Diagnosis | None:
    """The norm of G's gradient, under its own objective and under -log D, in the present state."""
    game, x = patient.twin, patient.train
    # A critic's value has slope 1 in G's loss whatever it is: nothing there can saturate.
    if not isinstance(game, Duel) or isinstance(game, WGAN | WGANGP) or x is None:
        return None
    x = batch_of(patient, x)
    if not len(x):
        return None
    parameters = game.generator.parameters
    # The game's own round says what G descends; its moves are listed, not made.
    moves = game.round(itertools.repeat(x))
    loss = next(move[game.generator] for move in moves if game.generator in move)
    own = norm(next(iter(terms(loss).values())), parameters)  # the adversarial term comes first, what a code tells after it
    real, fake = game.D(x), game.D(game.G(game.latent(len(x))))
    other = norm(F.softplus(-fake).mean(), parameters)
    ranked = float((real[:, None] > fake).float().mean())
    ratio = other / own if own else float("inf") if other else 1.0
    level = graded(ratio, *SATURATED) if ranked >= RANKED else "ok"
    evidence = (
        f"G's gradient has norm {own:.2g} under its own objective, {other:.2g} under -log D, and D puts {ranked:.0%} of real rows "
        "above fakes"
    )
    remedy = "take --objective non-saturating (fgan: --ascend), or hold D back with --r1 1 or a lower --lr-d"
    return Diagnosis("saturated objective", level, evidence, remedy)


def norm(loss: Tensor, parameters: list[torch.nn.Parameter]) -> float:
    gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return float(torch.stack([g.double().norm() for g in gradients if g is not None] or [torch.zeros(())]).norm())


def lipschitz(patient: Patient) -> Diagnosis | None:
    """wgan-gp: the critic's slope between real rows and fakes. wgan: weights beyond their bounds."""
    game, x = patient.twin, patient.train
    if isinstance(game, WGAN):
        return clipped(game)
    if not isinstance(game, WGANGP) or x is None:
        return None
    x = batch_of(patient, x)
    if not len(x):
        return None
    with torch.no_grad():
        x_fake = game.G(game.latent(len(x)))
    a, b = pack(x, game.packing), pack(x_fake, game.packing)
    between = torch.lerp(a, b, torch.rand(len(a)).to(a).reshape(-1, *[1] * (a.ndim - 1))).requires_grad_()
    (gradient,) = torch.autograd.grad(game.D.of_packs(between).sum(), between)
    slopes = gradient.flatten(1).norm(dim=1)
    with torch.no_grad():
        rise = (game.D.of_packs(a) - game.D.of_packs(b)).abs() / (a - b).flatten(1).norm(dim=1)
    evidence = (
        f"between real rows and fakes the critic's slope is {slopes.mean():.3g} on average, {slopes.max():.3g} at most, where 1 is "
        f"allowed; from one to the other it rises by {rise.mean():.3g} a unit"
    )
    remedy = f"raise --weight of the penalty (now {game.weight:g}) or --n-critic, or lower --lr"
    return Diagnosis("Lipschitz bound", graded(float(slopes.mean()), *SLOPE), evidence, remedy)


def clipped(game: WGAN) -> Diagnosis:
    weights = torch.cat([p.detach().abs().flatten() for p in game.D.parameters()])
    beyond, at = (float((weights > share * game.clip).float().mean()) for share in (1.001, 0.999))
    # That nearly all lie at their bounds is clipping's nature, and no illness: 96 to 99 % of a healthy critic's on the ring.
    evidence = f"{beyond:.0%} of the critic's weights lie beyond {game.clip:g}, {at:.0%} at it or beyond"
    remedy = "clip after every move of the critic, as WGAN.clip_weights does"
    return Diagnosis("Lipschitz bound", "error" if beyond else "ok", evidence, remedy)


def batch_of(patient: Patient, x: Tensor) -> Tensor:
    """The first rows of x, as many as a batch of play has, where the networks are."""
    game = patient.twin
    assert isinstance(game, Duel)
    n = min(patient.run.config["batch"], len(x)) // game.packing * game.packing
    return x[:n].to(game.device, game.dtype)
