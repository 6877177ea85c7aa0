"""The losses through VGG, LPIPS and ArcFace, against the networks of their makers."""

import warnings

import numpy as np
import pytest
import torch
from losses_harness.pictures import float64, loss_of, normalized, pictures, saved

from gpen_core.lab.training.losses import identity, perceptual
from gpen_core.lab.training.losses.features import ImageNetInput


def test_the_input_of_imagenet_networks_is_normalized_as_torchvision_does():
    x, _ = pictures(size=16)
    torch.testing.assert_close(ImageNetInput()(x), normalized(x).float(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bare", [False, True])
def test_vgg_loss_equals_torchvisions_network_in_float64(tmp_path, files, bare):
    from torchvision.models import vgg19

    state = {k.removeprefix("features."): v for k, v in torch.load(files["vgg19"]).items() if k.startswith("features")}
    with torch.device("meta"):
        network = vgg19().features
    network.load_state_dict(float64(state), assign=True)
    restored, target = pictures(1, 32)
    expected, (x, y) = 0.0, (normalized(restored), normalized(target))
    for index, layer in enumerate(network):
        x, y = (layer(z.clone()) for z in (x, y))  # clone: its rectifiers work in place
        factor = {2: 0.1, 7: 0.1, 16: 1, 25: 1, 34: 1}.get(index, 0)
        expected += factor * (x - y).abs().mean().item()
    path = saved(tmp_path / "bare.pth", state) if bare else files["vgg19"]
    assert loss_of("vgg19", path)(restored, target).item() == pytest.approx(expected, rel=1e-4)


def test_directions_of_silent_features_have_finite_gradients():
    """Where no feature fires, the package's own square root of their squares has the gradient NaN."""
    features = torch.zeros(1, 4, 2, 2)
    features[0, 1, 0, 0] = 3.0
    features.requires_grad_(True)
    (perceptual._directions(features) - 0.5).square().sum().backward()
    assert features.grad.isfinite().all()


def test_lpips_equals_the_packages_own_call(files, losses):
    lpips = pytest.importorskip("lpips")
    warnings.simplefilter("ignore")  # torchvision's, on how the package asks it for no weights
    reference = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)  # its calibration is the real one
    weights = {key.removeprefix("features."): value.float() for key, value in torch.load(files["lpips"]).items()}
    reference.net.load_state_dict({key: weights[key.partition(".")[2]] for key in reference.net.state_dict()})
    restored, target = pictures(3)
    with torch.no_grad():
        expected = reference(restored, target).flatten()
    torch.testing.assert_close(losses["lpips"].distances(restored, target), expected, rtol=1e-4, atol=1e-6)
    assert losses["lpips"](restored, target).item() == pytest.approx(expected.mean().item(), rel=1e-4)


def test_identity_is_one_less_the_cosine_of_facexlibs_embeddings(files, losses):
    from facexlib.recognition.arcface_arch import Backbone

    with torch.device("meta"):
        reference = Backbone(50, 0.6, "ir_se")
    state = {
        key: value.float() if value.is_floating_point() else value
        for key, value in torch.load(files["identity"]).items()
    }
    reference.load_state_dict(state, assign=True)
    reference.eval()
    restored, target = pictures(2)
    with torch.no_grad():
        a, b = (reference(identity.network_input(x)).double().numpy() for x in (restored, target))
    cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert losses["identity"](restored, target).item() == pytest.approx(1 - cosines.mean(), rel=1e-3)


@pytest.mark.parametrize("size", [64, 256, 512])
def test_arcface_sees_the_middle_of_the_face(size):
    """A picture whose values are coordinates comes out as the coordinates of rows 35 … 223 and columns 32 … 220 of 256."""
    at = (torch.arange(size) + 0.5) * 256 / size
    rows, columns = torch.meshgrid(at, at, indexing="ij")
    found = identity.network_input(torch.stack([rows, columns, rows])[None])[0]
    step = 188 / 112
    expected = (torch.arange(112) + 0.5) * step
    inner = slice(8, -8)
    slack = 256 / size  # the box is cut at whole pixels
    torch.testing.assert_close(found[0, inner, 50], 35 + expected[inner], rtol=0, atol=slack)
    torch.testing.assert_close(found[1, 50, inner], 32 + expected[inner], rtol=0, atol=slack)
    assert found.shape == (3, 112, 112)
