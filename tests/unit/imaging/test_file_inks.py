"""CMYK and Lab: networks see sRGB, and the result goes back to the file's own inks."""

import io

import numpy as np
import pytest
import torch
from imaging_harness.icc import D50, PROPHOTO, cmyk_profile, gamma_curve, matrix_profile
from PIL import Image, ImageCms

from gpen_core.imaging.files import load_picture, save_picture
from gpen_core.imaging.lanczos import resize_lanczos

HEIGHT, WIDTH = 40, 60
COLORS = np.asarray(
    Image.fromarray(np.random.default_rng(3).integers(0, 256, (5, 8, 3), dtype=np.uint8)).resize((WIDTH, HEIGHT), 3)
)
ICC, ONE_WAY = cmyk_profile(), cmyk_profile(leads_back=False)


def inks_of_a_press():
    """CMYK in which black is only half of what it could be, as presses mix it: no profile's own way to make these colors."""
    light = COLORS / 255
    black = (1 - light.max(-1, keepdims=True)) / 2
    return np.concatenate((1 - light / (1 - black), black), -1).__mul__(255).round().astype(np.uint8)


INKS = inks_of_a_press()


def write(path, mode, icc=ICC):
    if mode == "CMYK":
        Image.frombytes("CMYK", (WIDTH, HEIGHT), INKS.tobytes()).save(path, icc_profile=icc, quality=100, subsampling=0)
    else:
        Image.fromarray(COLORS).convert("LAB").save(path)
    with Image.open(path) as image:
        return np.asarray(image)


def by_little_cms(path, icc):
    """What another reader sees, [H, W, 3]."""
    with Image.open(path) as image:
        if image.mode == "LAB":
            return np.asarray(image.convert("RGB")).astype(int)
        own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB")
        intent, flags = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
        return np.asarray(ImageCms.profileToProfile(image, own, srgb, intent, "RGB", flags=flags)).astype(int)


@pytest.mark.parametrize(("mode", "name"), [("CMYK", "a.tif"), ("CMYK", "a.jpg"), ("LAB", "a.tif")])
def test_networks_see_srgb_and_what_is_not_replaced_keeps_its_very_inks(tmp_path, mode, name):
    stored = write(tmp_path / name, mode)
    with Image.open(tmp_path / name) as image:
        icc = image.info["icc_profile"]
    picture = load_picture(tmp_path / name)
    assert picture.inks == mode and picture.notes == ()
    assert np.array_equal(picture.seen().movedim(0, -1).numpy(), by_little_cms(tmp_path / name, ICC))
    frame, replaced = picture.seen(), torch.zeros(1, HEIGHT, WIDTH)
    frame[:, 10:20], replaced[:, 10:20] = torch.tensor([180, 140, 120], dtype=torch.uint8)[:, None, None], 1
    assert save_picture(picture.restored(frame, replaced), tmp_path / "b.tif") == ()
    with Image.open(tmp_path / "b.tif") as image:
        assert image.mode == mode and image.info["icc_profile"] == icc
        result = np.asarray(image)
    assert np.array_equal(result[:10], stored[:10]) and np.array_equal(result[20:], stored[20:])
    assert np.abs(by_little_cms(tmp_path / "b.tif", ICC)[10:20] - (180, 140, 120)).max() <= 3


def test_a_cmyk_jpeg_stays_one(tmp_path):
    write(tmp_path / "a.jpg", "CMYK")
    picture = load_picture(tmp_path / "a.jpg")
    save_picture(picture.restored(picture.seen(), torch.zeros(1, HEIGHT, WIDTH)), tmp_path / "b.jpg", quality=100)
    with Image.open(tmp_path / "a.jpg") as before, Image.open(tmp_path / "b.jpg") as after:
        assert after.mode == "CMYK" and after.info["icc_profile"] == ICC
        assert np.abs(np.asarray(before).astype(int) - np.asarray(after)).mean() < 1.5


@pytest.mark.parametrize("mode", ["CMYK", "LAB"])
def test_an_enlarged_result_keeps_the_files_way_of_mixing(tmp_path, mode):
    write(tmp_path / "a.tif", mode)
    picture = load_picture(tmp_path / "a.tif")
    large = resize_lanczos(picture.seen(), (2 * HEIGHT, 2 * WIDTH))
    result = picture.restored(large, torch.zeros(1, 2 * HEIGHT, 2 * WIDTH))
    assert result.numbers.shape == (len(picture.numbers), 2 * HEIGHT, 2 * WIDTH)
    assert (result.pixels - large).abs().mean() < 2 / 255
    if mode == "CMYK":
        small = result.numbers[3].float().view(HEIGHT, 2, WIDTH, 2).mean((1, 3))
        assert (small - picture.numbers[3].float()).abs().mean() < 3


@pytest.mark.parametrize(
    ("mode", "name"), [("CMYK", "b.png"), ("CMYK", "b.webp"), ("LAB", "b.png"), ("LAB", "b.jpg"), ("LAB", "b.webp")]
)
def test_formats_without_such_colors_get_srgb_and_that_is_said(tmp_path, mode, name):
    write(tmp_path / "a.tif", mode)
    picture = load_picture(tmp_path / "a.tif")
    (lost,) = save_picture(picture, tmp_path / name, quality=100)
    assert lost == f"{'Lab' if mode == 'LAB' else mode} colors (they were converted to sRGB)"
    with Image.open(tmp_path / name) as image:
        assert image.mode == "RGB" and "icc_profile" not in image.info
        assert np.abs(np.asarray(image).astype(int) - by_little_cms(tmp_path / "a.tif", ICC)).mean() < 3


def test_turned_pictures_in_inks_are_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.frombytes("CMYK", (WIDTH, HEIGHT), INKS.tobytes()).save(tmp_path / "a.jpg", icc_profile=ICC, exif=exif)
    picture = load_picture(tmp_path / "a.jpg")
    assert picture.inks == "CMYK" and picture.numbers.shape == (4, WIDTH, HEIGHT)


@pytest.mark.parametrize("icc", [b"broken", matrix_profile(PROPHOTO, D50, gamma_curve(1.8)), ICC[:2000], ONE_WAY, b""])
def test_inks_that_nothing_leads_back_to_become_srgb_and_that_is_said_in_one_line(tmp_path, icc):
    write(tmp_path / "a.tif", "CMYK", icc or None)
    picture = load_picture(tmp_path / "a.tif")
    (note,) = picture.notes
    assert "sRGB" in note and "\n" not in note and picture.inks is None and picture.icc is None
    save_picture(picture.restored(picture.seen(), torch.zeros(1, HEIGHT, WIDTH)), tmp_path / "b.tif")
    with Image.open(tmp_path / "b.tif") as image:
        assert image.mode == "RGB"
