"""Why an adversary, when a forward and a backward autoencoder have the same optimum?

Where an autoencoder is perfect in both directions, E and G invert each other, and so they do where a BiGAN is perfect. What
differs is the way there. A squared error that cannot be zero is least at an average of what might have been, so the forward
autoencoder blurs. The backward one never sees a row of data, so its G need not make anything like one. A BiGAN asks only that
pairs look real: its reconstructions are as sharp as its samples, and may show another row of the same kind.

All four share networks, prior, optimiser and rounds.

References:
    Adversarial Feature Learning (Donahue et al., 2017), section 4
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sparring.data import Data, draw, load, names, views
from sparring.games import Autoencoder, BiGAN
from sparring.games.codec import Codec
from sparring.lab import Progress, Result, publish, silent
from sparring.lab.stack import seeded
from sparring.loop import play
from sparring.scores import probes, reconstruction

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAMES: dict[str, tuple[type[Codec], dict[str, Any]]] = {
    "forward autoencoder": (Autoencoder, {"forward": 1.0, "backward": 0.0}),
    "backward autoencoder": (Autoencoder, {"forward": 0.0, "backward": 1.0}),
    "both at once": (Autoencoder, {"forward": 1.0, "backward": 1.0}),
    "BiGAN": (BiGAN, {}),
}
SHARED: dict[str, Any] = {"network": "mlp", "z": 50, "decay": 0.01, "weight_decay": 2.5e-5}
SHOWN = 12


def run(out: Path, seed: int = 0, quick: bool = False, progress: Progress = silent) -> Result:
    """Trains four pairs of E and G on MNIST, or on scikit-learn's digits where MNIST is not here (some ten minutes on a core)."""
    from sparring.lab.style import panels

    data = "digits" if quick or names()["mnist"].path() is None else "mnist"
    train, test = load(data, split="train"), load(data, split="test")
    rounds = 40 if quick else 4000
    x = test.x(np.arange(min(len(test), 200 if quick else 5000)))
    judge = Judge(train.subset(np.arange(min(len(train), 200 if quick else 10_000))))
    table: list[dict[str, Any]] = []
    pictures: dict[str, tuple[Tensor, Tensor]] = {}
    for k, (name, (kind, options)) in enumerate(GAMES.items()):
        with seeded(seed):
            game = kind(train.shape, width=32 if quick else 1024, **SHARED, **options)
            for t, _ in play(game, lambda t: draw(views.pictures, train, 128, seed, 0, t), 0, rounds, seed, "bf16"):
                progress((k + (t + 1) / rounds) / len(GAMES))
        x_rec = game.reconstruct(x)
        table.append({"game": name, **figures(game, x, x_rec, test.y(np.arange(len(x))), judge, seed)})
        pictures[name] = (x_rec[:SHOWN], game.sample(SHOWN, torch.Generator().manual_seed(seed)))
    rows = {row["game"]: row for row in table}
    ours, ae = rows["BiGAN"], rows["forward autoencoder"]
    backward, y = rows["backward autoencoder"], test.y(np.arange(len(x)))
    paragraph = f"""On {len(x):,} held-out {data}, the forward autoencoder errs by {ae["mse"]:.3f} a pixel (squared, scale [-1,
        1]), BiGAN by {ours["mse"]:.3f}; of the real pictures' energy at high frequencies the autoencoder's
        reconstructions have {ae["high frequencies"]:.2f}, BiGAN's {ours["high frequencies"]:.2f} (noise raises that
        too, so look at the pictures). A nearest-neighbour judge finds the right class in {
        100 * judge.accuracy(x, y):.0f} % of the pictures themselves, {
        100 * ae["same class"]:.0f} % of the autoencoder's reconstructions and
        {100 * ours["same class"]:.0f} % of BiGAN's, which may show another row of the class. The backward autoencoder
        never saw a row: its codes come back with a ratio of {backward["z ratio"]:.2f} (1: nothing comes back), rows
        with {backward["x ratio"]:.2f}. Nothing here says that BiGAN's codes are better: in the paper's own table both
        baselines are a little ahead at nearest neighbours (Donahue et al., 2017, table 1)."""
    figure, axes = panels(1, height=3.8)
    show(axes[0], x[:SHOWN], pictures)
    return publish(out, "bigan-vs-autoencoders", figure, table, paragraph, seed=seed, quick=quick)


class Judge:
    """The class of a picture by its nearest neighbour among labelled ones, pixel by pixel: it knows none of the games."""

    def __init__(self, data: Data) -> None:
        self.x, self.y = data.x().flatten(1), data.y()

    def accuracy(self, x: Tensor, y: Tensor) -> float:
        return probes.knn(self.x, self.y, x.flatten(1), y).value


def figures(game: Codec, x: Tensor, x_rec: Tensor, y: Tensor, judge: Judge, seed: int) -> dict[str, float]:
    """What E and G do to held-out rows and fresh codes."""
    z = game.noise(len(x), torch.Generator().manual_seed(seed))
    scores = {
        "mse": reconstruction.mse(x, x_rec),
        "high frequencies": reconstruction.high_frequency(x, x_rec),
        "sharpness": reconstruction.sharpness(x, x_rec),
        "x ratio": reconstruction.cycle(x, x_rec),
        "z ratio": reconstruction.cycle(z, game.encode(game.decode(z)), name="cycle-z"),
    }
    return {name: float(score.value) for name, score in scores.items()} | {"same class": judge.accuracy(x_rec, y)}


def show(ax: "Axes", x: Tensor, pictures: dict[str, tuple[Tensor, Tensor]]) -> None:
    """A row of held-out pictures, then each game's reconstructions of them beside its samples."""
    from sparring.lab.style import GREY, INK, name

    rows = {"held out": torch.cat([x, torch.ones_like(x)])} | {game: torch.cat(pair) for game, pair in pictures.items()}
    height, width = x.shape[-2:]
    gap = max(1, width // 14)
    canvas = np.ones((len(rows) * (height + gap), 2 * SHOWN * (width + gap) + 4 * gap))
    for i, row in enumerate(rows.values()):
        for j, picture in enumerate(((row + 1) / 2).mean(1).numpy()):
            left = j * (width + gap) + (4 * gap if j >= SHOWN else 0)
            canvas[i * (height + gap) : i * (height + gap) + height, left : left + width] = picture
    ax.imshow(canvas, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    name(ax, "Left: G(E(x)) of held-out pictures. Right: G of codes from the prior.")
    ax.set_yticks([i * (height + gap) + height / 2 for i in range(len(rows))], list(rows), color=INK)
    ax.set_xticks([])
    ax.grid(False)
    ax.tick_params(length=0, colors=GREY)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
