"""Networks see sRGB, results go back to the file's colors. Little CMS, which Pillow brings, is the independent converter."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from imaging_harness.chunks import chunks_of, png_with
from imaging_harness.icc import (
    ADOBE,
    D50,
    D65,
    P3,
    PROPHOTO,
    REC2020,
    SRGB,
    gamma_curve,
    lab_profile,
    matrix_profile,
    profile,
    srgb_curve,
)
from PIL import Image, ImageCms

from gpen_core.imaging.files import load_picture, save_picture

COLORS = np.random.default_rng(3).integers(0, 256, (20, 30, 3), dtype=np.uint8)

TABLE = (np.linspace(0, 1, 256) ** 2 * 65535).astype(">u2").tobytes()
WIDE = {
    "Display P3": matrix_profile(P3, D65, srgb_curve()),
    "Adobe RGB": matrix_profile(ADOBE, D65, gamma_curve(563 / 256)),
    "ProPhoto": matrix_profile(PROPHOTO, D50, gamma_curve(1.8)),
    "Rec. 2020": matrix_profile(REC2020, D65, gamma_curve(2.4)),
    "linear": matrix_profile(SRGB, D65, b"curv\0\0\0\0" + struct.pack(">I", 0)),
    "table": matrix_profile(P3, D65, b"curv\0\0\0\0" + struct.pack(">I", 256) + TABLE),
}


def by_little_cms(array, icc, back=False):
    srgb, own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")), ImageCms.ImageCmsProfile(io.BytesIO(icc))
    source, target = (srgb, own) if back else (own, srgb)
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    return np.asarray(ImageCms.profileToProfile(Image.fromarray(array), source, target, intent, "RGB"))


def rows(pixels):
    return pixels.movedim(0, -1).mul(255).round().numpy()


@pytest.mark.parametrize("name", WIDE)
def test_networks_see_wide_gamut_pictures_in_srgb(tmp_path, name):
    Image.fromarray(COLORS).save(tmp_path / "a.png", icc_profile=WIDE[name])
    seen = rows(load_picture(tmp_path / "a.png").pixels)
    assert np.abs(seen - by_little_cms(COLORS, WIDE[name])).max() <= 2
    assert np.abs(seen - COLORS).max() > 20


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("ending", ["png", "tif", "jpg", "webp"])
def test_results_go_back_to_the_files_own_colors(tmp_path, name, ending):
    Image.fromarray(COLORS).save(tmp_path / "a.png", icc_profile=WIDE[name])
    picture = load_picture(tmp_path / "a.png")
    frame = torch.full((3, 20, 30), 0.5)
    frame[0] = 0.7
    replaced = torch.zeros(1, 20, 30)
    replaced[:, :, 15:] = 1
    save_picture(picture.restored(torch.where(replaced > 0, frame, picture.pixels), replaced), tmp_path / f"b.{ending}")
    with Image.open(tmp_path / f"b.{ending}") as image:
        assert image.info["icc_profile"] == WIDE[name]
        found = np.asarray(image.convert("RGB"))
    expected = by_little_cms(np.full((20, 15, 3), (179, 128, 128), np.uint8), WIDE[name], back=True)
    if ending in ("png", "tif"):
        assert np.array_equal(found[:, :15], COLORS[:, :15])  # colors that sRGB does not have, too
        assert np.abs(found[:, 15:].astype(int) - expected).max() <= 1
    else:
        assert np.abs(found[:, 20:].astype(int) - expected[:, 5:]).mean() < 6


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(sorted(WIDE)),
    bits=st.sampled_from([8, 16]),
    channels=st.sampled_from([3, 4]),
    seed=st.integers(0, 2**31),
)
def test_what_is_not_replaced_keeps_its_very_numbers(name, bits, channels, seed):
    from gpen_core.imaging.spaces import space_of_profile

    highest = 2**bits - 1
    numbers = np.random.default_rng(seed).integers(0, highest + 1, (channels, 9, 7))
    numbers = torch.from_numpy(numbers).to(torch.uint8 if bits == 8 else torch.uint16)
    space = space_of_profile(WIDE[name], gray=False)
    back = space.back(space.seen(numbers), numbers, torch.zeros(1, 9, 7))
    assert torch.equal(back.int(), numbers.int())


@pytest.mark.parametrize("name", ["Display P3", "linear"])
def test_an_enlarged_result_keeps_colors_that_srgb_does_not_have(tmp_path, name):
    wide = np.zeros((20, 30, 3), np.uint8)
    wide[:, :, 1] = 255
    Image.fromarray(wide).save(tmp_path / "a.png", icc_profile=WIDE[name])
    picture = load_picture(tmp_path / "a.png")
    frame = picture.pixels.repeat_interleave(2, 1).repeat_interleave(2, 2)
    save_picture(picture.restored(frame, torch.zeros(1, 40, 60)), tmp_path / "b.png")
    found = np.asarray(Image.open(tmp_path / "b.png"))
    assert found.shape == (40, 60, 3) and np.abs(found.astype(int) - wide[0, 0]).max() <= 1


def test_srgbs_own_profile_changes_no_number(tmp_path):
    for icc in (
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        matrix_profile(SRGB, D65, srgb_curve()),
    ):
        Image.fromarray(COLORS).save(tmp_path / "a.png", icc_profile=icc)
        picture = load_picture(tmp_path / "a.png")
        assert picture.space is None and picture.icc == icc
        assert np.array_equal(rows(picture.pixels), COLORS)


def chrm(primaries, white):
    return b"cHRM", struct.pack(">8I", *(round(value * 100000) for point in (white, *primaries) for value in point))


def gama(value):
    return b"gAMA", struct.pack(">I", round(value * 100000))


def encoded(light):
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("gray", [False, True])
def test_linear_png_files_are_seen_in_srgb_and_stay_linear(tmp_path, dtype, gray):
    highest = np.iinfo(dtype).max
    light = np.linspace(0, 1, 64 if gray else 192).reshape((8, 8) if gray else (8, 8, 3))
    stored = np.round(light * highest).astype(dtype)
    png_with(tmp_path / "a.png", stored, gama(1.0))
    picture = load_picture(tmp_path / "a.png")
    expected = encoded(stored / highest)
    seen = picture.pixels[0].numpy() if gray else picture.pixels.movedim(0, -1).numpy()
    assert np.abs(seen - expected).max() < 1e-4
    half = torch.full((3, 8, 8), float(encoded(np.array(0.5))))
    save_picture(picture.restored(half, torch.ones(1, 8, 8)), tmp_path / "b.png")
    assert struct.unpack(">I", chunks_of(tmp_path / "b.png")[b"gAMA"]) == (100000,)
    found = load_picture(tmp_path / "b.png").numbers.int()
    assert (found - round(highest / 2)).abs().max() <= (1 if dtype == np.uint8 else 3)


@pytest.mark.parametrize(
    ("chunks", "icc"),
    [
        ([gama(1 / 2.2), chrm(ADOBE, D65)], matrix_profile(ADOBE, D65, srgb_curve())),
        ([gama(1 / 1.8), chrm(PROPHOTO, D50)], matrix_profile(PROPHOTO, D50, gamma_curve(1.8))),
        ([(b"cICP", bytes((12, 13, 0, 1)))], WIDE["Display P3"]),
        ([(b"cICP", bytes((9, 4, 0, 1)))], matrix_profile(REC2020, D65, gamma_curve(2.2))),
        ([(b"cICP", bytes((1, 8, 0, 1)))], WIDE["linear"]),
        ([(b"sRGB", b"\0"), gama(0.3), chrm(P3, D65)], None),
        ([gama(1 / 2.2), chrm(SRGB, D65)], None),
        ([gama(1 / 2.2)], None),
        ([(b"cICP", bytes((1, 13, 0, 1))), (b"iCCP", b"x\0\0" + zlib.compress(WIDE["ProPhoto"]))], None),
    ],
)
def test_colors_described_without_a_profile_are_seen_in_srgb(tmp_path, chunks, icc):
    png_with(tmp_path / "a.png", COLORS, *chunks)
    picture = load_picture(tmp_path / "a.png")
    expected = COLORS if icc is None else by_little_cms(COLORS, icc)
    assert np.abs(rows(picture.pixels) - expected).max() <= (0 if icc is None else 2)
    assert not save_picture(picture.restored(picture.pixels, torch.zeros(1, 20, 30)), tmp_path / "b.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "b.png")), COLORS)
    assert all(chunks_of(tmp_path / "b.png")[kind] == body for kind, body in chunks if kind != b"iCCP")
    lost = save_picture(picture, tmp_path / "b.tif")
    assert np.abs(np.asarray(Image.open(tmp_path / "b.tif")).astype(int) - expected).max() <= 2 or "iCCP" in str(chunks)
    assert bool(lost) == (icc is not None)


def embedded(icc):
    return b"iCCP", b"x\0\0" + zlib.compress(icc)


@pytest.mark.parametrize("name", ["b.jpg", "b.webp", "b.tif"])
@pytest.mark.parametrize(("cicp", "icc"), [("P3", "ProPhoto"), ("P3", "P3"), ("sRGB", "ProPhoto")])
def test_a_profile_that_a_png_file_overrules_does_not_go_into_another_file(tmp_path, name, cicp, icc):
    """Its cICP says what the numbers mean: under the profile, they would be other colors elsewhere."""
    points = bytes((12, 13, 0, 1) if cicp == "P3" else (1, 13, 0, 1))
    profile = WIDE["Display P3" if icc == "P3" else icc]
    smooth = np.linspace((60, 90, 120), (200, 180, 130), 600).reshape(20, 30, 3).astype(np.uint8)
    png_with(tmp_path / "a.png", smooth, (b"cICP", points), embedded(profile))
    picture = load_picture(tmp_path / "a.png")
    save_picture(picture.restored(picture.seen(), torch.ones(1, 20, 30)), tmp_path / name, quality=100)
    written = load_picture(tmp_path / name)
    assert (written.icc is not None) == (cicp == icc)
    torch.testing.assert_close(written.pixels, picture.pixels, atol=0.03, rtol=0)


@pytest.mark.parametrize(
    ("chunks", "same"),
    [
        ([(b"cICP", b"\1"), gama(0.5)], [gama(0.5)]),
        ([(b"cICP", bytes((99, 13, 0, 1))), chrm(P3, D65), gama(1 / 2.2)], [chrm(P3, D65), gama(1 / 2.2)]),
        ([(b"cICP", bytes((99, 13, 0, 1))), embedded(WIDE["ProPhoto"])], [embedded(WIDE["ProPhoto"])]),
        ([embedded(b"no profile"), chrm(P3, D65)], [chrm(P3, D65)]),
        ([(b"iCCP", b"x\0\0no zlib"), gama(0.5)], [gama(0.5)]),
        ([(b"cICP", bytes((12, 13, 0, 1))), embedded(b"no profile")], [(b"cICP", bytes((12, 13, 0, 1)))]),
    ],
)
def test_what_is_broken_of_a_description_gives_way_to_the_next_and_is_named(tmp_path, chunks, same):
    png_with(tmp_path / "a.png", COLORS, *chunks)
    png_with(tmp_path / "b.png", COLORS, *same)
    broken, whole = load_picture(tmp_path / "a.png"), load_picture(tmp_path / "b.png")
    assert torch.equal(broken.pixels, whole.pixels) and broken.icc == whole.icc
    assert len(broken.notes) == 1 and "cannot be used" in broken.notes[0] and not whole.notes


def test_pictures_of_high_dynamic_range_keep_it_where_nothing_is_replaced(tmp_path):
    deep = np.linspace(0, 65535, 600).astype(np.uint16).reshape(10, 20, 3)
    for transfer in (16, 18):
        png_with(tmp_path / "a.png", deep, (b"cICP", bytes((9, transfer, 0, 1))))
        picture = load_picture(tmp_path / "a.png")
        assert 0.2 < picture.pixels.mean() < 0.95
        save_picture(picture.restored(picture.seen(), torch.zeros(1, 10, 20)), tmp_path / "b.png")
        assert torch.equal(load_picture(tmp_path / "b.png").numbers.int(), picture.numbers.int())


@pytest.mark.parametrize(
    "chunk", [(b"cICP", bytes((99, 13, 0, 1))), gama(0), chrm(((0, 0),) * 3, (0, 0)), chrm((D65,) * 3, D65)]
)
def test_a_description_that_makes_no_sense_is_named(tmp_path, chunk):
    png_with(tmp_path / "a.png", COLORS, chunk)
    picture = load_picture(tmp_path / "a.png")
    assert "description of colors" in picture.notes[0]
    assert np.array_equal(rows(picture.pixels), COLORS)


def test_adobe_rgb_that_a_camera_names_without_a_profile_is_seen(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 0xFFFF
    block = exif.get_ifd(0x8769)
    block[0xA005] = {1: "R03"}
    Image.fromarray(COLORS).resize((240, 160), 0).save(tmp_path / "a.jpg", exif=exif, quality=100, subsampling=0)
    decoded = np.asarray(Image.open(tmp_path / "a.jpg"))
    seen = rows(load_picture(tmp_path / "a.jpg").pixels)
    assert np.abs(seen - by_little_cms(decoded, WIDE["Adobe RGB"])).max() <= 2


@pytest.mark.parametrize("pcs", [b"XYZ ", b"Lab "])
def test_gray_profiles_are_seen_and_gone_back_to(tmp_path, pcs):
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    icc = profile({b"kTRC": gamma_curve(1.2)}, b"GRAY", pcs)
    Image.fromarray(gray).save(tmp_path / "a.png", icc_profile=icc)
    picture = load_picture(tmp_path / "a.png")
    expected = by_little_cms(gray, icc)
    assert picture.gray and np.abs(rows(picture.pixels) - expected.reshape(16, 16, 3)).max() <= 3
    save_picture(picture.restored(picture.pixels, torch.zeros(1, 16, 16)), tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        assert image.mode == "L" and image.info["icc_profile"] == icc and np.array_equal(np.asarray(image), gray)


def test_profiles_of_tables_are_seen_and_what_has_no_way_back_becomes_srgb(tmp_path):
    icc = lab_profile()
    Image.fromarray(COLORS).save(tmp_path / "a.png", icc_profile=icc)
    picture = load_picture(tmp_path / "a.png")
    assert np.abs(rows(picture.pixels) - by_little_cms(COLORS, icc)).mean() < 2
    assert picture.icc is None and any("sRGB" in note for note in picture.notes)


@pytest.mark.parametrize(
    "icc",
    [b"", b"broken", b"x" * 500, WIDE["ProPhoto"][:200], profile({}), profile({b"kTRC": gamma_curve(1)}, b"GRAY")],
)
@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp"])
def test_a_broken_profile_is_named_and_left_out(tmp_path, icc, ending):
    Image.fromarray(COLORS).save(tmp_path / f"a.{ending}", icc_profile=icc or None)
    picture = load_picture(tmp_path / f"a.{ending}")
    assert picture.icc is None and picture.space is None
    assert bool(icc) == any("color profile cannot be used" in note for note in picture.notes)
    save_picture(picture, tmp_path / f"b.{ending}")
    with Image.open(tmp_path / f"b.{ending}") as image:
        assert "icc_profile" not in image.info
