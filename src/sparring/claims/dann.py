"""Domain-adversarial training: MNIST to MNIST-M and to USPS, against the same network trained on the source only.

Both networks start from the same weights and see the same batches of source rows in the same rounds. No label of the target was
used to choose anything: the settings go by the source's accuracy and the domain probe on rows set aside from both train splits.
They differ from the paper's, with which a fresh probe still found the domains after 1,500 rounds: batch norm and a bottleneck in F,
half its width, a faster D, and D's move before F's.

Published for MNIST to MNIST-M (Ganin et al., 2016, table 2): source only 52.25 %, adapted 76.66 %, trained on the target 95.96 %.
"""

from typing import Any

import torch
from torch import Tensor

from sparring.claims import Claim, at_least, at_most, median
from sparring.data import Data, draw, load, views
from sparring.games import DANN
from sparring.loop import play
from sparring.scores.probes import domain

DATA = ("mnist", "mnist-m", "usps")
ROUNDS, BATCH = {"mnist-m": 4000, "usps": 1500}, 32
SETTINGS: dict[str, Any] = {
    "training": "alternating",
    "width": 16,
    "bottleneck": 64,
    "norm": "batch",
    "lr": 0.03,
    "lr_d": 0.1,
}
PROBED = 2000  # held-out rows of each domain: half of them fit the probe, half are scored


def measure(seed: int) -> dict[str, float]:
    """Accuracies in % of held-out rows, domain probes in %, and the worst relative error of the reversed gradient."""
    usps = {f"usps {name}": figure for name, figure in adapt("usps", seed).items()}
    return {**adapt("mnist-m", seed), **usps, "reversal": reversal(seed)}


def adapt(target: str, seed: int) -> dict[str, float]:
    """Train on MNIST and `target` as they come, then score both networks on both test splits."""
    channels = 3 if target == "mnist-m" else 1
    train, test = (
        [load(name, split=split, size=28, channels=channels) for name in ("mnist", target)] for split in ("train", "test")
    )
    torch.manual_seed(seed)
    game = DANN(train[0].shape, train[0].classes, beside=True, **SETTINGS)
    game.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks this form
    rounds = ROUNDS[target]
    for _ in play(game, lambda t: draw(views.domains, (train[0], train[1]), BATCH, seed, 0, t), 0, rounds, seed, "bf16"):
        pass
    figures = {}
    for adapted, suffix in ((True, ""), (False, " alone")):
        features = [game.encode(data.x(slice(0, PROBED)), adapted=adapted).numpy() for data in test]
        figures["probe" + suffix] = 100 * domain(*features, seed=seed).value
        figures["source" + suffix] = accuracy(game, test[0], adapted)
        figures["target" + suffix] = accuracy(game, test[1], adapted)
    figures["gain"] = figures["target"] - figures["target alone"]
    figures["drop"] = figures["probe alone"] - figures["probe"]
    return figures


def accuracy(game: DANN, data: Data, adapted: bool) -> float:
    hits = [(game.classify(x, adapted=adapted).argmax(1) == data.y(index)).float() for index, x in data.batches(1000)]
    return 100 * torch.cat(hits).mean().item()


def reversal(seed: int) -> float:
    """The largest relative error of F's domain gradient in a joint move against -lambda times that of D's own loss, in float64."""
    torch.manual_seed(seed)
    game = DANN((3, 28, 28), 10).double()
    game.begin(30, 100)
    x_s, x_t = torch.randn(2, 16, 3, 28, 28, dtype=torch.float64)
    (move,) = game.round(iter([((x_s, torch.arange(16) % 10), x_t)]))

    def gradient(loss: Tensor) -> Tensor:
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(game.F.parameters()), retain_graph=True)])

    learner, critic = (move[player]["domain"] for player in (game.learner, game.critic))  # type: ignore[index]
    expected = -game.lambda_ * gradient(critic)
    return float((gradient(learner) - expected).abs().max() / expected.abs().max())


CLAIMS = (
    Claim(
        "dann",
        "MNIST to MNIST-M: points of accuracy on the target gained over the source-only network; baseline: its accuracy in %",
        ">= 10",
        median("gain"),
        at_least(10),
        median("target alone"),
    ),
    Claim(
        "dann",
        "MNIST to MNIST-M: accuracy on the source in %; baseline: the source-only network's",
        ">= 95",
        median("source"),
        at_least(95),
        median("source alone"),
    ),
    Claim(
        "dann",
        "MNIST to MNIST-M: points that a fresh domain probe on the features loses; baseline: its accuracy before, in %",
        ">= 15",
        median("drop"),
        at_least(15),
        median("probe alone"),
    ),
    Claim(
        "dann",
        "MNIST to USPS: points of accuracy on the target gained over the source-only network; baseline: its accuracy in %",
        "> 0",
        median("usps gain"),
        lambda figure: figure > 0,
        median("usps target alone"),
    ),
    Claim(
        "dann",
        "relative error of the features' domain gradient against -lambda times that of the domain head's loss, float64",
        "<= 1e-9",
        median("reversal"),
        at_most(1e-9),
        "none: an identity",
    ),
)
