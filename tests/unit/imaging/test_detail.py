"""What is finer than a smaller copy can show: kept where it is detail, dropped where it is noise or blocks."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from gpen_core.imaging.detail import block_step, detail_share, fine_band, noise_level


@pytest.fixture(scope="module")
def face(astronaut):
    """[3, 200, 200] of a sharp photograph: the face and some of the suit."""
    return astronaut[:, 40:240, 130:330]


def noisy(picture, sigma):
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(1))
    return (picture + noise * sigma / 255).clamp(0, 1)


def through_jpeg(picture, quality):
    file = io.BytesIO()
    Image.fromarray((picture.movedim(0, -1) * 255).round().byte().numpy()).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.asarray(Image.open(file)).copy()).movedim(-1, 0).float() / 255


def energy(band, share):
    return float((band * share).square().sum() / band.square().sum())


@pytest.mark.parametrize("scale", [0.2, 0.5, 0.8])
def test_detail_of_a_clean_picture_is_kept(face, scale):
    assert energy(fine_band(face, scale), detail_share(face, scale)) >= 0.97


@pytest.mark.parametrize("scale", [0.2, 0.5])
def test_a_band_and_what_a_smaller_copy_shows_make_the_picture(face, scale):
    """As Pillow shrinks and enlarges."""
    side = round(200 * scale)
    for channel, band in zip(face, fine_band(face, scale), strict=True):
        small = Image.fromarray(channel.numpy()).resize((side, side), Image.Resampling.BICUBIC)
        coarse = torch.from_numpy(np.asarray(small.resize((200, 200), Image.Resampling.BICUBIC)).copy())
        assert torch.allclose(band + coarse, channel, atol=1e-5)


@pytest.mark.parametrize("sigma", [10, 20, 40])
def test_noise_is_not_taken_for_detail(face, sigma):
    """On skin, where there is nothing else; of the sharpest edges some comes back."""
    smooth = torch.nn.functional.avg_pool2d(face[None], 9, 1, 4, count_include_pad=False)[0]
    picture = noisy(smooth, sigma)
    band = fine_band(picture, 0.3)
    assert energy(band, detail_share(picture, 0.3)) < 0.02


@pytest.mark.parametrize("sigma", [3.0, 8.0, 20.0])
def test_the_level_of_noise_is_measured(sigma):
    flat = torch.full((1, 160, 160), 0.5)
    noise = torch.randn(flat.shape, generator=torch.Generator().manual_seed(0)) * sigma / 255
    assert noise_level(flat + noise) * 255 == pytest.approx(sigma, rel=0.15)


@pytest.mark.parametrize("offset", [0, 3])
def test_blocks_are_found_wherever_they_begin_and_dropped(face, offset):
    coarse = through_jpeg(face, 20)[:, offset:, offset:]
    luma = coarse.mean(0, keepdim=True)
    assert block_step(luma) > 2 * block_step(face.mean(0, keepdim=True)) and block_step(luma) * 255 > 1.8
    assert detail_share(coarse, 0.4).max() < 0.2


def test_a_good_jpeg_keeps_its_detail(face):
    good = through_jpeg(face, 92)
    assert energy(fine_band(good, 0.4), detail_share(good, 0.4)) > 0.97


@pytest.mark.parametrize("size", [(1, 1), (2, 40), (9, 9), (40, 7)])
def test_pictures_too_small_to_judge_keep_what_they_have(size):
    picture = torch.rand(3, *size, generator=torch.Generator().manual_seed(0))
    share = detail_share(picture, 0.5)
    assert share.isfinite().all() and share.min() >= 0 and share.max() <= 1
