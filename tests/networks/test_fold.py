"""Folding changes how much is computed, never what."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from sparring.networks import conv_generator, conv_trunk, lean_mlp, mlp
from sparring.networks.classifier import lenet_trunk, pooled_trunk
from sparring.networks.fold import Norm, fold
from sparring.networks.layers import DownConv2d, UpConv2d

NETWORKS = {
    "mlp": ((6,), lambda: mlp(6, [8, 8], 3, norm=True)),
    "mlp without gains": ((6,), lambda: lean_mlp(6, [8, 8], 3)),
    "conv trunk": ((3, 16, 12), lambda: conv_trunk((3, 16, 12), 4, "batch")),
    "conv generator": ((5,), lambda: conv_generator((1, 10, 14), 5, 4, "batch", hidden=7)),
    "pooled trunk": ((1, 28, 28), lambda: pooled_trunk((1, 28, 28), 4)),
    "lenet trunk": ((3, 28, 28), lambda: lenet_trunk((3, 28, 28), 4, "batch", bottleneck=5)),
    "folded up and down": (
        (2, 4, 4),
        lambda: nn.Sequential(UpConv2d(2, 3), nn.BatchNorm2d(3), DownConv2d(3, 2), nn.BatchNorm2d(2)),
    ),
    "groups": ((4, 6, 6), lambda: nn.Sequential(nn.Conv2d(4, 6, 3, groups=2), nn.BatchNorm2d(6))),
}


def lived(network):
    """Statistics, gains and biases as training leaves them: none of them 0 or 1."""
    torch.manual_seed(0)
    for norm in network.double().modules():
        if isinstance(norm, Norm):
            for tensor in (norm.running_mean, norm.running_var, *norm.parameters()):
                tensor.data.uniform_(0.5, 2)
    return network.eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_folded_network_gives_the_same_values_to_twelve_digits_and_has_no_norm_left(name):
    shape, make = NETWORKS[name]
    network, x = lived(make()), torch.randn(7, *shape, dtype=torch.float64)
    before = network(x)
    assert any(isinstance(m, Norm) for m in network.modules())
    fold(network)
    assert not any(isinstance(m, Norm) for m in network.modules())
    assert (network(x) - before).abs().max() <= 1e-12 * before.abs().max()


def unchanged(network, shape):
    network, x = lived(network), torch.randn(7, *shape, dtype=torch.float64)
    before = network(x)
    assert any(isinstance(m, Norm) for m in fold(network).modules())
    assert torch.equal(network(x), before)


def test_what_cannot_be_folded_stays_as_it_is():
    unchanged(nn.Sequential(spectral_norm(nn.Linear(4, 3)), nn.BatchNorm1d(3)), (4,))
    unchanged(nn.Sequential(nn.ReLU(), nn.BatchNorm1d(4)), (4,))
    unchanged(nn.Sequential(nn.ConvTranspose2d(4, 4, 2, groups=2), nn.BatchNorm2d(4)), (4, 3, 3))
    with torch.no_grad():
        batchwise = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3, track_running_stats=False)).eval()
        x = torch.randn(7, 4)
        before = batchwise(x)
        assert torch.equal(fold(batchwise)(x), before)
