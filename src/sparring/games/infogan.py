"""A generator whose code can be read off its pictures."""

from collections.abc import Iterator
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sparring.errors import BadInput
from sparring.game import Move
from sparring.networks import mlp

from .duel import Duel


class InfoGAN(Duel):
    """G is fed noise and a code c; Q reads c off G(z, c); both are paid for agreeing, so c comes to mean something.

    I(c; G(z, c)) is bounded below by L_I = E log Q(c | G(z, c)) + H(c). Both D's and G's losses carry -lambda L_I; Q sits on D's
    trunk, and D's player owns trunk, D and Q. The mutual information is taken on generated rows only: nobody knows the code of
    a real one.

    Args:
        categorical: Sizes of the categorical codes.
        uniform: How many continuous codes are uniform on [-1, 1].
        gaussian: How many continuous codes are standard normal.
        weight: lambda of the categorical codes.
        weight_continuous: lambda of the continuous codes; their density is in other units.
        z: Dimensions of the incompressible noise.
        q_hidden: Units between trunk and code in Q.

    References:
        InfoGAN: Interpretable Representation Learning by Information Maximizing Generative Adversarial Nets (Chen et al., 2016)
    """

    Q: nn.Sequential
    span = 2.0  # how far a traversal takes a continuous code: twice as far as it was trained, as in figure 2

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        categorical: tuple[int, ...] = (10,),
        uniform: int = 2,
        gaussian: int = 0,
        weight: float = 1.0,
        weight_continuous: float = 0.1,
        z: int = 62,
        q_hidden: int = 128,
        lr: float = 1e-3,
        lr_d: float = 2e-4,
        norm_d: Literal["batch", "layer", "none"] = "batch",
        **options: Any,
    ) -> None:
        if not (categorical or uniform or gaussian):
            raise BadInput("InfoGAN needs a code: give --categorical, --uniform or --gaussian.")
        if options.get("packing", 1) > 1:
            raise BadInput("InfoGAN reads the code of one picture at a time; --packing judges several together: leave one out.")
        self.categorical, self.continuous, self.uniform = tuple(categorical), uniform + gaussian, uniform
        self.weight, self.weight_continuous, self.q_hidden = weight, weight_continuous, q_hidden
        super().__init__(shape, z=z, lr=lr, lr_d=lr_d, norm_d=norm_d, **options)

    @property
    def inputs(self) -> int:
        return self.z + sum(self.categorical) + self.continuous

    def judges(self) -> tuple[nn.Module, ...]:
        # A mean and a log-variance for each continuous code, logits for each categorical one.
        outputs = sum(self.categorical) + 2 * self.continuous
        self.Q = mlp(self.D.head.in_features, [self.q_hidden], outputs, slope=0.2, norm=True)
        return self.D, self.Q

    def codes(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """(n, codes): one-hot categorical codes, then uniform, then Gaussian ones."""
        picks = [F.one_hot(torch.randint(k, (n,), generator=generator), k).float() for k in self.categorical]
        flat = torch.rand(n, self.uniform, generator=generator) * 2 - 1
        normal = torch.randn(n, self.continuous - self.uniform, generator=generator)
        return torch.cat([*picks, flat, normal], 1).to(self.device, self.dtype)

    def latent(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        return torch.cat([self.noise(n, generator), self.codes(n, generator)], 1)

    def split(self, q: Tensor, of_codes: bool = False) -> tuple[list[Tensor], Tensor, Tensor]:
        """Q's answer, or a batch of codes, as categorical parts, continuous values and (Q only) their log-variances."""
        sizes = [*self.categorical, self.continuous] + ([] if of_codes else [self.continuous])
        parts = list(q.split(sizes, 1))
        k = len(self.categorical)
        return parts[:k], parts[k], parts[-1]

    def information(self, q: Tensor, c: Tensor) -> dict[str, Tensor]:
        """-lambda log Q(c | x), averaged over the batch: cross-entropies, and the Gaussian density of the continuous codes."""
        logits, mean, logvar = self.split(q.to(c.dtype))
        picks, values, _ = self.split(c, of_codes=True)
        loss = {}
        if picks:
            loss["code"] = self.weight * sum(F.cross_entropy(a, pick) for a, pick in zip(logits, picks, strict=True))
        if self.continuous:
            logvar = logvar.clamp(-6, 6)  # a sure Q would otherwise drown everything else in 1 / variance
            loss["values"] = self.weight_continuous * 0.5 * (logvar + (values - mean).square() / logvar.exp()).sum(1).mean()
        return loss  # type: ignore[return-value]

    def round(self, data: Iterator[Tensor]) -> Iterator[Move]:
        x = next(data)
        c = self.codes(len(x))
        x_fake = self.G(torch.cat([self.noise(len(x)), c], 1))
        h, h_fake = self.D.features(self.blur(x)), self.D.features(self.blur(x_fake.detach()))
        real, fake = self.D.head(h).squeeze(1), self.D.head(h_fake).squeeze(1)
        judged = {**self.judge(real, fake), **self.penalties(x, x_fake)}
        yield {self.discriminator: {**judged, **self.information(self.Q(h_fake), c)}}
        h_fake = self.D.features(x_fake)
        forged = self.forge(real.detach(), self.D.head(h_fake).squeeze(1))
        yield {self.generator: {"fake": forged, **self.information(self.Q(h_fake), c)}}

    # ── use ──────────────────────────────────────────────────────────────────────────────
    def encode(self, x: Tensor, batch: int = 512) -> Tensor:
        """(n, *shape) -> (n, codes) float32: probabilities of each categorical code, then means of the continuous ones."""
        with self.serving(self.D) as D, self.serving(self.Q) as Q:
            answers = []
            for part in x.split(batch):
                logits, mean, _ = self.split(Q(D.features(part.to(self.device))).float())
                answers.append(torch.cat([*(a.softmax(1) for a in logits), mean], 1))
            return torch.cat(answers)

    def cluster(self, x: Tensor) -> Tensor:
        """(n, *shape) -> (n,) int64: the most probable value of the first categorical code, an unsupervised class."""
        if not self.categorical:
            raise BadInput("This InfoGAN has no categorical code to cluster by; train with --categorical.")
        return self.encode(x)[:, : self.categorical[0]].argmax(1)

    def traverse(self, columns: int = 10, rows: int = 5, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """Pictures of every code varied alone: name -> (rows, columns, *shape); each row keeps its noise and its other codes.

        A categorical code runs over its values; a continuous one from -span to span.
        """
        grids, at = {}, self.z
        for i, k in enumerate(self.categorical):
            grids[f"categorical {i + 1}"] = self._vary(F.one_hot(torch.arange(k), k).float(), at, rows, generator)
            at += k
        for i in range(self.continuous):
            kind = "uniform" if i < self.uniform else "gaussian"
            grids[f"{kind} {i + 1}"] = self._vary(torch.linspace(-self.span, self.span, columns)[:, None], at, rows, generator)
            at += 1
        return grids

    def _vary(self, values: Tensor, at: int, rows: int, generator: torch.Generator | None) -> Tensor:
        columns, size = values.shape
        z = self.latent(rows, generator).repeat_interleave(columns, 0)
        z[:, at : at + size] = values.repeat(rows, 1).to(z)
        return self.decode(z).unflatten(0, (rows, columns))
