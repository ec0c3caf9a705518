"""One paper, one file; `SYSTEMS` is the directory that the command line, the contract test and the reports are made from."""

from sparring.game import Game

from .gan import GAN
from .infogan import InfoGAN

SYSTEMS: dict[str, type[Game]] = {
    "gan": GAN,
    "infogan": InfoGAN,
}

__all__ = ["GAN", "SYSTEMS", "InfoGAN"]
