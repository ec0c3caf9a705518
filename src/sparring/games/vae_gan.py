"""A variational autoencoder that is judged by what its discriminator sees, not by pixels."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from sparring import losses
from sparring.game import Move
from sparring.networks import Discriminator, conv_trunk, features_of, mlp_trunk

from .codec import Codec, reparameterise

REAL = 0
CLASSES = {"binary": (REAL, 1, 1), "three-way": (REAL, 1, 2)}
"""What D is to say of a real row x, of one generated from the prior, x_fake, and of a reconstruction, x_rec."""

FORGE: dict[str, Callable[[Tensor, int], Tensor]] = {
    "minimax": lambda logits, label: -_entropy(logits, label),
    "non-saturating": lambda logits, label: _entropy(logits, REAL),
}


class VAEGAN(Codec):
    """Three players and one move: E and G make a variational autoencoder, G and D a GAN, and what D sees is E's and G's measure.

    One forward pass gives L_prior = KL(E(z | x) || N(0, 1)), L_like = -log N(D_l(x) | D_l(x_rec), 1) on D's features, and L_GAN.
    E descends L_prior + L_like, G descends gamma L_like - L_GAN, D descends L_GAN alone. A squared error of pixels rewards blur;
    one of D's features asks for what a judge of real pictures looks at. G forges reconstructions as well as samples.

    With `--similarity pixels` L_like is the pixels' squared error, and with `--no-adversary` as well G hears nothing of D,
    which only watches: the plain variational autoencoder, with everything else the same.

    Args:
        similarity: Where x and x_rec are compared: in D's last hidden layer, or pixel by pixel.
        discriminator: What D tells real rows from: all others, or generated and reconstructed ones apart.
        objective: G's adversarial loss: minus D's (the paper's), or the entropy of calling its rows real, whose gradient stays.
        adversary: Whether G descends an adversarial loss at all.
        gamma: Weight of L_like in G's loss, beside the adversarial terms.

    References:
        Autoencoding beyond pixels using a learned similarity metric (Larsen et al., 2016), Algorithm 1
    """

    moments = 2

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        similarity: Literal["features", "pixels"] = "features",
        discriminator: Literal["binary", "three-way"] = "binary",
        objective: Literal["minimax", "non-saturating"] = "minimax",
        adversary: bool = True,
        gamma: float = 1.0,
        **options: Any,
    ) -> None:
        super().__init__(shape, **options)
        self.learned, self.adversary, self.gamma = similarity == "features", adversary, gamma
        self.classes, self.forge = CLASSES[discriminator], FORGE[objective]
        body = conv_trunk(self.shape, self.width) if self.convolutional else mlp_trunk(self.shape, self.width, depth=2)
        self.D = Discriminator(body, features_of(body, self.shape), outputs=len(set(self.classes)))
        self.encoder = self.player(self.E, average=self.average)
        self.decoder = self.player(self.G, average=self.average)
        self.discriminator = self.player(self.D)

    def round(self, data: Iterator[Tensor]) -> Iterator[Move]:
        x = next(data)
        mean, logvar = self.posterior(x)
        x_rec = self.G(reparameterise(mean, logvar))
        x_fake = self.G(self.noise(len(x)))
        h, h_fake, h_rec = (self.D.features(rows) for rows in (x, x_fake, x_rec))
        real, fake, rec = (self.D.head(features) for features in (h, h_fake, h_rec))
        _, as_fake, as_rec = self.classes

        prior = losses.kl_normal(mean, logvar)
        like = _gaussian(h, h_rec) if self.learned else _gaussian(x, x_rec)
        gan = {"real": _entropy(real, REAL), "generated": _entropy(fake, as_fake), "reconstructed": _entropy(rec, as_rec)}
        decoded = {"like": self.gamma * like}
        if self.adversary:
            decoded |= {"generated": self.forge(fake, as_fake), "reconstructed": self.forge(rec, as_rec)}
        yield {self.encoder: {"prior": prior, "like": like}, self.decoder: decoded, self.discriminator: gan}

    # ── use ──────────────────────────────────────────────────────────────────────────────
    def judge(self, x: Tensor, batch: int = 512) -> Tensor:
        """(n, *shape) -> (n, 2 or 3): D's probabilities that a row is real, generated (or either fake), reconstructed."""
        with self.serving(self.D) as D:
            return torch.cat([D(part.to(self.device, self.dtype)).float().softmax(1) for part in x.split(batch)])


def _entropy(logits: Tensor, label: int) -> Tensor:
    """-log of the probability of `label`, averaged over the batch; exact for every logit."""
    return F.cross_entropy(logits, torch.full((len(logits),), label, device=logits.device))


def _gaussian(a: Tensor, b: Tensor) -> Tensor:
    """-log N(a | b, 1) but for its constant: summed over dimensions, averaged over the batch."""
    return (a.to(torch.promote_types(a.dtype, torch.float32)) - b).square().flatten(1).sum(1).mean() / 2
