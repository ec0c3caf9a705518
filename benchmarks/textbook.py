"""The plain way: training loops as tutorials write them, with the networks, losses and settings of ours.

Maps lie as they are made (contiguous), Adam is torch's default, gradients are cleared by hand, the generator runs once for each
move, its backward pass goes through all of D and leaves gradients there that the next clearing throws away, and D ends in a sigmoid
under binary cross-entropy. Precision is float32. `ByHand` is something else: our own round with nothing of ours around it.

Every class takes one of our games, starts from its weights, and has `round(x) -> {player: loss}`.
"""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sparring.games.duel import Duel

Losses = dict[str, Tensor]


def dcgan_generator(z: int, channels: int, size: int, width: int, norm: bool = True) -> nn.Sequential:
    """(n, z, 1, 1) -> (n, channels, size, size) (Radford et al., 2016); `size` is 4 times a power of two."""
    maps = widths(size, width)[::-1]
    layers: list[nn.Module] = [nn.ConvTranspose2d(z, maps[0], 4, 1, 0, bias=not norm), *normed(maps[0], norm), nn.ReLU(True)]
    for i, o in itertools.pairwise(maps):
        layers += [nn.ConvTranspose2d(i, o, 4, 2, 1, bias=not norm), *normed(o, norm), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.ConvTranspose2d(maps[-1], channels, 4, 2, 1), nn.Tanh())


def dcgan_discriminator(channels: int, size: int, width: int, norm: bool = True) -> nn.Sequential:
    """(n, channels, size, size) -> (n, 1) logits."""
    maps = widths(size, width)
    layers: list[nn.Module] = [nn.Conv2d(channels, maps[0], 4, 2, 1), nn.LeakyReLU(0.2, True)]
    for i, o in itertools.pairwise(maps):
        layers += [nn.Conv2d(i, o, 4, 2, 1, bias=not norm), *normed(o, norm), nn.LeakyReLU(0.2, True)]
    return nn.Sequential(*layers, nn.Conv2d(maps[-1], 1, 4, 1, 0), nn.Flatten())


def perceptron(*sizes: int, slope: float) -> nn.Sequential:
    """(n, sizes[0]) -> (n, sizes[-1])."""
    layers: list[nn.Module] = []
    for i, o in itertools.pairwise(sizes):
        layers += [nn.Linear(i, o), nn.LeakyReLU(slope, True)]
    return nn.Sequential(*layers[:-1])


def widths(size: int, width: int) -> list[int]:
    return [width * 2 ** min(i, 3) for i in range(int(math.log2(size // 4)))]


def normed(channels: int, norm: bool) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels)] if norm else []


def start_from(network: nn.Module, ours: nn.Module) -> None:
    """Give `network` the weights of ours, which has a matrix where a convolution makes, or ends, a 4x4 map."""
    with torch.no_grad():
        for p, q in zip(network.parameters(), ours.parameters(), strict=True):
            if p.shape == q.shape:
                p.copy_(q)
            elif p.shape[0] == q.shape[1]:  # code to map: q is (h w c, i), p is (i, c, h, w)
                p.copy_(q.unflatten(0, (*p.shape[2:], p.shape[1])).permute(3, 2, 0, 1))
            else:  # map to logit: q is (o, h w c), p is (o, c, h, w)
                p.copy_(q.unflatten(1, (*p.shape[2:], p.shape[1])).permute(0, 3, 1, 2))


class Textbook:
    """Two networks, two optimisers."""

    def __init__(self, game: Duel, width: int) -> None:
        norm = any(isinstance(m, nn.BatchNorm2d) for m in game.D.modules())
        if len(game.shape) == 1:
            d = game.shape[0]
            self.code: tuple[int, ...] = (game.z,)
            self.G = perceptron(game.z, *[2 * width] * 3, d, slope=0.0)
            self.D = perceptron(d, *[2 * width] * 3, 1, slope=0.2)
        else:
            channels, size, _ = game.shape
            self.code = (game.z, 1, 1)
            self.G = dcgan_generator(game.z, channels, size, width)
            self.D = dcgan_discriminator(channels, size, width, norm)
        self.G.to(game.dtype)
        self.D.to(game.dtype)
        start_from(self.G, game.G)
        start_from(self.D, game.D)
        lr, betas = game.generator.lr, game.generator.optimizer.defaults["betas"]
        self.adam_G = torch.optim.Adam(self.G.parameters(), lr=lr, betas=betas)
        self.adam_D = torch.optim.Adam(self.D.parameters(), lr=lr, betas=betas)

    def round(self, x: Tensor) -> Losses:
        raise NotImplementedError


class GAN(Textbook):
    """Generative Adversarial Nets (Goodfellow et al., 2014), non-saturating."""

    def round(self, x: Tensor) -> Losses:
        z = torch.randn(len(x), *self.code).to(x)
        ones, zeros = torch.ones(len(x), 1).to(x), torch.zeros(len(x), 1).to(x)

        self.adam_D.zero_grad()
        loss_D = F.binary_cross_entropy(self.D(x).sigmoid(), ones)
        loss_D = loss_D + F.binary_cross_entropy(self.D(self.G(z).detach()).sigmoid(), zeros)
        loss_D.backward()
        self.adam_D.step()

        self.adam_G.zero_grad()
        loss_G = F.binary_cross_entropy(self.D(self.G(z)).sigmoid(), ones)
        loss_G.backward()
        self.adam_G.step()
        return {"discriminator": loss_D.detach(), "generator": loss_G.detach()}


class WGANGP(Textbook):
    """Improved Training of Wasserstein GANs (Gulrajani et al., 2017), five critic steps, lambda 10."""

    def round(self, x: Tensor) -> Losses:
        for _ in range(5):
            self.adam_D.zero_grad()
            x_fake = self.G(torch.randn(len(x), *self.code).to(x)).detach()
            wasserstein = self.D(x_fake).mean() - self.D(x).mean()
            alpha = torch.rand(len(x), 1, 1, 1, dtype=x.dtype)
            between = (alpha * x_fake + (1 - alpha) * x).requires_grad_()
            logits = self.D(between)
            (slope,) = torch.autograd.grad(logits, between, torch.ones_like(logits), create_graph=True)
            loss_D = wasserstein + 10 * ((slope.flatten(1).norm(2, dim=1) - 1) ** 2).mean()
            loss_D.backward()
            self.adam_D.step()

        self.adam_G.zero_grad()
        loss_G = -self.D(self.G(torch.randn(len(x), *self.code).to(x))).mean()
        loss_G.backward()
        self.adam_G.step()
        return {"discriminator": loss_D.detach(), "generator": loss_G.detach()}


class ByHand:
    """The very moves of our GAN on its own networks and optimisers: what is left when players, names, seeds and checks are taken away."""

    def __init__(self, game: Duel, width: int) -> None:
        self.game = game

    def round(self, x: Tensor) -> Losses:
        game, G, D = self.game, self.game.generator, self.game.discriminator
        x_fake = game.G(torch.randn(len(x), game.z).to(x))
        loss_D = F.softplus(-game.D(x)).mean() + F.softplus(game.D(x_fake.detach())).mean()
        loss_D.backward(inputs=D.parameters)
        D.optimizer.step()
        D.optimizer.zero_grad()
        loss_G = F.softplus(-game.D(x_fake)).mean()
        loss_G.backward(inputs=G.parameters)
        G.optimizer.step()
        G.optimizer.zero_grad()
        return {"discriminator": loss_D.detach(), "generator": loss_G.detach()}
