"""The best discriminator is p / (p + q), and what a generator gets from it depends on which loss it asks it for.

Against D* = p / (p + q), with D* held fixed while the generator q_theta moves,

    E grad log(1 - D*(G(z)))  =  2 grad JSD(q || p)                     the minimax loss, and it vanishes where p and q part
    E grad -log D*(G(z))      =  grad [KL(q || p) - 2 JSD(q || p)]      the non-saturating loss, and it does not.

Here p = N(0, 1) and q = N(theta, 1), G(z) = theta + z, so that every side is an integral on the line.

References:
    Generative Adversarial Nets (Goodfellow et al., 2014), proposition 1
    Towards Principled Methods for Training Generative Adversarial Networks (Arjovsky and Bottou, 2017), theorems 2.1, 2.4, 2.5
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal

from sparring.divergences import divergence_by_quadrature
from sparring.lab import Progress, Result, publish, silent
from sparring.lab.stack import StackedMLP, seeded
from sparring.losses import OBJECTIVES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Gaussian = tuple[float, float]  # mean, standard deviation
REAL: Gaussian = (0.0, 1.0)
FAKES: tuple[Gaussian, ...] = ((1.3, 1.0), (0.0, 2.0), (2.5, 0.5))  # moved, broader, narrow and aside


class Gradients(NamedTuple):
    """d/dtheta of the two generator losses at theta, and of the divergences they are said to equal; float64."""

    minimax: float
    twice_jsd: float
    non_saturating: float
    kl_minus_twice_jsd: float


def gradients(theta: float) -> Gradients:
    """Both sides of both identities; the left ones by the derivative of D* at each sample, the right ones by that of the
    divergences.

    >>> g = gradients(1.3)
    >>> round(g.non_saturating, 6), round(g.kl_minus_twice_jsd, 6)
    (0.85099, 0.85099)
    """
    low, high = -12.0, theta + 12.0
    x = torch.linspace(low, high, 20_001, dtype=torch.float64, requires_grad=True)
    logit = _log(0.0, x) - _log(theta, x)  # log p/q: the logit of D*
    weight = _log(theta, x).exp().detach()  # x = theta + z moves with theta at speed 1
    losses = (-F.softplus(logit), F.softplus(-logit))
    sampled = [
        torch.trapezoid(weight * torch.autograd.grad(loss.sum(), x, retain_graph=True)[0], x.detach()).item() for loss in losses
    ]

    moving = torch.tensor(theta, dtype=torch.float64, requires_grad=True)

    def slope(name: str) -> float:
        p, q = (lambda x, mean=mean: _log(mean, x).exp() for mean in (0.0, moving))
        return torch.autograd.grad(divergence_by_quadrature(p, q, name, low, high), moving)[0].item()

    twice_jsd = slope("js")
    return Gradients(sampled[0], twice_jsd, sampled[1], slope("reverse-kl") - twice_jsd)


def _log(mean: float | Tensor, x: Tensor) -> Tensor:
    return Normal(torch.as_tensor(mean, dtype=torch.float64), 1.0).log_prob(x)


def train(
    hidden: Sequence[int] = (64, 64),
    seeds: int = 1,
    *,
    steps: int = 2000,
    batch: int = 512,
    seed: int = 0,
    progress: Progress = silent,
) -> StackedMLP:
    """Discriminators of `REAL` against each of `FAKES`, (len(FAKES) * seeds) copies side by side, fresh samples at every step.

    Adam 3e-3 sinking to 0. `hidden=()` leaves a linear D, which can only be right where log p/q is linear.
    """
    with seeded(seed):
        copies = len(FAKES) * seeds
        D = StackedMLP(copies, (1, *hidden, 1))
        mean, std = torch.tensor(FAKES).repeat_interleave(seeds, 0).T.reshape(2, copies, 1, 1)
        optimiser = torch.optim.Adam(D.parameters(), lr=3e-3)
        schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, steps)
        for t in range(steps):
            x = REAL[0] + REAL[1] * torch.randn(copies, batch, 1)
            x_fake = mean + std * torch.randn(copies, batch, 1)
            terms = OBJECTIVES["minimax"].judge(D(x), D(x_fake))
            (copies * (terms["real"] + terms["fake"])).backward()  # the mean over copies, undone: each is trained as if alone
            optimiser.step()
            optimiser.zero_grad()
            schedule.step()
            progress((t + 1) / steps)
    return D


def compare(D: StackedMLP) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(x, D(x), p/(p+q), error) on a grid: (points,), (fakes, seeds, points) twice, and (fakes, seeds) the mean |D - p/(p+q)|
    under (p+q)/2."""
    x = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    mean, std = torch.tensor(FAKES, dtype=torch.float64).T.reshape(2, -1, 1, 1)
    p, q = Normal(*REAL).log_prob(x).exp(), Normal(mean, std).log_prob(x).exp()
    with torch.no_grad():
        copies = len(D.weights[0])
        learnt = D(x.float().reshape(1, -1, 1).expand(copies, -1, 1)).double().sigmoid().reshape(len(FAKES), -1, len(x))
    best = (p / (p + q)).expand_as(learnt)
    error = torch.trapezoid((p + q) / 2 * (learnt - best).abs(), x)
    return x, learnt, best, error


