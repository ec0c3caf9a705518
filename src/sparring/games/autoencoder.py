"""What one would do without an adversary: the baseline of BiGAN, on the same networks."""

from collections.abc import Iterator
from typing import Any, Literal

from torch import Tensor

from sparring.errors import BadInput
from sparring.game import Move

from .codec import PRIORS, Codec


class Autoencoder(Codec):
    """E and G together descend |x - G(E(x))|^2 (forward), |z - E(G(z))|^2 (backward), or both; means over entries.

    Where both are zero, E and G invert each other, as they do where a BiGAN is perfect. Short of that the two differ: the forward
    error is an average over pixels and leaves G's samples free, the backward one never looks at a row of data.

    Args:
        forward: Weight of the error of rows, x -> E -> G -> x.
        backward: Weight of the error of codes, z -> G -> E -> z.
        prior: Density of the codes: uniform on [-1, 1], or standard normal.

    References:
        Adversarial Feature Learning (Donahue et al., 2017), section 4: both directions, as baselines
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        forward: float = 1.0,
        backward: float = 0.0,
        prior: Literal["uniform", "normal"] = "uniform",
        **options: Any,
    ) -> None:
        if min(forward, backward) < 0 or max(forward, backward) == 0:
            raise BadInput(
                "An autoencoder needs a way to go: give --forward or --backward a weight above 0, and neither one below."
            )
        self.prior, self.weights = PRIORS[prior], {"forward": forward, "backward": backward}
        super().__init__(shape, **options)
        self.coder = self.player(self.E, self.G, average=self.average)

    def round(self, data: Iterator[Tensor]) -> Iterator[Move]:
        x = next(data)
        z = self.noise(len(x))
        ways = {"forward": (x, lambda: self.G(self.infer(x))), "backward": (z, lambda: self.infer(self.G(z)))}
        yield {
            self.coder: {
                name: self.weights[name] * (start - there_and_back()).square().mean()
                for name, (start, there_and_back) in ways.items()
                if self.weights[name]
            }
        }
