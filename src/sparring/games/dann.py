"""Features that tell the label and do not tell where a row comes from."""

import math
from collections.abc import Iterator
from typing import Literal

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from sparring.data.views import Labelled
from sparring.errors import BadInput
from sparring.game import Game, Move, Player
from sparring.networks import features_of, mlp
from sparring.networks.classifier import lenet_trunk


class DANN(Game):
    """F makes features, C reads labels off them, D tells source from target; F also learns to leave D nothing to go by.

    With L_y the cross-entropy of the source's labels and L_d that of the domains, D descends L_d while F and C descend
    L_y - lambda L_d: what the paper gets from a layer that reverses gradients, as one simultaneous move of two players. Only F's
    share of L_d carries lambda; D always learns at full strength. lambda rises from 0 to `weight`, because early features are
    worth nothing and an early D is right for the wrong reasons. Labels of the target are never used.

    The paper's lambda is the option `weight`; 0 gives a network trained on the source only.

    Args:
        shape: (C, H, W) of a picture, or (d,) of a vector; of both domains.
        classes: How many labels the source knows.
        weight: lambda at the end of the run.
        ramp: How steeply lambda rises: weight * (2 / (1 + exp(-ramp p)) - 1) where p is the share of the run that is played.
        training: One simultaneous move of both players, or D first and then F and C against the new D.
        n_critic: Moves of D in a round, each on rows of its own; the last one together with F and C, or before them.
        beside: Train a second network of the same start on the source only, with the same batches, to compare with.
        width: Channels of F's first convolution; for vectors, half its units.
        hidden: Units of a hidden layer in C (two of them) and in D (one).
        norm: Normalisation in F: batch, layer or none, as the paper has it. Both domains pass F as one batch.
        bottleneck: Units of a fully connected layer at the end of F; 0 for none, as the paper has it for digits.
        lr: Learning rate at the start; it falls as (1 + 10 p)^-.75.
        lr_d: The same for D (two time scales); 0 takes `lr`.
        momentum: Of the gradient descent.

    References:
        Domain-Adversarial Training of Neural Networks (Ganin et al., 2016), equations 9-15 and section 5.2.2
    """

    view = "domains"

    def __init__(
        self,
        shape: tuple[int, ...],
        classes: int,
        *,
        weight: float = 1.0,
        ramp: float = 10.0,
        training: Literal["joint", "alternating"] = "joint",
        n_critic: int = 1,
        beside: bool = False,
        width: int = 32,
        hidden: int = 100,
        norm: Literal["none", "batch", "layer"] = "none",
        bottleneck: int = 0,
        lr: float = 0.01,
        lr_d: float = 0.0,
        momentum: float = 0.9,
    ) -> None:
        super().__init__()
        if classes < 2:
            raise BadInput(
                "dann needs a source with labels of at least two classes; name sub-folders after them, or pass labels."
            )
        self.shape, self.classes, self.weight, self.ramp = tuple(shape), classes, weight, ramp
        self.alternating, self.n_critic = training == "alternating", n_critic

        def player(*networks: nn.Module, lr: float = lr) -> Player:
            def descent(parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
                return torch.optim.SGD(parameters, lr=lr, momentum=momentum)

            return Player(*networks, lr=lr, schedule=anneal, optimizer=descent)

        self.F = lenet_trunk(self.shape, width, norm, bottleneck)
        features = features_of(self.F, self.shape)
        self.C = mlp(features, [hidden, hidden], classes)
        self.D = mlp(features, [hidden], 1, slope=0.2)
        self.learner, self.critic = player(self.F, self.C), player(self.D, lr=lr_d or lr)
        if beside:
            self.F0 = lenet_trunk(self.shape, width, norm, bottleneck)
            self.C0 = mlp(features, [hidden, hidden], classes)
            self.F0.load_state_dict(self.F.state_dict())
            self.C0.load_state_dict(self.C.state_dict())
            self.source_only = player(self.F0, self.C0)

    @property
    def lambda_(self) -> float:
        """lambda of this round, in [0, weight]."""
        return self.weight * (2 / (1 + math.exp(-self.ramp * self.progress)) - 1)

    def domain(self, f_s: Tensor, f_t: Tensor) -> Tensor:
        """D's cross-entropy on the features of source (logit up) and target (logit down), each half of the whole; log 2 is chance."""
        return (nnf.softplus(-self.D(f_s)).mean() + nnf.softplus(self.D(f_t)).mean()) / 2

    def features(self, x_s: Tensor, x_t: Tensor) -> tuple[Tensor, ...]:
        """F of both domains as one batch, so that batch norm, if there is one, learns the statistics of the mixture it will use."""
        return self.F(torch.cat([x_s, x_t])).split([len(x_s), len(x_t)])

    def round(self, data: Iterator[tuple[Labelled, Tensor]]) -> Iterator[Move]:
        for _ in range(self.n_critic - 1):
            (x_s, _), x_t = next(data)
            with torch.no_grad():
                f_s, f_t = self.features(x_s, x_t)
            yield {self.critic: {"domain": self.domain(f_s, f_t)}}
        (x_s, y_s), x_t = next(data)
        f_s, f_t = self.features(x_s, x_t)
        label = nnf.cross_entropy(self.C(f_s), y_s)
        if self.alternating:
            yield {self.critic: {"domain": self.domain(f_s.detach(), f_t.detach())}}
        domain = self.domain(f_s, f_t)
        learn: Move = {self.learner: {"label": label, "domain": -self.lambda_ * domain}}
        yield learn if self.alternating else {**learn, self.critic: {"domain": domain}}
        if hasattr(self, "source_only"):
            yield {self.source_only: {"label": nnf.cross_entropy(self.C0(self.F0(x_s)), y_s)}}

    # ── use ──────────────────────────────────────────────────────────────────────────────
    def networks(self, adapted: bool) -> tuple[nn.Module, nn.Module]:
        """F and C, or those trained on the source only."""
        if not adapted and not hasattr(self, "source_only"):
            raise BadInput("This run trained no network on the source only; train with --beside.")
        return (self.F, self.C) if adapted else (self.F0, self.C0)

    def encode(self, x: Tensor, batch: int = 512, adapted: bool = True) -> Tensor:
        """(n, *shape) -> (n, d) float32 features; `adapted=False` asks the network trained on the source only."""
        with self.serving(self.networks(adapted)[0]) as F:
            return torch.cat([F(part.to(self.device)).float() for part in x.split(batch)])

    def classify(self, x: Tensor, batch: int = 512, adapted: bool = True) -> Tensor:
        """(n, *shape) -> (n, classes) float32 probabilities of the labels; arguments as in `encode`."""
        F, C = self.networks(adapted)
        with self.serving(F) as F, self.serving(C) as C:
            return torch.cat([C(F(part.to(self.device))).float().softmax(1) for part in x.split(batch)])


def anneal(t: int, rounds: int) -> float:
    """The learning rate's factor in round t: (1 + 10 p)^-.75 (section 5.2.2)."""
    return (1 + 10 * t / max(rounds, 1)) ** -0.75
