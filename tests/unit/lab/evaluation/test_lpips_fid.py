"""LPIPS and FID: the arithmetic, with weights that no file of their names could hold; and what happens without theirs."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gpen_core.errors import CheckpointError
from gpen_core.lab.evaluation.metrics import METRICS, build_metrics, frechet_distance

ALEXNET = ((64, 3, 11), (192, 64, 5), (384, 192, 3), (256, 384, 3), (256, 256, 3))  # outputs, inputs, side
INDICES = (0, 3, 6, 8, 10)


@pytest.fixture(scope="module")
def alexnet():
    random = torch.Generator().manual_seed(0)
    state = {}
    for index, (outputs, inputs, side) in zip(INDICES, ALEXNET):
        weight = torch.randn(outputs, inputs, side, side, generator=random) / (inputs * side * side) ** 0.5
        state |= {f"features.{index}.weight": weight, f"features.{index}.bias": torch.zeros(outputs)}
    return state


def calibrated(lpips, alexnet, first, second):
    """The formula of Zhang et al. 2018, equation 1, in float64."""
    path = Path(lpips.__file__).parent / "weights" / "v0.1" / "alex.pth"
    weights = torch.load(path, weights_only=True, map_location="cpu")
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    total = 0.0
    x, y = ((2 * p.double() - 1 - shift[:, None, None]) / scale[:, None, None] for p in (first, second))
    for layer, index in enumerate(INDICES):
        if layer in (1, 2):
            x, y = F.max_pool2d(x, 3, 2), F.max_pool2d(y, 3, 2)
        kernel, bias = (alexnet[f"features.{index}.{name}"].double() for name in ("weight", "bias"))
        stride, padding = ((4, 2), (1, 2), (1, 1), (1, 1), (1, 1))[layer]
        x, y = (F.relu(F.conv2d(p, kernel, bias, stride, padding)) for p in (x, y))
        apart = (F.normalize(x) - F.normalize(y)).square() * weights[f"lin{layer}.model.1.weight"].double()
        total = total + apart.sum(1).mean((1, 2))
    return total


def test_lpips_is_its_formula_and_uses_up_no_random_numbers(alexnet, crop):
    lpips = pytest.importorskip("lpips", reason="LPIPS's calibration is in the package lpips: pip install lpips")
    from gpen_core.lab.evaluation.metrics.lpips import Lpips, lpips_network

    before = torch.get_rng_state()
    metric = Lpips(lpips_network(alexnet))
    assert torch.equal(torch.get_rng_state(), before)
    pair = torch.stack((crop, crop.flip(2)))[..., ::2, ::2]
    degraded = torch.stack((pair[0].roll(3, dims=2), pair[1]))
    figures = metric.measure(degraded, metric.prepare(pair))
    np.testing.assert_allclose(figures, calibrated(lpips, alexnet, degraded, pair), rtol=1e-4, atol=1e-6)
    assert figures[0] > 0.01 and figures[1] == 0


def test_frechet_distance_is_the_formula_with_matrix_roots():
    from scipy.linalg import sqrtm

    random = np.random.default_rng(0)
    a = random.normal(size=(300, 8)) @ random.normal(size=(8, 8))
    b = random.normal(size=(200, 8)) @ random.normal(size=(8, 8)) + 1
    covariances = np.cov(a.T), np.cov(b.T)
    root = sqrtm(covariances[0] @ covariances[1]).real
    wanted = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(torch.from_numpy(a), torch.from_numpy(b)) == pytest.approx(wanted, rel=1e-9)
    assert frechet_distance(torch.from_numpy(a), torch.from_numpy(a)) == pytest.approx(0, abs=1e-9)


def test_a_shift_of_all_features_is_all_of_the_distance():
    features = torch.randn(20, 50, generator=torch.Generator().manual_seed(0))  # fewer than dimensions
    assert frechet_distance(features, features + 0.5) == pytest.approx(50 * 0.25, rel=1e-5)


@pytest.mark.filterwarnings(
    "ignore::UserWarning", "ignore::FutureWarning"
)  # torchvision's, on how piq asks for no weights
def test_fid_sees_through_pytorch_fids_network(crop, monkeypatch):
    """piq's port of it, given the same weights."""
    parts = pytest.importorskip("piq.feature_extractors.fid_inception", reason="FID's blocks: pip install piq")
    from torchvision.models import inception_v3

    from gpen_core.lab.evaluation.metrics.fid import Fid, inception

    with torch.device("meta"):
        shapes = inception_v3(weights=None, num_classes=1008, aux_logits=False, init_weights=False).state_dict()
    random = torch.Generator().manual_seed(0)
    state = {
        name: torch.randn(value.shape, generator=random) * (2 / max(1, value[:1].numel())) ** 0.5
        if value.dim() == 4
        else torch.full(value.shape, float("bias" not in name and "mean" not in name))
        for name, value in shapes.items()
    }
    monkeypatch.setattr(parts, "load_state_dict_from_url", lambda *arguments, **options: state)
    published = parts.InceptionV3().eval()
    with torch.no_grad():
        wanted = published(crop[None])[0].flatten(1)
    found = Fid(inception(state)).features(crop[None])
    assert found.shape == (1, 2048) and found.std() > 0.01
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_what_is_absent_is_named_with_what_to_do(tmp_path):
    built = build_metrics(METRICS, 256, folders=[tmp_path])
    absent = dict(built.absent)
    assert {"niqe", "lpips", "fid"} <= set(absent)
    assert "https://" in absent["lpips"] and "pt_inception" in absent["fid"] and "--niqe-fit" in absent["niqe"]
    assert [info.name for info in built.infos][:3] == ["psnr", "ssim", "ms_ssim"]


def test_what_needs_larger_pictures_is_absent_for_small_ones(shared_weights):
    absent = dict(build_metrics(("ssim", "ms_ssim", "niqe"), 128, folders=[shared_weights]).absent)
    assert set(absent) == {"ms_ssim", "niqe"} and "192 px at least" in absent["niqe"]


@pytest.mark.parametrize(
    ("metric", "name"), [("lpips", "alexnet-owt-7be5be79.pth"), ("fid", "pt_inception-2015-12-05-6726825d.pth")]
)
def test_random_weights_never_go_by_a_published_networks_name(tmp_path, alexnet, metric, name):
    torch.save(alexnet, tmp_path / name)
    with pytest.raises(CheckpointError, match="not the published file"):
        build_metrics((metric,), 256, folders=[tmp_path])
