"""Scores of images: closed forms, the textbook formulas written out, and what bad input is told."""

import numpy as np
import pytest
import torch
from scipy import linalg
from sklearn.metrics import pairwise_distances

from sparring.errors import BadInput
from sparring.scores import classifier
from sparring.scores.copies import copies
from sparring.scores.frechet import expected_bias, frechet, frechet_of_gaussians
from sparring.scores.kernel import kernel
from sparring.scores.manifold import manifold
from sparring.scores.path_length import path_length


def normal(n, d=6, seed=0, scale=1.0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) * scale + shift


def correlated(n, d=6, seed=0):
    mix = np.random.default_rng(100 + seed).normal(size=(d, d))
    return normal(n, d, seed) @ mix


# --- Frechet distance -------------------------------------------------------------------------------------------------


def test_frechet_between_known_gaussians():
    d = np.array([1.0, 2.0, 3.0])
    # Commuting covariances: |m1 - m2|^2 + sum (s1 - s2)^2.
    assert frechet_of_gaussians(np.zeros(3), np.diag(d**2), np.ones(3), np.eye(3)) == pytest.approx(3 + 0 + 1 + 4)
    turn, _ = np.linalg.qr(normal(3, 3))
    s1, s2 = turn @ np.diag(d) @ turn.T, np.diag([2.0, 1.0, 5.0])
    textbook = np.trace(s1) + np.trace(s2) - 2 * np.trace(linalg.sqrtm(s1 @ s2)).real
    assert frechet_of_gaussians(d, s1, d, s2) == pytest.approx(textbook, rel=1e-10)


def test_frechet_agrees_with_the_textbook_formula():
    real, fake = correlated(400), correlated(300, seed=1) + 0.5
    s1, s2 = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = linalg.sqrtm(s1 @ s2).real
    textbook = ((real.mean(0) - fake.mean(0)) ** 2).sum() + np.trace(s1 + s2 - 2 * root)
    assert frechet(real, fake).value == pytest.approx(textbook, rel=1e-8)


def test_frechet_is_invariant_and_a_distance():
    real, fake = correlated(300), correlated(300, seed=1)
    value = frechet(real, fake).value
    turn, _ = np.linalg.qr(normal(6))
    assert frechet(fake, real).value == pytest.approx(value)
    assert frechet(real @ turn + 3, fake @ turn + 3).value == pytest.approx(value)
    assert frechet(2 * real, 2 * fake).value == pytest.approx(4 * value)
    assert frechet(real, real).value == pytest.approx(0, abs=1e-8)
    assert frechet(real, real + 1).value == pytest.approx(6)


def test_frechet_stands_singular_covariances():
    real, fake = correlated(200), correlated(200, seed=1)
    flat = np.zeros((200, 2))  # two dead features change nothing
    assert frechet(np.c_[real, flat], np.c_[fake, flat]).value == pytest.approx(frechet(real, fake).value)


def test_frechet_interval_covers_the_truth():
    """The truth lies in 95 % of the intervals of 200 pairs of samples."""
    n, m, truth = 300, 200, frechet_of_gaussians(np.zeros(3), np.eye(3), [1, 0, 0], 2.25 * np.eye(3))
    apart = [frechet(normal(n, 3, i), normal(m, 3, 1000 + i, 1.5) + np.array([1, 0, 0])) for i in range(200)]
    covered = np.mean([s.interval[0] <= truth <= s.interval[1] for s in apart])
    assert 0.9 <= covered <= 0.99


@pytest.mark.parametrize("draw", ["normal", "laplace", "uniform"])
def test_frechet_of_one_distribution_is_the_stated_bias(draw):
    n, m, scale = 300, 200, [1, 2, 0.5]
    sample = lambda rows, seed: getattr(np.random.default_rng(seed), draw)(size=(rows, 3)) * scale  # noqa: E731
    same = np.mean([frechet(sample(n, i), sample(m, 1000 + i)).value for i in range(400)])
    assert expected_bias(sample(20000, 5000), n, m) == pytest.approx(same, rel=0.1)
    stated = [frechet(sample(n, i), sample(m, 1000 + i)).passport["details"]["bias"] for i in range(20)]
    assert np.mean(stated) == pytest.approx(same, rel=0.1)


def test_frechet_with_too_few_samples_states_the_bias():
    with pytest.raises(BadInput, match=r"20 real and 30 generated rows are too few .* about \d"):
        frechet(normal(20, 25), normal(30, 25))


