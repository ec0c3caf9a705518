"""f-divergences: what a discriminator with the right last layer and the right loss can measure, and a generator can minimise.

D_f(p || q) = E_q f(p/q) for a convex f with f(1) = 0, and with the convex conjugate f*(t) = sup_u ut - f(u)

    D_f(p || q) = sup_V  E_p g_f(V(x)) - E_q f*(g_f(V(x))),

where g_f maps the free output of a network V into the domain of f*. The supremum stands where g_f(V) = f'(p/q), so `threshold` =
f'(1) is the value of g_f(V) at which a point is as likely real as generated.

The directory follows the paper, so three rows need a word: "js" is *twice* the Jensen-Shannon divergence (`js` below is it),
"pearson" is int (p - q)^2 / q, and "gan" has f(1) = -log 4, so it is "js" - log 4, the value of Goodfellow's game.

References:
    f-GAN: Training Generative Neural Samplers using Variational Divergence Minimization (Nowozin et al., 2016), tables 1, 2, 5, 6
    Estimating divergence functionals and the likelihood ratio by convex risk minimization (Nguyen et al., 2010)
"""

from sparring.divergences.measures import (
    divergence,
    divergence_by_quadrature,
    js,
    kl,
    reverse_kl,
    total_variation,
    variational_bound,
)
from sparring.divergences.table import DIVERGENCES, FAMILIES, Divergence, alpha, log_lambert_w, named, weighted_js

__all__ = [
    "DIVERGENCES",
    "FAMILIES",
    "Divergence",
    "alpha",
    "divergence",
    "divergence_by_quadrature",
    "js",
    "kl",
    "log_lambert_w",
    "named",
    "reverse_kl",
    "total_variation",
    "variational_bound",
    "weighted_js",
]
