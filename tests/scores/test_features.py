"""Scores of features: hand-made cases, reference implementations, and what bad input is told."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score, normalized_mutual_info_score
from sklearn.neighbors import KNeighborsClassifier

from sparring.errors import BadInput
from sparring.scores import calibration, clustering, disentanglement, probes, reconstruction


def blobs(n=300, d=5, gap=6.0, seed=0, classes=3):
    """Gaussian classes on the axes, `gap` apart."""
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=n)
    return rng.normal(size=(n, d)) + gap * np.eye(d)[y], y


# --- probes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("probe", [probes.knn, probes.linear, probes.mlp])
def test_probes_find_what_is_there_and_nothing_else(probe):
    x, y = blobs()
    score = probe(x[:200], y[:200], x[200:], y[200:])
    assert score.value >= 0.98
    assert score.interval[0] < score.value <= score.interval[1]
    assert score.passport["count"] == {"reference": 200, "sample": 100}
    assert probe(x[:200], y[:200], x[200:], y[200:]).value == score.value  # the same again
    shuffled = np.random.default_rng(1).permutation(y)
    assert probe(x[:200], shuffled[:200], x[200:], shuffled[200:]).value < 0.5


def test_knn_and_linear_agree_with_scikit_learn():
    x, y = blobs(gap=1.5)
    reference = KNeighborsClassifier(3).fit(x[:200], y[:200]).score(x[200:], y[200:])
    assert probes.knn(x[:200], y[:200], x[200:], y[200:], k=3).value == reference
    centre, scale = x[:200].mean(0), x[:200].std(0)
    reference = LogisticRegression(tol=1e-8).fit((x[:200] - centre) / scale, y[:200]).score((x[200:] - centre) / scale, y[200:])
    assert abs(probes.linear(x[:200], y[:200], x[200:], y[200:]).value - reference) <= 0.02


def test_only_nonlinear_probes_see_a_tangled_feature():
    x = np.random.default_rng(0).uniform(-1, 1, size=(1200, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    parts = x[:800], y[:800], x[800:], y[800:]
    assert probes.linear(*parts).value < 0.65 < 0.85 < min(probes.mlp(*parts).value, probes.knn(*parts).value)


def test_domain_probe_is_at_chance_for_one_domain_and_sure_for_two():
    rng = np.random.default_rng(0)
    same = probes.domain(rng.normal(size=(600, 4)), rng.normal(size=(400, 4)))
    assert same.interval[0] <= 0.5 <= same.interval[1]
    assert same.passport["count"] == {"reference": 400, "sample": 400}  # cut to the smaller side, halved
    assert probes.domain(rng.normal(size=(400, 4)), rng.normal(size=(400, 4)) * 3).value > 0.8


def test_probes_refuse_in_one_sentence():
    x, y = blobs(60)
    cases = {
        "NaN": lambda: probes.knn(np.where(np.eye(60, 5), np.nan, x), y, x, y),
        "one class": lambda: probes.linear(x, np.zeros(60), x, np.zeros(60)),
        "columns": lambda: probes.knn(x, y, x[:, :3], y),
        "one label each": lambda: probes.knn(x, y[:5], x, y),
        "at least 9": lambda: probes.knn(x[:8], y[:8], x, y, k=9),
        "no training row": lambda: probes.knn(x, np.where(y == 2, 0, y), x, y),
        "at least 40": lambda: probes.domain(x[:10], x),
        "drop unlabelled": lambda: probes.knn(x, np.where(y == 2, np.nan, y), x, y),
        "rows of numbers": lambda: probes.knn(np.array([["a"]] * 9), y[:9], x, y),
    }
    for words, call in cases.items():
        with pytest.raises(BadInput, match=words) as error:
            call()
        assert "\n" not in str(error.value)


# --- clusters ---------------------------------------------------------------------------------------------------------


def test_the_map_is_fitted_on_train_and_scored_on_test():
    train_labels = np.array([0, 0, 1, 1, 2, 2])
    train_clusters = np.array([5, 5, 7, 7, 9, 9])
    test_labels = np.array([0, 1, 2, 2])
    assert clustering.one_to_one(train_clusters, train_labels, [5, 7, 9, 9], test_labels).value == 1
    # The same test clusters renamed would match perfectly under a map fitted on test; fitted on train they match nothing.
    assert clustering.one_to_one(train_clusters, train_labels, [7, 9, 5, 5], test_labels).value == 0
    assert clustering.one_to_one(train_clusters, train_labels, [5, 7, 9, 11], test_labels).value == 0.75  # a cluster never seen


def test_majority_lets_clusters_share_a_label_and_one_to_one_does_not():
    labels = np.array([0, 0, 0, 0, 1, 1])
    clusters = np.array([0, 0, 1, 1, 2, 2])
    assert clustering.majority(clusters, labels, clusters, labels).value == 1
    assert clustering.one_to_one(clusters, labels, clusters, labels).value == pytest.approx(4 / 6)


def test_nmi_agrees_with_scikit_learn_and_ignores_names():
    rng = np.random.default_rng(0)
    a, b = rng.integers(4, size=500), rng.integers(3, size=500)
    b[:250] = a[:250] % 3
    score = clustering.nmi(a, b)
    assert score.value == pytest.approx(normalized_mutual_info_score(b, a), abs=1e-12)
    assert score.interval[0] < score.value < score.interval[1]
    assert clustering.nmi(np.array(list("dbca"))[a], b).value == pytest.approx(score.value)
    assert clustering.nmi(a, a).value == pytest.approx(1)


def test_kmeans_is_perfect_on_blobs():
    x, y = blobs(gap=12)
    scores = clustering.kmeans(x[:200], y[:200], x[200:], y[200:], clusters=3)
    assert [s.name for s in scores] == ["one-to-one-accuracy[k-means]", "majority-accuracy[k-means]", "nmi[k-means]"]
    assert [s.value for s in scores] == pytest.approx([1, 1, 1])


def test_clusters_refuse_in_one_sentence():
    with pytest.raises(BadInput, match="one class"):
        clustering.nmi([0, 1, 0], [1, 1, 1])
    with pytest.raises(BadInput, match="one each a row"):
        clustering.one_to_one([0, 1], [0, 1], [0, 1, 1], [0, 1])


# --- disentanglement --------------------------------------------------------------------------------------------------


def made_factors(n=3000, seed=0):
    """Three independent factors: 4 classes, 6 classes, continuous."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(4, size=n), rng.integers(6, size=n), rng.uniform(size=n)], axis=1).astype(float)


