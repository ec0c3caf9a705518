"""One paper, one file; `SYSTEMS` is the directory that the command line, the contract test and the reports are made from."""

from sparring.game import Game

from .autoencoder import Autoencoder
from .bigan import BiGAN
from .dann import DANN
from .discriminator import DiscriminatorAlone
from .fgan import FGAN
from .gan import GAN
from .infogan import InfoGAN
from .r3gan import R3GAN
from .triple_gan import TripleGAN
from .vae_gan import VAEGAN
from .wgan import WGAN
from .wgan_gp import WGANGP

SYSTEMS: dict[str, type[Game]] = {
    "gan": GAN,
    "fgan": FGAN,
    "wgan": WGAN,
    "wgan-gp": WGANGP,
    "r3gan": R3GAN,
    "discriminator": DiscriminatorAlone,
    "infogan": InfoGAN,
    "vae-gan": VAEGAN,
    "bigan": BiGAN,
    "triple-gan": TripleGAN,
    "dann": DANN,
}

__all__ = [
    "DANN",
    "FGAN",
    "GAN",
    "R3GAN",
    "SYSTEMS",
    "VAEGAN",
    "WGAN",
    "WGANGP",
    "Autoencoder",
    "BiGAN",
    "DiscriminatorAlone",
    "InfoGAN",
    "TripleGAN",
]
