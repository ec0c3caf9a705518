"""Networks: exact identities in float64, every size, sound scales; augmentation that lets gradients through."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sparring.networks import Discriminator, DownConv2d, UpConv2d, describe, features_of, generator, is_convolutional, trunk
from sparring.networks.augment import AUGMENTATIONS, DiffAugment
from sparring.networks.layers import Crop, FromMap, ToMap
from sparring.networks.resnet import Residual, resnet_generator, resnet_trunk

SHAPES = [(1, 8, 8), (3, 32, 32), (1, 28, 28), (3, 17, 9), (2, 40, 24), (3, 15, 33), (1, 4, 4), (3, 5, 9), (7,), (1,)]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("h", "w"), [(4, 4), (1, 1), (5, 3), (2, 7)])
def test_folded_layers_are_exact(h, w, bias):
    torch.manual_seed(0)
    up, down = UpConv2d(2, 3, bias).double(), DownConv2d(2, 3, bias).double()
    x = torch.randn(2, 2, h, w, dtype=torch.float64, requires_grad=True)
    slow = F.conv2d(F.interpolate(x, scale_factor=2), up.weight, up.bias, padding=1)
    assert torch.allclose(up(x), slow, atol=1e-12)
    y = torch.randn(2, 2, 2 * h, 2 * w, dtype=torch.float64, requires_grad=True)
    slow_down = F.avg_pool2d(F.conv2d(y, down.weight, down.bias, padding=1), 2)
    assert torch.allclose(down(y), slow_down, atol=1e-12)
    for fast, ref, layer, at in ((up(x), slow, up, x), (down(y), slow_down, down, y)):
        g = torch.randn_like(ref)
        ours, theirs = (torch.autograd.grad((out * g).sum(), [at, layer.weight]) for out in (fast, ref))
        assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(ours, theirs, strict=True))


def test_folded_layers_keep_nothing_but_their_weights():
    assert set(UpConv2d(2, 3).state_dict()) == {"weight", "bias"}
    a, b = UpConv2d(1, 1), UpConv2d(1, 1)
    assert a.fold is not b.fold


def test_maps_are_moved_and_cropped_exactly():
    layer, x = ToMap(3, 2, 4, 5).double(), torch.randn(6, 3, dtype=torch.float64)
    assert layer(x).shape == (6, 2, 4, 5)
    assert torch.equal(FromMap()(layer(x)), F.linear(x, layer.weight, layer.bias))
    square = torch.arange(36.0).reshape(1, 1, 6, 6)
    assert torch.equal(Crop(4, 2)(square), square[..., 1:5, 2:4])


@pytest.mark.parametrize("kind", ["conv", "resnet"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_size(shape, kind):
    torch.manual_seed(0)
    G, D = generator(shape, 5, 4, kind=kind), trunk(shape, 4, kind=kind)
    x = G(torch.randn(3, 5))
    assert x.shape == (3, *shape)
    assert len(shape) == 1 or x.abs().max() <= 1
    h = D(x)
    assert h.shape == (3, features_of(D, shape))
    assert Discriminator(D, h.shape[1])(x).shape == (3,)
    assert x.std() > 0
    assert h.std() > 0


def test_pictures_get_convolutions_and_vectors_do_not():
    assert is_convolutional((3, 8, 9))
    assert "convolutional" in describe(trunk((3, 16, 16), 4))
    assert "convolutional" not in describe(trunk((3, 4, 16), 4))
    assert "convolutional" not in describe(generator((9,), 2, 4))


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_norms_stand_where_they_belong(norm):
    """Never on the generator's last layer, never on the discriminator's first."""
    kinds = {"batch": nn.BatchNorm2d, "layer": nn.GroupNorm, "none": ()}[norm]
    G, D = generator((3, 32, 32), 5, 4, norm), trunk((3, 32, 32), 4, norm)
    assert any(isinstance(m, kinds) for m in G) == (norm != "none")
    assert any(isinstance(m, kinds) for m in D) == (norm != "none")
    assert not isinstance(G[-2], nn.BatchNorm2d | nn.GroupNorm)
    assert not isinstance(D[1], nn.BatchNorm2d | nn.GroupNorm)


@pytest.mark.parametrize("depth", [1, 4])
def test_residual_networks_begin_at_a_sound_scale_however_deep(depth):
    """Without normalisation only the initialisation keeps the signal: neither lost nor blown up, forwards and backwards."""
    torch.manual_seed(0)
    G, D = resnet_generator((3, 32, 32), 64, 16, depth), resnet_trunk((3, 32, 32), 16, depth)
    before_tanh = G[:-1](torch.randn(64, 64))
    assert 0.2 < before_tanh.std() < 5
    x = torch.randn(16, 3, 32, 32, requires_grad=True)
    h = D(x)
    assert 0.05 < h.std() < 5
    (slope,) = torch.autograd.grad(h.sum() / math.sqrt(h.shape[1]), x)
    assert 1e-3 < slope.flatten(1).norm(dim=1).mean() < 10


def test_a_residual_block_begins_as_almost_nothing_and_may_be_grouped():
    torch.manual_seed(0)
    for groups in (1, 4):
        block, x = Residual(8, groups), torch.randn(2, 8, 6, 6)
        assert (block(x) - x).std() < 0.1
        assert block.f[2].weight.shape == (8, 8 // groups, 3, 3)


def test_a_spectral_resnet_begins_finite():
    """Spectral normalisation divides by what is almost zero at the start of every block."""
    shape = (3, 16, 16)
    body = resnet_trunk(shape, 4)
    assert Discriminator(body, features_of(body, shape), spectral=True)(torch.randn(2, *shape)).isfinite().all()


# ── augmentation ─────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentation_keeps_shape_and_type_and_obeys_the_seed(name, dtype):
    x = torch.randn(5, 3, 12, 17, dtype=dtype)

    def seen(seed):
        torch.manual_seed(seed)
        return DiffAugment([name])(x)

    a, b, c = seen(1), seen(1), seen(2)
    assert a.shape == x.shape
    assert a.dtype == dtype
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_gradients_pass_through_augmentation(name):
    x = torch.randn(3, 2, 6, 8, dtype=torch.float64, requires_grad=True)

    def same(x):
        torch.manual_seed(3)
        return DiffAugment([name])(x)

    assert torch.autograd.gradcheck(same, (x,))


def test_translation_moves_each_picture_by_whole_pixels():
    torch.manual_seed(0)
    x = torch.zeros(200, 1, 16, 16)
    x[:, :, 8, 8] = 1
    at = DiffAugment(["translation"])(x)[:, 0].flatten(1).argmax(1)
    rows, columns = at // 16 - 8, at % 16 - 8
    assert set(rows.tolist()) == set(columns.tolist()) == {-2, -1, 0, 1, 2}  # an eighth of 16
    assert DiffAugment(["translation"])(x).sum() == 200


def test_cutout_removes_a_quarter_at_most():
    torch.manual_seed(0)
    kept = DiffAugment(["cutout"])(torch.ones(200, 2, 16, 16))
    removed = 1 - kept.mean((1, 2, 3))
    assert removed.max() == pytest.approx(0.25)
    assert removed.min() > 0
    assert torch.equal(kept[:, 0], kept[:, 1]), "all channels alike"


def test_color_changes_each_picture_as_a_whole():
    torch.manual_seed(0)
    grey = torch.full((500, 3, 4, 4), 0.25, dtype=torch.float64)
    seen = DiffAugment(["color"])(grey)
    assert torch.allclose(seen, seen.mean((1, 2, 3), keepdim=True).expand_as(seen)), "grey has no saturation, flat no contrast"
    shift = seen.mean((1, 2, 3)) - 0.25
    assert shift.abs().max() <= 0.5
    assert shift.max() > 0.45
    assert shift.min() < -0.45