def all_scores(codes, factors):
    d, c, i = disentanglement.dci(codes, factors, trees=10)
    few = [disentanglement.mig(codes, factors), disentanglement.sap(codes, factors), disentanglement.factor_vae(codes, factors)]
    return {s.name: s.value for s in [d, c, i, *few]}


def test_perfect_codes_score_one():
    factors = made_factors()
    noise = np.random.default_rng(1).normal(size=(len(factors), 2))
    scores = all_scores(np.column_stack([factors[:, [2, 0, 1]] * [2, -1, 3], noise]), factors)
    assert scores["mig"] > 0.97  # less the plug-in bias of the unrelated codes
    assert min(scores[name] for name in ("dci-disentanglement", "dci-completeness", "dci-informativeness")) > 0.97
    assert scores["factor-vae"] == 1
    assert scores["sap"] == pytest.approx((3 / 4 + 5 / 6 + 1) / 3, abs=0.03)  # K classes leave 1/K to the second best code


def test_random_codes_score_nothing():
    factors = made_factors()
    scores = all_scores(np.random.default_rng(1).normal(size=(len(factors), 5)), factors)
    assert max(scores[name] for name in ("mig", "sap", "dci-disentanglement", "dci-completeness")) < 0.05
    assert scores["factor-vae"] < 0.5  # chance is 1/3
    assert scores["dci-informativeness"] < 0.25  # chance is (1/4 + 1/6 + 1/20) / 3 = .16


