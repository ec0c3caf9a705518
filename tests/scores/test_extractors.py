"""Extractors are fixed functions with a hash; they sign scores; none is called Inception but Inception."""

import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sparring.errors import BadInput
from sparring.scores.cnn import Classifier, train_classifier
from sparring.scores.extractors import Extractor, efficientnet_lite0, inception, random_network
from sparring.scores.frechet import frechet
from sparring.scores.kernel import kernel


def stripes(n=240, seed=0, shape=(1, 12, 12)):
    """Two classes of noisy uint8 pictures: stripes across, stripes down."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    wave = 100 * np.sign(np.sin(np.arange(12) * np.pi / 2 + 0.1))
    clean = np.where(y[:, None, None, None] == 0, wave[:, None], wave[None])
    return np.clip(127 + clean + rng.normal(scale=60, size=(n, *shape)), 0, 255).astype(np.uint8), y


@pytest.fixture(scope="module")
def judge():
    x, y = stripes()
    return train_classifier(x, np.array(["across", "down"])[y], steps=40, seed=3)


def test_random_network_is_the_same_for_everyone_and_differs_by_seed():
    state = torch.get_rng_state()
    x = stripes(5)[0]
    a, again, other = (random_network((1, 12, 12), seed) for seed in (0, 0, 1))
    assert torch.equal(state, torch.get_rng_state())
    assert np.array_equal(a(x), again(x))
    assert a.hash == again.hash != other.hash
    assert a(x).shape == (5, 256)
    assert a(x).dtype == np.float32


def test_images_of_either_kind_size_and_colour_are_taken():
    x = stripes(7)[0]
    extract = random_network((3, 12, 12))
    floats = x.astype(np.float32) / 127.5 - 1
    colour = np.repeat(x, 3, axis=1)
    frozen = x.copy()
    frozen.flags.writeable = False
    for same in (floats, torch.from_numpy(x), colour, torch.from_numpy(floats), frozen, x[::-1].copy()[::-1]):
        np.testing.assert_allclose(extract(same), extract(x), atol=1e-5)
    assert extract(np.zeros((2, 3, 50, 40), np.uint8)).shape == (2, 256)
    pieces = Extractor(extract.name, extract.network, extract.shape, batch=3)
    np.testing.assert_allclose(pieces(x), extract(x), atol=1e-5)


def test_extractors_refuse_in_one_sentence():
    extract = random_network((3, 12, 12))
    for words, images in {
        "images": np.zeros((3, 12)),
        "have 4: convert": np.zeros((2, 4, 12, 12)),
        "reach 255": np.full((2, 3, 12, 12), 255.0),
        "NaN": np.full((2, 3, 12, 12), np.nan),
    }.items():
        with pytest.raises(BadInput, match=words):
            extract(images)


def test_random_features_order_damage():
    x = stripes(1200)[0]
    extract = random_network((1, 12, 12))
    real = extract(x[:600])
    noise = np.random.default_rng(0).normal(size=(600, *x.shape[1:]))
    damage = [frechet(real, extract(np.clip(x[600:] + s * noise, 0, 255).astype(np.uint8))).value for s in (0, 30, 120)]
    assert damage[0] < damage[1] < damage[2]


def test_an_extractor_signs_the_score():
    extract = random_network((1, 12, 12))
    rows = np.random.default_rng(0).normal(size=(50, 3))
    score = extract.sign(kernel(rows, rows[::-1]), split={"reference": "test"})
    assert score.name == "kernel[random-conv-0]"
    assert score.passport["extractor"] == "random-conv-0"
    assert score.passport["extractor_hash"] == extract.hash
    assert score.passport["resizer"] == "bilinear, antialiased, to 12 x 12"
    assert score.passport["count"] == {"reference": 50, "sample": 50}
    assert score.passport["split"] == {"reference": "test"}


def test_classifier_learns_says_how_well_and_is_deterministic(judge):
    x, y = stripes(400, seed=1)
    assert judge.accuracy >= 0.95
    assert (judge.predict(x) == np.array(["across", "down"])[y]).mean() >= 0.95
    np.testing.assert_allclose(judge.probabilities(x).sum(axis=1), 1, atol=1e-5)
    assert judge(x).shape == (400, 128)
    state = torch.get_rng_state()
    x, y = stripes()
    again = train_classifier(x, np.array(["across", "down"])[y], steps=40, seed=3)
    assert torch.equal(state, torch.get_rng_state())
    assert again.hash == judge.hash
    assert train_classifier(x, y, steps=2).hash != judge.hash


def test_classifier_is_measured_on_rows_it_never_saw():
    x, y = stripes()
    wrong = 1 - y[:50]
    held_out = train_classifier(x[50:], y[50:], held_out=(x[:50], wrong), steps=40)
    assert held_out.accuracy <= 0.05  # labels turned round: only truly held-out rows can give this
    shuffled = np.random.default_rng(0).permutation(y)
    assert 0.2 <= train_classifier(x, shuffled, steps=100).accuracy <= 0.8


def test_classifier_comes_back_from_its_file(judge, tmp_path):
    judge.save(tmp_path / "judge.safetensors")
    back = Classifier.load(tmp_path / "judge.safetensors")
    x = stripes(20, seed=2)[0]
    assert (back.hash, back.classes, back.accuracy, back.shape) == (judge.hash, judge.classes, judge.accuracy, judge.shape)
    np.testing.assert_allclose(back.probabilities(x), judge.probabilities(x), atol=1e-6)
    score = back.sign(kernel(back(x), back(x)))
    assert score.name == "kernel[own-classifier]"
    assert score.passport["extractor_accuracy"] == judge.accuracy


def test_files_that_are_no_classifier_are_refused(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    (tmp_path / "text.safetensors").write_text("hello")
    for path in ("none.safetensors", "other.safetensors", "text.safetensors"):
        with pytest.raises(BadInput, match="does not hold a classifier"):
            Classifier.load(tmp_path / path)


def test_large_and_oblong_pictures_are_resized_to_the_side():
    x = np.random.default_rng(0).integers(256, size=(40, 3, 64, 96)).astype(np.uint8)
    large = train_classifier(x, np.arange(40) % 2, steps=1)
    assert large.shape == (3, 32, 48)
    assert large(x[:2]).shape == (2, 128)


def test_training_refuses_in_one_sentence():
    x, y = stripes(40)
    for words, images, labels in [
        ("one class", x, y * 0),
        ("at least 20", x[:5], y[:5]),
        ("NaN", np.full((40, 1, 8, 8), np.nan), y),
        ("one label each", x, y[:3]),
    ]:
        with pytest.raises(BadInput, match=words):
            train_classifier(images, labels)


def test_efficientnet_is_there_or_says_how_to_get_it():
    try:
        extract = efficientnet_lite0(size=64)
    except BadInput as error:
        assert "pip install 'sparring[judges]'" in str(error)  # noqa: PT017
        return
    features = extract(np.stack([np.zeros((1, 32, 32), np.uint8), np.full((1, 32, 32), 255, np.uint8)]))
    assert features.shape == (2, 1280)
    assert np.abs(features[0] - features[1]).max() > 0.1
    assert extract.sign(kernel(*np.random.default_rng(0).normal(size=(2, 20, 3)))).name == "kernel[efficientnet-lite0-64]"


def test_efficientnet_refuses_sizes_its_padding_is_wrong_at():
    with pytest.raises(BadInput, match="multiples of 32"):
        efficientnet_lite0(size=100)


class Trap:
    """What a malicious pickle would run."""

    def __reduce__(self):
        return (print, ("executed",))


def test_inception_alone_is_called_fid(tmp_path, capsys):
    from sparring.scores.inception import Inception

    network = Inception().eval()
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    extract = inception(tmp_path / "weights.pth")
    x = np.random.default_rng(0).integers(256, size=(2, 3, 32, 32)).astype(np.uint8)
    features = extract(x)
    assert features.shape == (2, 2048)
    rows = np.random.default_rng(0).normal(size=(50, 3))
    assert extract.sign(frechet(rows, rows)).name == "fid"
    assert extract.sign(kernel(rows, rows)).name == "kid"

    other = {key: value for key, value in network.state_dict().items() if not key.startswith("fc.")}
    torch.save({**other, "fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}, tmp_path / "imagenet.pth")
    (tmp_path / "trap.pth").write_bytes(pickle.dumps(Trap()))
    for path, words in [("none.pth", "no Inception weights"), ("imagenet.pth", "does not hold"), ("trap.pth", "does not hold")]:
        with pytest.raises(BadInput, match=words):
            inception(tmp_path / path)
    assert "executed" not in capsys.readouterr().out