def run(out: Path, seed: int = 0, quick: bool = False, progress: Progress = silent) -> Result:
    """Trains three discriminators with three seeds each and integrates the gradients (half a minute)."""
    from sparring.lab.style import panels

    D = train(seeds=1 if quick else 3, steps=100 if quick else 2000, seed=seed, progress=progress)
    x, learnt, best, error = compare(D)
    thetas = torch.linspace(0, 6, 13 if quick else 25, dtype=torch.float64).tolist()
    found = [gradients(theta) for theta in thetas]
    table: list[dict] = [
        {"what": f"D, N(0, 1) against N({m:g}, {s:g}^2)", "theta": m, "mean |D - p/(p+q)|": error[i].median().item()}
        for i, (m, s) in enumerate(FAKES)
    ]
    table += [{"what": "gradients", "theta": theta, **g._asdict()} for theta, g in zip(thetas, found, strict=True)]
    gap = max(max(abs(g.minimax - g.twice_jsd), abs(g.non_saturating - g.kl_minus_twice_jsd)) for g in found)
    last = found[-1]
    worst, peak = error.median(1).values.max(), max(g.minimax for g in found)
    paragraph = f"""A discriminator trained on samples finds p/(p+q), to a mean error of {worst:.3f} at most (Goodfellow et al., 2014,
        proposition 1). Asked for log(1 - D), it hands the generator the gradient of 2 JSD, which peaks at {peak:.2f} and has sunk to
        {last.minimax:.3f} at theta = 6: the farther off, the less there is to learn. Asked for -log D, it hands it the gradient of
        KL(q||p) - 2 JSD, {last.non_saturating:.2f} there, which grows with the distance, but with a reverse KL that forgives lost
        modes and a JSD of the wrong sign. Both identities hold to {gap:.0e} (Arjovsky and Bottou, 2017, theorem 2.5)."""
    figure, (left, right) = panels(2)
    _draw_discriminators(left, x, learnt, best)
    _draw_gradients(right, thetas, found)
    return publish(out, "optimal-discriminator", figure, table, paragraph, seed=seed, quick=quick)


def _draw_discriminators(ax: "Axes", x: Tensor, learnt: Tensor, best: Tensor) -> None:
    from sparring.lab.style import COLOURS, GREY, legend, name

    for i, (m, s) in enumerate(FAKES):
        ax.plot(x, learnt[i].median(0).values, color=COLOURS[i], linewidth=2.4, label=f"q = N({m:g}, {s:g}²)")
        ax.plot(x, best[i, 0], ":", color=COLOURS[i], linewidth=1.8)
    ax.plot([], [], ":", color=GREY, label="p / (p + q)")
    ax.set_xlim(-5, 5)
    name(ax, "Trained discriminators against p = N(0, 1)", "x", "D(x)")
    legend(ax)


def _draw_gradients(ax: "Axes", thetas: list[float], found: list[Gradients]) -> None:
    from sparring.lab.style import COLOURS, legend, name

    for i, (loss, divergence, sign) in enumerate(
        (("minimax", "2 JSD", "log(1 - D)"), ("non_saturating", "KL - 2 JSD", "-log D"))
    ):
        equal = "twice_jsd" if loss == "minimax" else "kl_minus_twice_jsd"
        ax.plot(thetas, [getattr(g, equal) for g in found], color=COLOURS[i], linewidth=2.2, label=f"gradient of {divergence}")
        values = [getattr(g, loss) for g in found]
        ax.plot(thetas, values, "o", color=COLOURS[i], markersize=6, markerfacecolor="white", label=f"mean gradient of {sign}")
    name(ax, "What G is told by the best D, q = N(theta, 1)", "theta", "gradient in theta")
    legend(ax)