def test_each_factor_told_twice_is_disentangled_but_neither_complete_nor_gapped():
    factors = made_factors()
    scores = all_scores(np.column_stack([factors, factors + 1e-3 * np.random.default_rng(1).normal(size=factors.shape)]), factors)
    assert scores["mig"] < 0.05
    assert scores["sap"] < 0.05
    assert scores["dci-disentanglement"] > 0.95
    assert scores["factor-vae"] > 0.95


def test_rotated_codes_are_informative_and_tangled():
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(3000, 2))
    rotation = np.array([[1, 1], [-1, 1]]) / np.sqrt(2)  # by 45 degrees: either code knows half of either factor
    straight, rotated = all_scores(factors, factors), all_scores(factors @ rotation, factors)
    for name in ("mig", "sap", "dci-disentanglement", "dci-completeness"):
        assert rotated[name] < 0.1 < 0.8 < straight[name], name
    assert rotated["factor-vae"] < straight["factor-vae"]


def test_mig_agrees_with_mutual_information_of_scikit_learn():
    rng = np.random.default_rng(0)
    factors = rng.integers(5, size=(500, 2))
    codes = factors @ [[1, 0.3, 0], [0.2, 1, 0.1]] + rng.normal(size=(500, 3))
    cells = [np.digitize(c, np.histogram(c, 20)[1][1:-1]) for c in codes.T]
    gaps = []
    for f in factors.T:
        top = sorted(mutual_info_score(c, f) for c in cells)
        gaps.append((top[-1] - top[-2]) / mutual_info_score(f, f))
    assert disentanglement.mig(codes, factors).value == pytest.approx(np.mean(gaps), abs=1e-9)


def test_disentanglement_and_completeness_of_a_known_matrix():
    importance = np.array([[1.0, 1.0], [0.0, 2.0], [0.0, 0.0]])
    d, c = disentanglement.disentanglement_and_completeness(importance)
    assert d == pytest.approx(0.5 * 0 + 0.5 * 1)  # the first code is torn between both, the second is pure, the third unused
    third = np.log(3) / np.log(3) - 2 / 3 * np.log(2) / np.log(3)  # H(1/3, 2/3, 0) in base 3
    assert c == pytest.approx(1 / 4 * 1 + 3 / 4 * (1 - third))
    assert disentanglement.disentanglement_and_completeness(np.zeros((3, 2))) == (0, 0)


def test_disentanglement_refuses_in_one_sentence():
    factors = made_factors(200)
    cases = {
        "one code": lambda: disentanglement.mig(factors[:, :1], factors),
        "Factor 1 never changes": lambda: disentanglement.sap(factors, factors * [1, 0, 1]),
        "at least 2 factors": lambda: disentanglement.dci(factors, factors[:, :1]),
        "at least 100": lambda: disentanglement.factor_vae(factors[:50], factors[:50]),
        "one for each": lambda: disentanglement.mig(factors, factors[:150]),
        "constant": lambda: disentanglement.factor_vae(factors * 0, factors),
        "shared by 10 rows": lambda: disentanglement.factor_vae(factors, np.arange(200.0)[:, None], bins=300),
    }
    for words, call in cases.items():
        with pytest.raises(BadInput, match=words):
            call()


# --- calibration ------------------------------------------------------------------------------------------------------


def test_calibration_by_hand():
    p = np.array([[0.95, 0.05], [0.95, 0.05], [0.4, 0.6], [0.3, 0.7]])
    y = np.array([0, 1, 1, 0])
    # Bins of ten: two rows at .95 (one right), one at .6 (right), one at .7 (wrong).
    score = calibration.expected_calibration_error(p, y, bins=10)
    assert score.value == pytest.approx((2 * 0.45 + 0.4 + 0.7) / 4)
    assert [row["count"] for row in score.passport["details"]] == [1, 1, 2]
    assert calibration.brier(p, y).value == pytest.approx(np.mean([2 * 0.05**2, 2 * 0.95**2, 2 * 0.4**2, 2 * 0.7**2]))


