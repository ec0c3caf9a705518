"""Any f-divergence as a game."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from torch import Tensor

from sparring.divergences import DIVERGENCES, FAMILIES
from sparring.errors import BadInput
from sparring.game import Move

from .duel import Duel


class FGAN(Duel):
    """D's free output V bounds a divergence from below, G descends that bound, and both move at once.

    F = E_p g_f(V(x)) - E_q f*(g_f(V(x))) <= D_f(p || q) for every V, with equality where g_f(V) = f'(p / q). V ascends F and G
    descends it, in a single step from the same two batches; no inner loop brings the bound up first, and the paper shows that near
    a saddle point none is needed.

    Which f decides what a G that cannot match the data prefers: KL covers everything, reverse KL picks a mode and stays within it.

    Args:
        divergence: The row of `sparring.divergences.DIVERGENCES`.
        alpha: The parameter of `alpha` (its exponent; by default 1.5) and of `weighted-js` (the weight of p; .25); 0 takes
            the default.
        ascend: G ascends E g_f(V(G(z))) instead, which pulls hardest at samples that V is sure about (section 3.2); with the
            divergence `gan` that is the non-saturating game.

    References:
        f-GAN: Training Generative Neural Samplers using Variational Divergence Minimization (Nowozin et al., 2016), Algorithm 1
    """

    decides: ClassVar[tuple[str, ...]] = ("objective",)

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        divergence: Literal[
            "kl",
            "reverse-kl",
            "pearson",
            "hellinger",
            "js",
            "gan",
            "neyman",
            "jeffrey",
            "total-variation",
            "alpha",
            "weighted-js",
        ] = "js",
        alpha: float = 0.0,
        ascend: bool = False,
        **options: Any,
    ) -> None:
        if alpha and divergence not in FAMILIES:
            raise BadInput(f"Option --alpha is the parameter of {' and '.join(FAMILIES)}; --divergence {divergence} has none.")
        super().__init__(shape, **options)
        self.f = FAMILIES[divergence](alpha) if alpha else DIVERGENCES[divergence]
        self.ascend = ascend

    def round(self, data: Iterator[Tensor]) -> Iterator[Move]:
        x = next(data)
        x_fake = self.G(self.noise(len(x)))
        # In x's precision: exponentials and logarithms of bfloat16 outputs would keep two digits.
        v, v_fake = self.D(self.blur(x)).to(x), self.D(self.blur(x_fake)).to(x)
        real, fake = self.f.activation(v).mean(), self.f.conjugate_of_activation(v_fake).mean()  # F = real - fake
        yield {
            self.discriminator: {"real": -real, "fake": fake, **self.penalties(x, x_fake)},
            self.generator: -self.f.activation(v_fake).mean() if self.ascend else -fake,
        }