# --- kernel distance --------------------------------------------------------------------------------------------------


def test_kernel_agrees_with_the_sums_written_out():
    x, y = normal(40, 3), normal(30, 3, 1, 1.2, 0.3)
    k = lambda a, b: (a @ b.T / 3 + 1) ** 3  # noqa: E731
    kxx, kyy, kxy = k(x, x), k(y, y), k(x, y)
    off = (kxx.sum() - np.trace(kxx)) / (40 * 39) + (kyy.sum() - np.trace(kyy)) / (30 * 29)
    score = kernel(x, y, chunk=7)
    assert score.value == pytest.approx(off - 2 * kxy.mean(), rel=1e-12)
    assert score.value == pytest.approx(kernel(y, x).value)


def test_kernel_is_unbiased_and_its_interval_covers():
    same = [kernel(normal(100, 3, i), normal(80, 3, 1000 + i)) for i in range(200)]
    values = np.array([s.value for s in same])
    assert abs(values.mean()) < 3 * values.std() / 200**0.5
    assert np.mean([s.interval[0] <= 0 <= s.interval[1] for s in same]) >= 0.93
    # Far apart: the truth of k = (x . y / d + 1) at degree 1 is |m1 - m2|^2 / d.
    apart = [kernel(normal(100, 3, i), normal(80, 3, 1000 + i, shift=1), degree=1) for i in range(200)]
    assert np.mean([s.value for s in apart]) == pytest.approx(1, rel=0.03)
    assert 0.9 <= np.mean([s.interval[0] <= 1 <= s.interval[1] for s in apart]) <= 0.99


# --- precision, recall, density, coverage -----------------------------------------------------------------------------


def test_manifold_agrees_with_the_definitions_written_out():
    real, fake, k = normal(120, 4), normal(90, 4, 1, 0.7, 0.4), 3
    cross = pairwise_distances(real, fake)
    r = np.sort(pairwise_distances(real), axis=1)[:, k][:, None]
    f = np.sort(pairwise_distances(fake), axis=1)[:, k]
    expected = [
        (cross < r).any(0).mean(),
        (cross < f).any(1).mean(),
        (cross < r).sum(0).mean() / k,
        (cross.min(1) < r[:, 0]).mean(),
    ]
    scores = manifold(real, fake, k=k)
    assert [s.name for s in scores] == ["precision", "recall", "density", "coverage"]
    np.testing.assert_allclose([s.value for s in scores], expected, rtol=1e-12)


def test_manifold_tells_collapse_from_noise():
    real = normal(500, 3)
    values = lambda fake: {s.name: s.value for s in manifold(real, fake)}  # noqa: E731
    alike, collapsed, noise = values(normal(500, 3, 1)), values(normal(500, 3, 1, 0.05)), values(normal(500, 3, 1, 30))
    assert min(alike.values()) > 0.9
    assert collapsed["precision"] == 1
    assert max(collapsed["recall"], collapsed["coverage"]) < 0.1
    assert max(noise["precision"], noise["density"], noise["coverage"]) < 0.1
    assert list(values(normal(500, 3, 9, shift=100)).values()) == [0, 0, 0, 0]


def test_manifold_by_hand():
    real = np.array([[0.0], [1.0], [10.0], [11.0]])
    fake = np.array([[0.5], [5.0], [5.5]])
    p, r, d, c = (s.value for s in manifold(real, fake, k=1))
    assert p == pytest.approx(1 / 3)  # .5 lies in the balls of 0 and 1, of radius 1
    assert d == pytest.approx(2 / 3)
    assert c == pytest.approx(2 / 4)
    assert r == pytest.approx(2 / 4)  # the ball of .5 has radius 4.5, those of 5 and 5.5 have .5


# --- copies -----------------------------------------------------------------------------------------------------------


def test_copies_are_found_and_new_data_are_not():
    train, held_out, new = normal(1000, 5), normal(500, 5, 1), normal(500, 5, 2)
    honest = copies(train, held_out, new, quantile=0.05)
    assert honest.interval[0] <= 0.05 <= honest.interval[1]
    new[:100] = train[:100] + 1e-3
    score = copies(train, held_out, new, quantile=0.05)
    assert score.value == pytest.approx(0.2 + 0.8 * honest.value, abs=0.03)
    generated, trained = score.passport["details"]["nearest"]
    assert generated == trained
    assert copies(train, held_out, normal(500, 5, 3, 50), quantile=0.05).value < 0.01
    with pytest.raises(BadInput, match="at least 100"):
        copies(train, held_out[:50], new)


