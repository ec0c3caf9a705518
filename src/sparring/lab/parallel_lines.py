"""Two parallel lines: the smallest world in which most divergences say nothing and the earth mover's distance says everything.

p is uniform on {0} x [0, 1], q on {theta} x [0, 1]. For every theta other than 0 they share no point, so KL is infinite, JSD log
2 and total variation 1, whether theta is 1 or .001; W = |theta| alone has a slope to descend.

References:
    Wasserstein GAN (Arjovsky et al., 2017), example 1 and figure 1
    Improved Training of Wasserstein GANs (Gulrajani et al., 2017): the critic
"""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sparring.divergences import js, kl, total_variation
from sparring.lab import Progress, Result, publish, silent
from sparring.lab.stack import seeded
from sparring.losses import OBJECTIVES, gradient_penalty
from sparring.networks.mlp import mlp
from sparring.scores.transport import emd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def exact(theta: float) -> dict[str, float]:
    """The four quantities, float64: the lines are two outcomes, each certain of one or, at theta = 0, one and the same.

    >>> exact(0.5)
    {'W': 0.5, 'JSD': 0.6931471805599453, 'KL': inf, 'TV': 1.0}
    """
    p, q = ([1.0, 0.0], [0.0, 1.0]) if theta else ([1.0], [1.0])
    return {"W": abs(theta), "JSD": js(p, q).item(), "KL": kl(p, q).item(), "TV": total_variation(p, q).item()}


def critic(x: Tensor, x_fake: Tensor, steps: int) -> float:
    """W as a critic with a gradient penalty of weight 10 sees it on these points: E f(x) - E f(x_fake) after `steps` of Adam."""
    f = mlp(2, [64, 64], 1, slope=0.2)
    optimiser = torch.optim.Adam(f.parameters(), lr=2e-3, betas=(0.5, 0.9))
    for _ in range(steps):
        loss = sum(OBJECTIVES["wasserstein"].judge(f(x), f(x_fake)).values()) + 10 * gradient_penalty(f, x, x_fake)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return (f(x).mean() - f(x_fake).mean()).item()


def run(out: Path, seed: int = 0, quick: bool = False, progress: Progress = silent) -> Result:
    """The exact values, and W from 256 points on each line by linear programming and by a trained critic (half a minute)."""
    thetas = [-1.0, 0.0, 1.0] if quick else [-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0]
    table = []
    with seeded(seed):
        for i, theta in enumerate(thetas):
            heights = torch.rand(2, 256)
            x, x_fake = (torch.stack([torch.full_like(y, at), y], 1) for at, y in zip((0.0, theta), heights, strict=True))
            seen = {
                "W by linear programming": emd(x, x_fake).cost,
                "W by a critic": critic(x, x_fake, 20 if quick else 600),
            }
            table.append({"theta": theta, **exact(theta), **seen})
            progress((i + 1) / len(thetas))
    apart = [row for row in table if row["theta"]]
    off = max(abs(row["W by a critic"] / row["W by linear programming"] - 1) for row in apart)
    paragraph = f"""As the lines approach each other the earth mover's distance sinks in proportion, while JSD stays at log 2 = .693,
        total variation at 1 and KL infinite, to jump to 0 only when the lines coincide: a generator descending these is told
        nothing about where to go (Arjovsky et al., 2017, example 1 and figure 1). The same is seen from 256 points on each line:
        the exact optimum of the transport between them follows |theta|, and a trained critic stays within {100 * off:.0f} % of it,
        mostly above it, for its penalty only discourages steeper slopes. At theta = 0 both keep a little: two samples of one
        line are not the same points."""
    return publish(out, "parallel-lines", _draw(table), table, paragraph, seed=seed, quick=quick)


def _draw(table: list[dict]) -> "Figure":
    from sparring.lab.style import COLOURS, GREY, INK, legend, name, panels

    figure, (left, right) = panels(2, sharex=True)
    thetas = [row["theta"] for row in table]
    left.plot([-1, 0, 1], [1, 0, 1], color=COLOURS[0], linewidth=2.4, label="W = |theta|")
    seen: dict[str, dict] = {
        "W by linear programming": {"marker": "o", "label": "linear programme, 256 points"},
        "W by a critic": {
            "marker": "D",
            "label": "trained critic, same points",
            "markerfacecolor": "none",
            "markeredgewidth": 1.8,
        },
    }
    for (key, look), colour in zip(seen.items(), COLOURS[1:], strict=False):
        left.plot(thetas, [row[key] for row in table], linestyle="", color=colour, markersize=8, **look)
    left.set_ylim(0, 1.35)
    name(left, "The earth mover's distance has a slope", "theta", "distance")
    legend(left, loc="upper center")

    apart = exact(1.0)
    for value, label, colour in ((apart["TV"], "total variation = 1", COLOURS[3]), (apart["JSD"], "JSD = log 2", COLOURS[4])):
        for side in ((-1, 0), (0, 1)):
            right.plot(side, (value, value), color=colour, linewidth=2.4)
        right.plot(0, value, "o", color=colour, markerfacecolor="white", markersize=8)
        right.text(-0.97, value + 0.03, label, color=INK, fontsize=12)
    right.plot(0, 0, "o", color=INK, markersize=8, clip_on=False)
    right.text(0, 0.06, "all are 0 where the lines coincide", color=INK, fontsize=12, ha="center")
    for at in (-0.5, 0.5):
        right.annotate("", (at, 1.33), (at, 1.16), arrowprops={"arrowstyle": "->", "color": GREY})
    right.text(0, 1.24, "KL is infinite", color=INK, fontsize=12, ha="center", va="center")
    right.set_ylim(0, 1.35)
    name(right, "The others do not", "theta", "divergence in nats")
    return figure
