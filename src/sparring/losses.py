r"""What the players of a game descend, as plain functions of logits.

A discriminator's answer here is a logit, never a probability: with D = sigmoid(a), -log D = softplus(-a) and -log(1 - D) =
softplus(a) are exact for every a, while a sigmoid followed by a log is -inf as soon as the sigmoid rounds to 0 or 1, which is
where a good discriminator lives.

An adversarial objective is a pair of losses. D *judges* and G *forges*:

    for x in data:
        yield {D: objective.judge(D(x), D(G(z).detach()))}
        yield {G: objective.forge(D(x), D(G(z)))}

References:
    Generative Adversarial Nets (Goodfellow et al., 2014)
    Least Squares Generative Adversarial Networks (Mao et al., 2017)
    Wasserstein GAN (Arjovsky et al., 2017); Improved Training of Wasserstein GANs (Gulrajani et al., 2017)
    Geometric GAN (Lim and Ye, 2017)
    Which Training Methods for GANs do actually Converge? (Mescheder et al., 2018)
    The GAN is dead; long live the GAN! A Modern Baseline GAN (Huang et al., 2024)
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sparring.errors import BadInput, unknown

Terms = dict[str, Tensor]
Points = Tensor | tuple[Tensor, ...]


class Objective(NamedTuple):
    """An adversarial objective: both functions take the logits of a real and a fake batch and return what is to be *descended*.

    judge(real, fake) -> named scalars, whose sum D descends; forge(real, fake) -> a scalar, which G descends. Only the
    relativistic `forge` looks at `real`; to all others any tensor will do.

    >>> real, fake = torch.tensor([2.0]), torch.tensor([-2.0])
    >>> {name: round(term.item(), 4) for name, term in OBJECTIVES["non-saturating"].judge(real, fake).items()}
    {'real': 0.1269, 'fake': 0.1269}
    >>> round(OBJECTIVES["non-saturating"].forge(real, fake).item(), 4)
    2.1269
    """

    judge: Callable[[Tensor, Tensor], Terms]
    forge: Callable[[Tensor, Tensor], Tensor]


def _judge_by_entropy(real: Tensor, fake: Tensor) -> Terms:
    return {"real": F.softplus(-real).mean(), "fake": F.softplus(fake).mean()}


def _judge_by_hinge(real: Tensor, fake: Tensor) -> Terms:
    return {"real": F.relu(1 - real).mean(), "fake": F.relu(1 + fake).mean()}


def _judge_by_squares(real: Tensor, fake: Tensor) -> Terms:
    return {"real": (real - 1).square().mean() / 2, "fake": fake.square().mean() / 2}


def _judge_by_mean(real: Tensor, fake: Tensor) -> Terms:
    return {"real": -real.mean(), "fake": fake.mean()}


def _pair(better: Tensor, worse: Tensor) -> Tensor:
    if better.shape != worse.shape:
        raise BadInput(
            f"The relativistic objective pairs each real with one fake, but the logits are {tuple(better.shape)} and "
            f"{tuple(worse.shape)}; give batches of equal size."
        )
    return F.softplus(worse - better).mean()


OBJECTIVES: dict[str, Objective] = {
    # log(1 - D): bounded below by how sure D is, hence no gradient where D is sure.
    "minimax": Objective(_judge_by_entropy, lambda real, fake: -F.softplus(fake).mean()),
    "non-saturating": Objective(_judge_by_entropy, lambda real, fake: F.softplus(-fake).mean()),
    "hinge": Objective(_judge_by_hinge, lambda real, fake: -fake.mean()),
    "least-squares": Objective(_judge_by_squares, lambda real, fake: (fake - 1).square().mean() / 2),
    "wasserstein": Objective(_judge_by_mean, lambda real, fake: -fake.mean()),
    "relativistic": Objective(lambda real, fake: {"pair": _pair(real, fake)}, lambda real, fake: _pair(fake, real)),
}


def objective(name: str) -> Objective:
    """The entry of `OBJECTIVES`, or `BadInput` with the nearest name."""
    if name not in OBJECTIVES:
        raise unknown("objective", name, OBJECTIVES)
    return OBJECTIVES[name]


def gradient_penalty(D: Callable[..., Tensor], x: Points, x_fake: Points, target: float = 1.0) -> Tensor:
    """E (|grad D(x^)| - target)^2 at random points x^ between real and fake, without its weight.

    Gulrajani et al. (2017), Algorithm 1, lines 4-7.
    x and x_fake: (n, ...), or tuples of such for a D of several arguments, which are then interpolated together; the norm is
    taken over everything but the batch. Bind what is not to be interpolated: `gradient_penalty(lambda x: D(x, y), x, x_fake)`.
    Computed in float32 (float64 stays) whatever autocast says, since a penalty squares a small difference. Raises `BadInput` on
    unequal shapes and on a D with batch norm.

    >>> D = lambda x: 3 * x.sum(1)  # |grad| = 3 sqrt(2)
    >>> round(gradient_penalty(D, torch.zeros(5, 2), torch.ones(5, 2)).item(), 4)  # (3 sqrt(2) - 1)^2
    10.5147
    """
    refuse_batch_norm(D, "The gradient penalty")
    real, fake = _exact(x), _exact(x_fake)
    if [a.shape for a in real] != [b.shape for b in fake]:
        raise BadInput(
            f"The gradient penalty goes from each real point to one fake, but they are {[tuple(a.shape) for a in real]} "
            f"and {[tuple(b.shape) for b in fake]}; give batches of equal shape."
        )
    # One alpha for each sample: one for the whole batch would look at D on a single cut between the two batches.
    alpha = torch.rand(len(real[0]), device=real[0].device, dtype=real[0].dtype)
    between = tuple(torch.lerp(a, b, alpha.to(a).reshape(-1, *[1] * (a.dim() - 1))) for a, b in zip(real, fake, strict=True))
    squares = _squared_gradient(D, between)
    # sqrt has no slope at 0; a critic that is flat there is to be left alone rather than sent to NaN.
    norm = torch.where(squares > 0, squares, 1).sqrt() * (squares > 0)
    return (norm - target).square().mean()


def r1(D: Callable[..., Tensor], x: Points) -> Tensor:
    """1/2 E |grad_x D(x)|^2 (Mescheder et al., 2018, eq. 9), without its weight gamma; on fakes the same is R2.

    x: (n, ...), or a tuple of such for a D of several arguments. Computed in float32 (float64 stays) whatever autocast says.
    Raises `BadInput` on a D with batch norm.

    >>> r1(lambda x: 3 * x.sum(1), torch.zeros(5, 2))
    tensor(9.)
    """
    refuse_batch_norm(D, "R1")
    return _squared_gradient(D, _exact(x)).mean() / 2


def _exact(x: Points) -> tuple[Tensor, ...]:
    points = x if isinstance(x, tuple) else (x,)
    return tuple((p if p.dtype == torch.float64 else p.float()).detach() for p in points)


def _squared_gradient(D: Callable[..., Tensor], points: tuple[Tensor, ...]) -> Tensor:
    """|grad D|^2 of each sample, (n,); its own graph is kept, for it is a term of a loss in D's parameters."""
    with torch.autocast(device_type=points[0].device.type, enabled=False), torch.enable_grad():
        points = tuple(p.requires_grad_() for p in points)
        gradients = torch.autograd.grad(D(*points).sum(), points, create_graph=True)
        return torch.stack([g.square().flatten(1).sum(1) for g in gradients]).sum(0)


