"""The estimator of quality that comes with the package: sharp is better than blurred, noisy or compressed."""

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.ndimage import gaussian_filter

from gpen_core.errors import CheckpointError, MissingWeightsError
from gpen_core.faces.alignment import align_face
from gpen_core.faces.quality import BEST, QUALITY_FILE, WORST, QualityNet, load_quality, quality_of_error
from gpen_core.lab.degradation.kernels import motion_kernel
from gpen_core.lab.degradation.low_light import Sensor, in_low_light, underexposed
from gpen_core.weights.find import ASSETS


@pytest.fixture(scope="module")
def estimator():
    return load_quality()


@pytest.fixture(scope="module")
def crop(astronaut, astronaut_face):
    """[3, 160, 160]: smaller than in the photograph, and so sharp."""
    return align_face(astronaut, astronaut_face, 160, "ffhq").pixels


def blurred(crop, factor):
    side = round(crop.shape[-1] / factor)
    small = F.interpolate(crop[None], size=(side, side), mode="bicubic", antialias=True)
    return F.interpolate(small, size=crop.shape[-2:], mode="bicubic")[0].clamp(0, 1)


def noisy(crop, sigma):
    noise = torch.randn(crop.shape, generator=torch.Generator().manual_seed(3))
    return (crop + noise * sigma / 255).clamp(0, 1)


def shaken(crop, length, degrees):
    kernel = torch.from_numpy(motion_kernel(2 * length + 1, length, np.radians(degrees))).float()
    padded = F.pad(crop[None], (length,) * 4, mode="reflect")
    return F.conv2d(padded, kernel.expand(3, 1, -1, -1), groups=3)[0]


def compressed(crop, coarseness):
    file = io.BytesIO()
    image = Image.fromarray((crop.movedim(0, -1) * 255).round().byte().numpy())
    image.save(file, "JPEG", quality=100 - coarseness)
    return torch.from_numpy(np.asarray(Image.open(file)).copy()).movedim(-1, 0).float() / 255


def grainy(crop, sigma):
    """As film is: the same in all channels, a little larger than a pixel."""
    grain = gaussian_filter(np.random.default_rng(5).standard_normal(crop.shape[-2:]), 0.6)
    return (crop + torch.from_numpy(grain / grain.std() * sigma / 255).float()).clamp(0, 1)


@pytest.mark.parametrize("sigma", [6, 9, 14])
def test_fine_grain_is_not_taken_for_the_texture_of_a_good_face(estimator, crop, sigma):
    good, grained = estimator.qualities(torch.stack([crop, grainy(crop, sigma)]))
    assert good > 0.85 and grained < 0.6


def test_darkness_is_no_fault_but_its_noise_is(estimator, crop):
    stops = (1, 2, 3, 4, 5)
    clean = [torch.from_numpy(underexposed(crop.numpy(), level)) for level in stops]
    seen = [
        torch.from_numpy(in_low_light(crop.numpy(), level, Sensor(), np.random.default_rng(level))) for level in stops
    ]
    qualities = estimator.qualities(torch.stack(seen))
    assert qualities == sorted(qualities, reverse=True) and qualities[-1] < 0.35
    assert all(good > bad for good, bad in zip(estimator.qualities(torch.stack(clean)), qualities, strict=True))


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 135])
def test_motion_is_seen_in_whichever_direction_it_went(estimator, crop, degrees):
    """What is sharp across it must not pass for a sharp face."""
    qualities = estimator.qualities(torch.stack([crop, *(shaken(crop, length, degrees) for length in (5, 9, 15))]))
    assert qualities == sorted(qualities, reverse=True)
    assert qualities[-1] < 0.5


@pytest.mark.parametrize(
    ("degrade", "levels"), [(blurred, (1.5, 2, 3, 5)), (noisy, (3, 8, 16, 30)), (compressed, (40, 70, 85, 95))]
)
def test_quality_falls_with_every_degradation(estimator, crop, degrade, levels):
    qualities = estimator.qualities(torch.stack([crop, *(degrade(crop, level) for level in levels)]))
    assert qualities == sorted(qualities, reverse=True)
    assert qualities[0] - qualities[-1] > 0.3


def test_quality_is_no_matter_of_exposure_or_contrast(estimator, crop):
    dull = crop * 0.5 + 0.2
    bright, low = estimator.qualities(torch.stack([crop, dull]))
    assert bright == pytest.approx(low, abs=0.02)


def test_a_face_is_judged_alone_as_in_a_batch(estimator, crop):
    pair = torch.stack([crop, noisy(crop, 10)])
    together = estimator.qualities(pair)
    assert together == pytest.approx([estimator.qualities(one[None])[0] for one in pair], abs=1e-5)


@pytest.mark.parametrize("side", [16, 64, 250, 512])
def test_crops_of_any_size_are_judged(estimator, crop, side):
    sized = F.interpolate(crop[None], size=(side, side), mode="bilinear", antialias=True)
    (quality,) = estimator.qualities(sized)
    assert 0 <= quality <= 1


def test_the_quality_meant_is_that_of_the_error_against_the_contrast():
    clean = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    spread = clean.std((1, 2, 3), unbiased=False)
    for decibels in (10.0, 20.0):
        error = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
        error *= (spread * 10 ** (-decibels / 20))[:, None, None, None]
        expected = (decibels - WORST) / (BEST - WORST)
        assert quality_of_error(clean + error, clean).tolist() == pytest.approx([expected] * 2, abs=0.01)
    assert quality_of_error(clean, clean).tolist() == [1, 1]


def test_the_file_is_small_and_has_a_card(repo_root):
    assert (ASSETS / QUALITY_FILE).stat().st_size <= 200_000
    assert "train-quality" in (ASSETS / "face-quality.md").read_text(encoding="utf-8")


def test_other_files_are_refused(tmp_path):
    from safetensors.torch import save_file

    with pytest.raises(MissingWeightsError, match="Reinstall"):
        load_quality(tmp_path / "absent.safetensors")
    weights = QualityNet().state_dict()
    del weights["mean"]
    save_file(weights, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="not an estimator of quality"):
        load_quality(tmp_path / "other.safetensors")
