"""Masks have no edge to see, and color matching does what it says."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skimage.color import lab2rgb, rgb2lab
from skimage.filters import gaussian
from skimage.morphology import erosion

from gpen_core.errors import OptionError
from gpen_core.geometry import TEMPLATES, template_points
from gpen_core.imaging.color import match_color
from gpen_core.imaging.color_methods import COLOR_METHODS
from gpen_core.imaging.lanczos import resize_lanczos
from gpen_core.imaging.masks import border_fade, change_mask, ellipse_mask, mask_box, region_mask
from gpen_core.imaging.warp import widened


@pytest.mark.parametrize("template", sorted(TEMPLATES))
@pytest.mark.parametrize("size", [64, 256, 512])
@pytest.mark.parametrize("softness", [0.1, 0.35, 1.0])
def test_the_oval_covers_the_face_and_ends_within_the_crop(template, size, softness):
    mask = ellipse_mask(size, template, softness)
    assert mask.shape == (1, size, size) and mask.min() == 0 and mask.max() <= 1
    border = torch.cat((mask[0, 0], mask[0, -1], mask[0, :, 0], mask[0, :, -1]))
    assert border.max() == 0
    if softness <= 0.35:
        for x, y in template_points(template, size).round().int().tolist():
            assert mask[0, y, x] > 0.99


def test_the_oval_fades_without_a_step():
    mask = ellipse_mask(512, "gpen", 0.35)[0]
    assert (mask[:, 1:] - mask[:, :-1]).abs().max() < 0.05
    assert (mask[1:] - mask[:-1]).abs().max() < 0.05


@pytest.mark.parametrize("softness", [0, -1, 1.5])
def test_impossible_softness_is_refused(softness):
    with pytest.raises(OptionError, match="softness"):
        ellipse_mask(64, "gpen", softness)


@pytest.mark.parametrize("size", [64, 512])
def test_a_region_fades_within_itself_and_never_reaches_the_border(size):
    inside = torch.zeros(1, size, size)
    inside[:, size // 4 : -size // 4] = 1  # reaches the left and right border
    mask = region_mask(inside, 0.35)
    assert mask[inside == 0].max() < 0.02
    assert mask[0, size // 2, size // 2] > 0.99
    assert mask[0, :, 0].max() == 0 and mask[0, :, -1].max() == 0


@pytest.mark.parametrize("softness", [0.02, 0.35, 1.0])
def test_a_region_is_eroded_and_blurred_as_scikit_image_does_it(softness):
    size = 256
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    inside = (((x - 140) / 90) ** 2 + ((y - 120) / 110) ** 2 < 1).float()[None]
    sigma = max(softness * size / 32, 0.5)
    kept = inside[0].numpy().copy()
    rim = round(26 / 512 * size)
    kept[:rim] = kept[-rim:] = kept[:, :rim] = kept[:, -rim:] = 0
    smaller = erosion(kept, np.ones((2 * round(2.2 * sigma) + 1,) * 2), mode="ignore")
    truncate = round(3 * sigma) / sigma
    expected = gaussian(smaller, sigma, mode="constant", truncate=truncate) * border_fade(size)[0].numpy()
    np.testing.assert_allclose(region_mask(inside, softness)[0].numpy(), expected, atol=1e-5)


def test_a_large_crops_region_is_that_of_its_smaller_copy():
    inside = torch.zeros(1, 512, 512)
    inside[:, 130:400, 100:380] = 1
    small = region_mask(inside, 0.35)
    large = region_mask(inside.repeat_interleave(4, 1).repeat_interleave(4, 2), 0.35)
    shrunk = torch.nn.functional.avg_pool2d(large, 4)
    torch.testing.assert_close(shrunk, small, atol=0.01, rtol=0)
    assert large[0, 0].max() == large[0, :, -1].max() == 0


def test_the_box_of_a_mask_holds_it_exactly():
    mask = torch.zeros(1, 40, 60)
    mask[0, 10:20, 30:31] = 0.01
    assert mask_box(mask) == (30, 10, 31, 20)
    assert widened(mask_box(mask), 12, (40, 60)) == (18, 0, 43, 32)
    assert widened(mask_box(mask), 100, (40, 60)) == (0, 0, 60, 40)
    assert mask_box(torch.zeros(1, 5, 5)) is None


def test_an_unchanged_face_has_an_empty_change_mask_and_a_changed_one_a_full_one():
    before = torch.rand(3, 128, 128, generator=torch.Generator().manual_seed(0)) * 0.9
    assert change_mask(before, before).max() == 0
    assert change_mask(before, before + 0.4 / 255).max() == 0
    assert change_mask(before, before + 2 / 255).min() == 1


def test_a_change_opens_the_mask_around_itself():
    before, after = torch.zeros(3, 256, 256), torch.zeros(3, 256, 256)
    after[:, 100:120, 60:64] = 1
    mask = change_mask(before, after)[0]
    assert mask[100:120, 60:64].min() == 1 and 0 < mask.mean() < 0.02
    rows, columns = torch.arange(256.0), torch.arange(256.0)
    center = ((mask.sum(1) * rows).sum() / mask.sum(), (mask.sum(0) * columns).sum() / mask.sum())
    assert abs(center[0] - 109.5) < 1.5 and abs(center[1] - 61.5) < 1.5


@pytest.mark.parametrize("size", [(50, 37), (129, 90), (200, 310)])
def test_a_change_is_seen_wherever_it_is_in_a_part_of_any_size(size):
    height, width = size
    for y, x in ((0, 0), (height - 1, width - 1), (height // 2, width // 3)):
        before, after = torch.zeros(3, *size), torch.zeros(3, *size)
        after[1, y, x] = 0.5
        mask = change_mask(before, after, 512)
        assert mask.shape == (1, *size) and mask[0, y, x] == 1
        near = (torch.arange(height) - y).abs()[:, None].maximum((torch.arange(width) - x).abs()) <= 16
        assert mask[0][~near].max() == 0


@pytest.mark.parametrize("size", [(50, 37), (130, 130), (384, 301)])
def test_the_change_is_the_greatest_of_the_neighborhood(size):
    before, after = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(4))
    after = before + (after - 0.5) * 0.02
    half = max(1, round(size[1] / 128))
    change = (after - before).abs().amax(0)
    change = F.pad(change, (0, -size[1] % (2 * half), 0, -size[0] % (2 * half)))[None, None]
    blocks = F.max_pool2d(change, 4 * half, stride=2 * half, padding=half)
    expected = F.interpolate(blocks, scale_factor=2 * half, mode="bilinear")[0, :, : size[0], : size[1]]
    found = change_mask(before, after, max(size[1], 128))
    torch.testing.assert_close(found, (expected * 255 - 0.5).clamp(0, 1), atol=1e-5, rtol=0)


def matched_by_scikit_image(restored, original, weight, method):
    """In float64, every pixel counted by its weight. → [H, W, 3]"""
    now, wanted = (rgb2lab(picture.double().movedim(0, -1).numpy()) for picture in (restored, original))
    share = weight[0].double().numpy()[..., None] / weight.double().sum().item()
    mean, goal = (now * share).sum((0, 1)), (wanted * share).sum((0, 1))
    gain = np.ones(3)
    if method == "mean_std":
        spread, wider = (((lab - m) ** 2 * share).sum((0, 1)) ** 0.5 for lab, m in ((now, mean), (wanted, goal)))
        gain = wider / spread
    return lab2rgb((now - mean) * gain + goal)


@pytest.mark.parametrize("method", ["mean", "mean_std"])
def test_matching_is_what_scikit_images_lab_makes_of_it(astronaut, method):
    """In a picture of this size, all pixels count."""
    original, weight = (
        astronaut[:, 40:240, 100:340],
        torch.rand(1, 200, 240, generator=torch.Generator().manual_seed(0)),
    )
    restored = (original.flip(2) * torch.tensor([0.7, 0.9, 0.8])[:, None, None] + 0.05).clamp(0, 1)
    expected = matched_by_scikit_image(restored, original, weight, method)
    found = match_color(restored, original, weight, method).movedim(0, -1).numpy()
    np.testing.assert_allclose(found, expected, atol=2e-4)


@pytest.mark.parametrize("method", ["mean", "mean_std"])
def test_a_large_face_is_matched_as_if_all_of_its_pixels_counted(astronaut, method):
    weight = ellipse_mask(512, "gpen", 0.35)
    restored = (astronaut.flip(2) * torch.tensor([0.75, 0.95, 0.85])[:, None, None] + 0.02).clamp(0, 1)
    expected = matched_by_scikit_image(restored, astronaut, weight, method)
    found = match_color(restored, astronaut, weight, method).movedim(0, -1).numpy()
    assert np.abs(found - expected)[weight[0].numpy() > 0].mean() < 0.4 / 255


@pytest.mark.parametrize("method", ["mean", "mean_std"])
def test_matching_reaches_the_statistics_in_lab(astronaut, method):
    original, weight = astronaut[:, 60:188, 160:288], torch.ones(1, 128, 128)
    tinted = (original * torch.tensor([0.75, 0.95, 0.85])[:, None, None] + 0.02).clamp(0, 1)
    matched = match_color(tinted, original, weight, method)
    found, expected = (rgb2lab(x.movedim(0, -1).numpy()).reshape(-1, 3) for x in (matched, original))
    assert abs(found.mean(0) - expected.mean(0)).max() < 1.0
    if method == "mean_std":
        assert abs(found.std(0) - expected.std(0)).max() < 1.0


def test_luminance_moves_the_mean_of_l_and_leaves_a_and_b(astronaut):
    original, weight = astronaut[:, 60:188, 160:288], torch.ones(1, 128, 128)
    restored = original * torch.tensor([0.6, 0.7, 0.65])[:, None, None] + 0.1  # nothing near black or white
    matched = match_color(restored, original, weight, "luminance")
    found, before, wanted = (rgb2lab(x.movedim(0, -1).numpy()) for x in (matched, restored, original))
    inside = (matched > 0.01).all(0).numpy() & (matched < 0.99).all(0).numpy()
    assert abs(found[..., 0].mean() - wanted[..., 0].mean()) < 0.5
    np.testing.assert_allclose(found[inside][:, 1:], before[inside][:, 1:], atol=0.3)


@pytest.mark.parametrize("size", [128, 512])
def test_wavelet_takes_low_frequencies_from_the_original_and_high_ones_from_the_restored(astronaut, size):
    restored = resize_lanczos(astronaut, (size, size)) * 0.6 + 0.2
    y, x = torch.meshgrid(torch.linspace(-1, 1, size), torch.linspace(-1, 1, size), indexing="ij")
    light = 0.1 * torch.stack((x, y, x * y))  # uneven, and of another color everywhere
    matched = match_color(restored, restored + light, torch.ones(1, size, size), "wavelet")
    expected = np.stack([gaussian(one, size / 32, mode="nearest", truncate=3) for one in light.numpy()])
    rim = size // 8
    inner = (slice(None), slice(rim, -rim), slice(rim, -rim))
    np.testing.assert_allclose((matched - restored)[inner].numpy(), expected[inner], atol=2e-3)


def test_wavelet_on_a_part_of_a_crop_is_the_part_of_wavelet_on_the_crop(astronaut):
    restored = astronaut.flip(2)
    whole = match_color(restored, astronaut, torch.ones(1, 512, 512), "wavelet")
    part = (slice(None), slice(60, 452), slice(40, 470))
    alone = match_color(restored[part], astronaut[part], torch.ones(1, 392, 430), "wavelet", 512)
    torch.testing.assert_close(alone[:, 60:-60, 60:-60], whole[part][:, 60:-60, 60:-60], atol=0.01, rtol=0)


@pytest.mark.parametrize("method", sorted(COLOR_METHODS))
def test_matching_a_picture_to_itself_changes_nothing(astronaut, method):
    crop = astronaut[:, :64, :64]
    torch.testing.assert_close(match_color(crop, crop, torch.ones(1, 64, 64), method), crop, atol=0.3 / 255, rtol=0)


def test_matching_without_any_weight_changes_nothing(astronaut):
    crop = astronaut[:, :64, :64]
    assert torch.equal(match_color(crop, 1 - crop, torch.zeros(1, 64, 64), "mean"), crop)


def test_an_unknown_method_is_named():
    with pytest.raises(OptionError, match=r"'histogram'.*off, mean, mean_std"):
        match_color(torch.zeros(3, 8, 8), torch.zeros(3, 8, 8), torch.ones(1, 8, 8), "histogram")
