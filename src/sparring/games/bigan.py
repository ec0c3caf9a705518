"""An encoder that is trained by nobody's reconstruction: a discriminator judges pairs."""

import math
from collections.abc import Iterator
from typing import Any, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from sparring.game import Move
from sparring.networks import JointDiscriminator, conv_trunk, features_of, lean_mlp

from .codec import PRIORS, Codec


class BiGAN(Codec):
    """D tells the pairs (x, E(x)) from the pairs (G(z), z); E and G together make it fail, on both.

    Against the best D the pair descends the Jensen-Shannon divergence of the two joint distributions; where they are one, E and G
    invert each other, though neither ever sees the other's work and nothing measures a distance between rows. The gradient comes
    from flipped labels, as in the non-saturating game, and both terms matter: E is reached through (x, E(x)) only, G through
    (G(z), z) only. One pass serves one simultaneous move.

    ALI is the same game with E a normal distribution that is drawn from, usually with a normal prior.

    Args:
        stochastic: Draw E(x) from a normal distribution whose mean and variance E gives (ALI).
        prior: Density of the codes: uniform on [-1, 1], or standard normal.

    References:
        Adversarial Feature Learning (Donahue et al., 2017), section 3 and appendix C: the settings are its permutation-invariant MNIST
        Adversarially Learned Inference (Dumoulin et al., 2017), Algorithm 1
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        stochastic: bool = False,
        prior: Literal["uniform", "normal"] = "uniform",
        network: Literal["conv", "mlp"] = "mlp",
        z: int = 50,
        decay: float = 0.01,
        weight_decay: float = 2.5e-5,
        **options: Any,
    ) -> None:
        self.prior, self.moments = PRIORS[prior], 2 if stochastic else 1
        super().__init__(shape, network=network, z=z, decay=decay, weight_decay=weight_decay, **options)
        # The code joins in the layer after the convolutions, or after the first layer of an MLP.
        if self.convolutional:
            body, units = conv_trunk(self.shape, self.width), 16 * self.width
        else:
            body = nn.Sequential(nn.Flatten(1), *lean_mlp(math.prod(self.shape), [self.width], slope=0.2))
            units = self.width
        self.D = JointDiscriminator(body, features_of(body, self.shape), z, units)
        self.coder = self.player(self.E, self.G, average=self.average)
        self.discriminator = self.player(self.D)

    def round(self, data: Iterator[Tensor]) -> Iterator[Move]:
        x = next(data)
        z = self.noise(len(x))
        real, fake = self.D(x, self.infer(x)), self.D(self.G(z), z)
        yield {
            self.coder: {"real": F.softplus(real).mean(), "fake": F.softplus(-fake).mean()},  # D's loss, its labels flipped
            self.discriminator: {"real": F.softplus(-real).mean(), "fake": F.softplus(fake).mean()},
        }