def test_a_calibrated_classifier_has_little_error():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], size=20000)
    y = (p.cumsum(1) < rng.uniform(size=(20000, 1))).sum(1)
    assert calibration.expected_calibration_error(p, y).value < 0.015
    sure = np.eye(3)[p.argmax(1)]
    assert calibration.expected_calibration_error(sure, y).value == pytest.approx(1 - (p.argmax(1) == y).mean())


def test_calibration_refuses_logits_and_strange_labels():
    with pytest.raises(BadInput, match="softmax"):
        calibration.brier(np.ones((5, 3)), np.zeros(5, int))
    with pytest.raises(BadInput, match="from 0 to 2"):
        calibration.brier(np.full((5, 3), 1 / 3), np.full(5, 7))


# --- reconstruction ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).uniform(-1, 1, size=(64, 1, 16, 16))


def blur(x):
    return (x + np.roll(x, 1, -1) + np.roll(x, 1, -2) + np.roll(x, (1, 1), (-1, -2))) / 4


def test_error_and_signal_to_noise_in_closed_form(pictures):
    assert reconstruction.mse(pictures, pictures + 0.2).value == pytest.approx(0.04)
    assert reconstruction.psnr(pictures, pictures + 0.2).value == pytest.approx(10 * np.log10(4 / 0.04))
    assert reconstruction.psnr(pictures, pictures).value == pytest.approx(120)


def test_uint8_and_floats_are_one_picture(pictures):
    levels = np.round((pictures + 1) * 127.5).astype(np.uint8)
    assert reconstruction.mse(levels, levels / 127.5 - 1).value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("score", [reconstruction.sharpness, reconstruction.high_frequency])
def test_blur_loses_detail_and_scale_squares(score, pictures):
    assert score(pictures, pictures).value == pytest.approx(1)
    assert score(pictures, pictures[::-1]).value == pytest.approx(1)  # no pairing
    assert score(pictures, 0.5 * pictures + 0.1).value == pytest.approx(0.25)  # brightness is no detail
    blurred = score(pictures, blur(pictures))
    assert blurred.interval[0] < blurred.value < blurred.interval[1] < 0.3


def test_high_frequency_share_of_a_pure_wave():
    wave = np.cos(np.pi * np.arange(16) * 0.75)  # three quarters of Nyquist
    x = np.broadcast_to(wave, (2, 1, 16, 16))
    assert reconstruction.high_frequency(x, x * 2, above=0.7).value == pytest.approx(4)
    with pytest.raises(BadInput, match="no fine detail"):
        reconstruction.sharpness(np.zeros((2, 1, 8, 8)), np.zeros((2, 1, 8, 8)))


def test_cycle_ratio_runs_from_nothing_to_everything():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 20))
    assert reconstruction.cycle(x, x).value == 0
    blind = reconstruction.cycle(x, rng.normal(size=(500, 20)))
    assert blind.interval[0] < 1 < blind.interval[1]
    # Independent noise of the same size: |e| against |x' - x - e|, root 1 over root 3.
    assert reconstruction.cycle(x, x + rng.normal(size=x.shape)).value == pytest.approx(3**-0.5, abs=0.02)
    with pytest.raises(BadInput, match="differ"):
        reconstruction.cycle(np.ones((5, 2)), np.ones((5, 2)))


def test_reconstruction_refuses_other_shapes_and_nan(pictures):
    with pytest.raises(BadInput, match="belong to"):
        reconstruction.mse(pictures, pictures[:5])
    with pytest.raises(BadInput, match="NaN"):
        reconstruction.mse(pictures * np.nan, pictures)
    with pytest.raises(BadInput, match="images"):
        reconstruction.psnr(pictures[0, 0], pictures)
