"""Classifiers' feature networks and conditional networks have the sizes of their papers and take rows of any shape."""

import pytest
import torch

from sparring.networks import features_of
from sparring.networks.classifier import lenet_trunk, pooled_trunk
from sparring.networks.conditional import CONDITIONS, beside, conditional_generator

SHAPES = [(5,), (1, 4, 4), (1, 8, 8), (3, 9, 30), (3, 16, 12), (1, 28, 28), (3, 64, 48)]


def test_sizes_of_the_papers():
    lenet = lenet_trunk((3, 28, 28))
    assert [m.weight.shape for m in lenet if hasattr(m, "weight")] == [(32, 3, 5, 5), (48, 32, 5, 5)]
    assert features_of(lenet, (3, 28, 28)) == 768
    pooled = pooled_trunk((1, 28, 28))
    assert [m.out_channels for m in pooled if isinstance(m, torch.nn.Conv2d)] == [32, 64, 64, 128, 128]
    assert features_of(pooled, (1, 28, 28)) == 128


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rows_of_any_shape(shape):
    x = torch.randn(4, *shape)
    for network in (
        lenet_trunk(shape, 8),
        lenet_trunk(shape, 8, norm="batch", bottleneck=6),
        lenet_trunk(shape, 8, norm="layer", bottleneck=6),
        pooled_trunk(shape, 8),
    ):
        assert network(x).shape == (4, features_of(network, shape))
    y = torch.eye(4)
    assert conditional_generator(shape, 3, 4, 8)(torch.randn(4, 3), y).shape == x.shape
    for make in CONDITIONS.values():
        assert make(shape, 4, 8)(x, y).shape == (4,)


def test_a_bottleneck_cannot_make_its_features_large():
    trunk = lenet_trunk((1, 28, 28), 4, norm="batch", bottleneck=6)
    with torch.no_grad():
        for p in trunk.parameters():
            p.mul_(100)
    assert trunk(torch.randn(64, 1, 28, 28)).square().mean(0).max() <= 1.05


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_label_matters_and_noise_is_for_training_only(condition):
    torch.manual_seed(0)
    D = CONDITIONS[condition]((1, 8, 8), 3, 8, noise=0.5)
    x, y = torch.randn(3, 1, 8, 8), torch.eye(3)
    assert not torch.equal(D(x, y), D(x, y))
    D.eval()
    assert torch.equal(D(x, y), D(x, y))
    assert (D(x, y) != D(x, y.roll(1, 0))).all()


def test_labels_stand_beside_rows():
    x = beside(torch.zeros(2, 1, 2, 2), torch.tensor([[0.0, 1], [1, 0]]))
    assert x[:, 1:].amax((2, 3)).tolist() == [[0, 1], [1, 0]]
    assert x[:, 1:].amin((2, 3)).tolist() == [[0, 1], [1, 0]]