def refuse_batch_norm(D: object, what: str) -> None:
    """Raises `BadInput` if D has a batch norm: `what` penalises D at each sample, and batch norm makes D a function of whole
    batches.

    Only a module can be looked into; any other callable passes.
    """
    if isinstance(D, nn.Module):
        for name, module in D.named_modules():
            if isinstance(module, _BatchNorm):
                raise BadInput(
                    f"{what} needs a discriminator that looks at each sample by itself, but '{name}' is a "
                    f"{type(module).__name__}; use layer, group or instance norm, or none."
                )


def kl_normal(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) || N(0, 1)), in nats: summed over the dimensions, averaged over the batch.

    mean, logvar: (n, d). Kingma and Welling (2014), appendix B.

    >>> kl_normal(torch.ones(4, 2), torch.zeros(4, 2))
    tensor(1.)
    """
    # expm1, because e^v - 1 - v of a small v is a difference of nearly equal numbers.
    return (mean.square() + torch.expm1(logvar) - logvar).flatten(1).sum(1).mean() / 2


def check_loss(loss: Callable[..., Tensor | Terms], shapes: Sequence[tuple[int, ...]], seed: int = 0) -> None:
    """Checks the gradient of a loss of your own against finite differences, in float64 at normal points; silent when they agree.

    loss: takes len(shapes) tensors of these shapes, returns a scalar or a dict of scalars. Raises `BadInput` when the value is no
    finite scalar, or when autograd and finite differences disagree.

    >>> def margin(real, fake):
    ...     return torch.relu(1 - (real - fake)).square().mean()
    >>> check_loss(margin, [(8, 1), (8, 1)])
    >>> check_loss(lambda real, fake: (real - fake.detach()).square().mean(), [(8, 1), (8, 1)])
    Traceback (most recent call last):
    sparring.errors.BadInput: The gradient of '<lambda>' is not that of its value (...
    """
    name = getattr(loss, "__name__", type(loss).__name__)
    generator = torch.Generator().manual_seed(seed)
    points = tuple(torch.randn(shape, dtype=torch.float64, generator=generator).requires_grad_() for shape in shapes)

    def value(*points: Tensor) -> Tensor:
        out = loss(*points)
        return sum(out.values(), torch.zeros((), dtype=torch.float64)) if isinstance(out, dict) else out

    at = value(*points)
    if not isinstance(at, Tensor) or at.numel() != 1 or not at.isfinite().all():
        raise BadInput(
            f"The loss '{name}' must be a finite scalar at normal random points, but is {at}; average it over the batch."
        )
    if not at.requires_grad:
        raise BadInput(
            f"The loss '{name}' has no gradient in its arguments; look for .detach(), .item() or torch.no_grad() in it."
        )
    try:
        torch.autograd.gradcheck(value, points)
    except RuntimeError as error:
        # The first line says which argument; matrices of numbers follow.
        reason = str(error).strip().splitlines()[0].rstrip(",.:")
        raise BadInput(
            f"The gradient of '{name}' is not that of its value ({reason}); look for .detach(), rounding, randomness or float32."
        ) from None
