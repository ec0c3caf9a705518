"""A classifier and a generator that meet at the joint distribution of rows and labels."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sparring.data.views import Labelled
from sparring.errors import BadInput
from sparring.game import Game, Move, Player
from sparring.losses import Terms
from sparring.networks import features_of
from sparring.networks.classifier import pooled_trunk
from sparring.networks.conditional import CONDITIONS, conditional_generator

Semi = tuple[Labelled, Tensor]
ANNEALED = 0.03  # what is left of the learning rate at the end: .995 an epoch over the last 700 of 1,000


class TripleGAN(Game):
    """C labels rows, G makes rows for labels, and D judges pairs (x, y), whoever made them.

    D takes a labelled pair for real, and calls G's pairs (G(z, y), y) and C's pairs (x, C(x)) made up, each with half the weight.
    G and C both want their pairs to pass. In games of two, one network both judges and labels, and the best judge of fakes is
    not the best reader of labels.

    What the authors' program does beyond the algorithm box, and what makes it work with few labels: D's real pairs are a few
    labelled ones among many rows that C labelled itself; C also learns by entropy and class balance on unlabelled rows, starts
    alone, late in the run learns from G's pairs, and is used as a running average. C's label in D's eyes is an argmax, so D's
    gradient reaches C by one path only: the probability p_max that the loss of each pair is multiplied by.

    Args:
        shape: (C, H, W) of a picture, or (d,) of a vector; from the data.
        classes: How many labels there are.
        z: Dimensions of the code, which is standard normal.
        width: Channels in the middle of C and next to the picture in G and D; MLPs have twice as many units a layer.
        width_c: The same for C alone; 0 takes `width`.
        condition: How D takes the label in: beside the row and its features, or as a projection of them.
        alpha: Weight of C's pairs against G's in D's eyes.
        entropy: Weight of the entropy of C's answers on unlabelled rows.
        balance: Weight of the cross-entropy of C's mean answer from equal shares.
        pretrain: Share of the run that C learns alone before the game begins.
        balance_alone: `balance` while C is alone.
        generated: Weight of the cross-entropy of C on G's pairs.
        late: Share of the run after which C learns from G's pairs, and the learning rate falls.
        anchors: Labelled rows among D's real pairs; all others are rows that C labelled.
        noise: Standard deviation of Gaussian noise on what D sees, in units of the data.
        dropout: Share of C's values that are dropped after each pooling.
        decay: Weight of the squared weights of C's last layer.
        lr: Learning rate of all three.
        betas: Adam's decay rates.
        average: Decay of the running average of C, which answers outside play.

    References:
        Triple Generative Adversarial Nets (Li et al., 2017), Algorithm 1 and appendix
    """

    view = "semi"

    def __init__(
        self,
        shape: tuple[int, ...],
        classes: int,
        *,
        z: int = 100,
        width: int = 64,
        width_c: int = 0,
        condition: Literal["concat", "projection"] = "concat",
        alpha: float = 0.5,
        entropy: float = 0.3,
        balance: float = 1e-3,
        pretrain: float = 0.1,
        balance_alone: float = 0.3,
        generated: float = 0.1,
        late: float = 0.3,
        anchors: int = 1,
        noise: float = 0.6,
        dropout: float = 0.5,
        decay: float = 1e-4,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.5, 0.999),
        average: float = 0.99,
    ) -> None:
        super().__init__()
        if classes < 2:
            raise BadInput("triple-gan needs labels of at least two classes; -1 marks the rows that have none.")
        self.shape, self.classes, self.z, self.anchors = tuple(shape), classes, z, anchors
        self.alpha, self.entropy, self.balance, self.balance_alone = alpha, entropy, balance, balance_alone
        self.pretrain, self.generated, self.late, self.decay = pretrain, generated, late, decay

        def player(network: nn.Module, average: float = 0.0) -> Player:
            return Player(network, lr=lr, betas=betas, average=average, schedule=self.anneal)

        self.G = conditional_generator(self.shape, z, classes, width)
        self.D = CONDITIONS[condition](self.shape, classes, width, noise=noise)
        trunk = pooled_trunk(self.shape, width_c or width, dropout)
        self.C = nn.Sequential(trunk, nn.Linear(features_of(trunk, self.shape), classes))
        self.generator, self.discriminator, self.classifier = player(self.G), player(self.D), player(self.C, average)

    def anneal(self, t: int, rounds: int) -> float:
        """The learning rate's factor in round t: 1 until `late`, then falling geometrically."""
        p = t / max(rounds, 1)
        return ANNEALED ** max(0.0, (p - self.late) / (1 - self.late)) if self.late < 1 else 1.0

    # ── moves ────────────────────────────────────────────────────────────────────────────
    def lessons(self, x: Tensor, y: Tensor, answers: Tensor, balance: float) -> Terms:
        """What C learns without an adversary: the labels, to be sure of unlabelled rows, and to call equally many by each name."""
        log_p = answers.log_softmax(1)
        return {
            "label": F.cross_entropy(self.C(x), y),
            "entropy": -self.entropy * (log_p.exp() * log_p).sum(1).mean(),
            "balance": -balance * (log_p.logsumexp(0) - math.log(len(log_p))).mean(),
            "decay": self.decay * self.C.get_parameter("1.weight").square().sum(),
        }

    def round(self, data: Iterator[Semi]) -> Iterator[Move]:
        (x_l, y_l), x_u = next(data)
        answers = self.C(x_u)
        if self.progress < self.pretrain:
            yield {self.classifier: self.lessons(x_l, y_l, answers, self.balance_alone)}
            return
        y_u, p_max = self.one_hot(answers.argmax(1)), answers.softmax(1).amax(1)
        y_g = torch.randint(self.classes, (len(x_u),)).to(self.device)
        x_g = self.G(self.noise(len(x_u)), self.one_hot(y_g))

        _, x_p = next(data)  # rows that C labels and D then takes for real
        with torch.no_grad():
            y_p = self.C(x_p).argmax(1)
        x, y = torch.cat([x_l[: self.anchors], x_p]), torch.cat([y_l[: self.anchors], y_p])
        yield {
            self.discriminator: {
                "real": F.softplus(-self.D(x, self.one_hot(y))).mean(),
                "generated": (1 - self.alpha) * F.softplus(self.D(x_g.detach(), self.one_hot(y_g))).mean(),
                "classified": self.alpha * F.softplus(self.D(x_u, y_u)).mean(),
            }
        }
        yield {self.generator: {"fake": (1 - self.alpha) * F.softplus(-self.D(x_g, self.one_hot(y_g))).mean()}}
        with torch.no_grad():  # an argmax has no gradient; p_max has
            caught = F.softplus(-self.D(x_u, y_u))
        judged = {"judged": self.alpha * (p_max * caught).mean()}
        if self.generated and self.progress >= self.late:
            judged["generated"] = self.generated * F.cross_entropy(self.C(x_g.detach()), y_g)
        yield {self.classifier: judged | self.lessons(x_l, y_l, answers, self.balance)}

    # ── use ──────────────────────────────────────────────────────────────────────────────
    def one_hot(self, y: Tensor) -> Tensor:
        """(n,) labels -> (n, classes)."""
        return F.one_hot(y, self.classes).to(self.device, self.dtype)

    def noise(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """(n, z) standard normal codes."""
        return torch.randn(n, self.z, generator=generator).to(self.device, self.dtype)

    def decode(self, z: Tensor, label: int | Sequence[int] | Tensor | None = None, batch: int = 256) -> Tensor:
        """(n, z) codes and their labels (by default each in turn) -> (n, *shape) float32, pictures in [-1, 1]."""
        y = self.one_hot(self.labels(len(z), label).to(self.device))
        with self.serving(self.G) as G:
            parts = zip(z.to(self.device).split(batch), y.split(batch), strict=True)
            return torch.cat([G(*part).float() for part in parts])

    def labels(self, n: int, label: int | Sequence[int] | Tensor | None = None) -> Tensor:
        """(n,) int64: the label or labels asked for, or each in turn."""
        y = torch.arange(n) % self.classes if label is None else torch.as_tensor(label).long().cpu().expand(n)
        if not bool(((y >= 0) & (y < self.classes)).all()):
            raise BadInput(f"Label {label} is none of 0 to {self.classes - 1}.")
        return y

    def sample(
        self,
        n: int,
        generator: torch.Generator | None = None,
        label: int | Sequence[int] | Tensor | None = None,
        **condition: Any,
    ) -> Tensor:
        """(n, *shape) float32 samples of the label, or of each label in turn; pictures in [-1, 1]."""
        return self.decode(self.noise(n, generator), label)

    def traverse(self, columns: int = 10, rows: int = 5, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """Every label of the same code side by side: {"label": (rows, classes, *shape)}."""
        z = self.noise(rows, generator).repeat_interleave(self.classes, 0)
        return {"label": self.decode(z).unflatten(0, (rows, self.classes))}

    def encode(self, x: Tensor, batch: int = 512) -> Tensor:
        """(n, *shape) -> (n, d) float32: what C sees before its last layer."""
        with self.serving(self.C) as C:
            return torch.cat([C[0](part.to(self.device)).float() for part in x.split(batch)])

    def classify(self, x: Tensor, batch: int = 512) -> Tensor:
        """(n, *shape) -> (n, classes) float32 probabilities of the labels."""
        with self.serving(self.C) as C:
            return torch.cat([C(part.to(self.device)).float().softmax(1) for part in x.split(batch)])