# --- path length ------------------------------------------------------------------------------------------------------


def ends(n=400, d=8, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, n, d, generator=generator, dtype=dtype)


def test_path_length_of_a_linear_decoder_is_the_squared_speed():
    a, b = ends()
    decode = lambda z: (3 * z).reshape(len(z), 2, 2, 2)  # noqa: E731
    score = path_length(decode, lambda x: x.flatten(1), a, b, spherical=False, trim=0)
    assert score.value == pytest.approx(9 * ((b - a) ** 2).sum(1).mean().item(), rel=1e-6)


def test_path_length_on_the_sphere_is_the_squared_angle():
    a, b = (x / x.norm(dim=1, keepdim=True) for x in ends())
    score = path_length(lambda z: z, lambda x: x, a, b, trim=0)
    assert score.value == pytest.approx((torch.acos((a * b).sum(1)) ** 2).mean().item(), rel=1e-4)


def test_path_length_rises_with_a_jump_and_leaves_the_global_seed_alone():
    a, b = ends(dtype=torch.float32)
    state = torch.get_rng_state()
    smooth = path_length(torch.tanh, lambda x: x, a, b)
    rough = path_length(lambda z: torch.tanh(20 * z), lambda x: x, a, b)
    assert torch.equal(state, torch.get_rng_state())
    assert rough.value > 3 * smooth.value
    assert path_length(torch.tanh, lambda x: x, a, b, batch=37).value == pytest.approx(smooth.value, rel=1e-4)


def test_path_length_refuses_in_one_sentence():
    a, b = ends()
    with pytest.raises(BadInput, match="n >= 100"):
        path_length(lambda z: z, lambda x: x, a[:10], b[:10])
    with pytest.raises(BadInput, match="NaN"):
        path_length(lambda z: z * torch.nan, lambda x: x, a, b)


# --- an independent classifier ----------------------------------------------------------------------------------------


def test_class_agreement_by_hand():
    score = classifier.class_agreement(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    assert score.value == 0.75
    assert score.passport["details"]["classes"] == {"0": 0.5, "1": 1.0}
    with pytest.raises(BadInput, match="one class"):
        classifier.class_agreement(np.zeros(5), np.zeros(5))


def test_within_class_diversity_is_the_ratio_of_variances():
    x, y = normal(900, 4), np.arange(900) % 3
    fake = normal(600, 4, 1, scale=0.5) + 7 * (np.arange(600) % 3)[:, None]
    score = classifier.within_class_diversity(x, y, fake, np.arange(600) % 3)
    expected = [np.trace(np.cov(fake[c::3], rowvar=False)) / np.trace(np.cov(x[c::3], rowvar=False)) for c in range(3)]
    assert score.value == pytest.approx(np.mean(expected))
    assert score.interval[0] < 0.25 < score.interval[1]
    means = np.stack([x[y == c].mean(0) for c in range(3)])
    assert classifier.within_class_diversity(x, y, means[y], y).value == pytest.approx(0, abs=1e-20)  # the class-mean stub
    with pytest.raises(BadInput, match="Class 2 has 300 real and 0 generated"):
        classifier.within_class_diversity(x, y, x[y < 2], y[y < 2])


def test_classifier_score_runs_from_one_to_the_number_of_classes():
    assert classifier.classifier_score(np.eye(4)[np.arange(100) % 4]).value == pytest.approx(4)
    assert classifier.classifier_score(np.eye(4)[np.zeros(100, int)]).value == pytest.approx(1)
    p = np.random.default_rng(0).dirichlet([0.3] * 5, size=300)
    textbook = np.exp((p * np.log(p / p.mean(0))).sum(1).mean())
    score = classifier.classifier_score(p)
    assert score.value == pytest.approx(textbook)
    assert score.interval[0] < textbook < score.interval[1]
    with pytest.raises(BadInput, match="softmax"):
        classifier.classifier_score(np.ones((20, 3)))


@pytest.mark.parametrize("score", [frechet, kernel, manifold])
def test_two_sided_scores_refuse_what_cannot_be_measured(score):
    x = normal(50)
    for words, real, fake in [("NaN", x * np.nan, x), ("columns", x, x[:, :3]), ("too few|at least", x, x[:2])]:
        with pytest.raises(BadInput, match=words):
            score(real, fake)
