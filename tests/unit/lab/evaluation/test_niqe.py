"""NIQE against published implementations, and its parts against other code."""

import numpy as np
import pytest
import torch

from gpen_core.errors import CheckpointError, OptionError
from gpen_core.lab.evaluation.metrics import fit_niqe_model, niqe, read_niqe_model, save_niqe_model
from gpen_core.lab.evaluation.metrics.niqe_features import FEATURES, block_statistics, fit_aggd, half, luma

# Of scikit-image's pictures, with the parameters in BasicSR's niqe_pris_params.npz: by BasicSR 1.4.2's calculate_niqe
# (convert_to="gray", crop_border=0) and by pyiqa 0.1.16's niqe (color_space="yiq"), run on them as published.
PUBLISHED = {
    "astronaut": (3.061004, 3.062802),
    "astronaut, 256 px": (4.758998, 4.768169),
    "coffee": (4.059338, 4.059152),
    "chelsea": (2.572083, 2.572079),
}


def picture(name):
    from skimage import data

    whole = getattr(data, name.partition(",")[0])()
    part = whole[20:276, 100:356] if "256" in name else whole
    return torch.from_numpy(part.copy()).movedim(-1, 0).float() / 255


@pytest.fixture(scope="module")
def published(shared_weights):
    return read_niqe_model(shared_weights / "niqe_pris_params.npz")


@pytest.fixture(scope="module")
def fitted(astronaut):
    """A model of our own, of windows of pictures that every machine has."""
    pictures = [astronaut, picture("coffee"), picture("chelsea")]
    windows = [whole[:, 9 * shift :, 17 * shift :] for whole in pictures for shift in range(6)]
    return fit_niqe_model(windows, "three pictures")


@pytest.mark.parametrize("name", PUBLISHED)
def test_figures_are_those_of_published_implementations(published, name):
    found = niqe(picture(name), published)
    for wanted in PUBLISHED[name]:  # which differ by as much among themselves
        assert found == pytest.approx(wanted, rel=2.5e-3)


def test_figures_of_a_model_of_our_own_stay_what_they_were(fitted, astronaut):
    """By the code whose figures are those of published implementations, for machines without their parameters."""
    found = [niqe(whole, fitted) for whole in (astronaut, picture("coffee"), picture("chelsea"))]
    assert found == pytest.approx([2.517468, 3.972344, 3.535673], rel=1e-4)


def test_degraded_pictures_look_less_natural(fitted, astronaut):
    noise = 0.1 * torch.randn(astronaut.shape, generator=torch.Generator().manual_seed(0))
    blurred = torch.nn.functional.avg_pool2d(astronaut[None], 7, 1, 3)[0]
    clean = niqe(astronaut, fitted)
    assert clean < niqe((astronaut + noise).clamp(0, 1), fitted) and clean < niqe(blurred, fitted)


def test_shape_and_scales_of_a_known_distribution_are_found():
    from scipy.stats import gennorm

    for shape in (0.6, 1.0, 2.0, 4.0):  # left scale 0.5 and right scale 2, so that four of five values are positive
        left, right = (np.abs(gennorm.rvs(shape, scale=scale, size=60_000 * scale, random_state=1)) for scale in (1, 4))
        values = torch.from_numpy(np.concatenate((-left, right))[None, None] / 2)
        found = [float(value) for value in fit_aggd(values)]
        assert found[:3] == pytest.approx((shape, 0.5, 2), rel=0.03)
        assert found[3] == pytest.approx(float(values.mean()), rel=0.02)
    symmetric = torch.from_numpy(gennorm.rvs(1.5, scale=3, size=(1, 400, 400), random_state=1))
    found = [float(value) for value in fit_aggd(symmetric)]
    assert found[:3] == pytest.approx((1.5, 3, 3), rel=0.02) and abs(found[3]) < 0.05


def test_the_second_scale_is_pillows_bicubic_half(astronaut):
    from PIL import Image

    gray = luma(astronaut)
    wanted = Image.fromarray(gray.float().numpy()).resize((256, 256), Image.Resampling.BICUBIC)
    inside = (slice(4, -4),) * 2  # at the edges, MATLAB mirrors and Pillow does not
    np.testing.assert_allclose(half(gray)[inside], np.asarray(wanted)[inside], atol=1e-2)


def test_what_lies_beyond_the_last_whole_block_counts_for_nothing(astronaut):
    part = luma(astronaut)[:200, :300]
    whole = block_statistics(part[:192, :288])
    torch.testing.assert_close(block_statistics(part).features, whole.features)
    assert whole.features.shape == (6, FEATURES)


def test_there_is_no_figure_where_there_is_nothing_to_look_at(fitted, astronaut):
    assert niqe(astronaut[:, :191, :191], fitted) is None  # one block
    assert niqe(torch.full((3, 256, 256), 0.5), fitted) is None


def test_a_fit_is_mean_and_covariance_of_the_sharp_blocks(astronaut):
    statistics = block_statistics(luma(astronaut))
    sharp = statistics.features[statistics.sharpness > 0.75 * statistics.sharpness.max()].numpy()
    assert 0 < len(sharp) < len(statistics.features)
    often = FEATURES // len(sharp) + 1
    model = fit_niqe_model([astronaut] * often, "one picture, often")
    np.testing.assert_allclose(model.mean, sharp.mean(0))
    np.testing.assert_allclose(model.covariance, np.cov(np.tile(sharp, (often, 1)).T), atol=1e-12)


def test_a_model_comes_back_from_its_file(fitted, tmp_path):
    save_niqe_model(fitted, tmp_path / "own.npz")
    read = read_niqe_model(tmp_path / "own.npz")
    assert torch.equal(read.mean, fitted.mean) and torch.equal(read.covariance, fitted.covariance)


def test_too_few_pristine_blocks_are_refused(crop):
    with pytest.raises(OptionError, match="too few to estimate"):
        fit_niqe_model([crop], "a crop")
    with pytest.raises(OptionError, match="0 sharp blocks"):
        fit_niqe_model([], "nothing")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"mu_pris_param": np.zeros((1, 36))}, "cov_pris_param"),
        ({"mu_pris_param": np.zeros(35), "cov_pris_param": np.eye(36)}, "compares 36 features"),
        ({"mu_pris_param": np.full(36, np.nan), "cov_pris_param": np.eye(36)}, "NaN"),
        ({"mu_pris_param": np.array([{}], dtype=object), "cov_pris_param": np.eye(36)}, "no NIQE parameters"),
    ],
)
def test_other_files_are_refused(tmp_path, content, message):
    np.savez(tmp_path / "wrong.npz", **content)
    with pytest.raises(CheckpointError, match=message):
        read_niqe_model(tmp_path / "wrong.npz")


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(CheckpointError, match=r"text\.npz: no NIQE parameters"):
        read_niqe_model(tmp_path / "text.npz")
