"""Networks see sRGB, results go back to the file's colors. Little CMS, which Pillow brings, is the independent converter."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from gpen_core.imaging.files import load_picture, save_picture

SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
REC2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
PROPHOTO = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001))
D65, D50 = (0.3127, 0.3290), (0.3457, 0.3585)
COLORS = np.random.default_rng(3).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def xyz(point):
    return np.array([point[0] / point[1], 1, (1 - sum(point)) / point[1]])


def to_d50(primaries, white):
    """Bradford, as in Lindbloom's notes."""
    columns = np.array([xyz(point) for point in primaries]).T
    matrix = columns * np.linalg.solve(columns, xyz(white))
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = (cones @ np.array([0.9642, 1, 0.8249])) / (cones @ xyz(white))
    return np.linalg.inv(cones) @ np.diag(scale) @ cones @ matrix


def s15(*values):
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def gamma_curve(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def srgb_curve():
    return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + s15(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def profile(tags, space=b"RGB ", pcs=b"XYZ ", kind=b"mntr"):
    """An ICC profile of version 4 with these tags."""
    text = "x".encode("utf-16-be")
    mluc = b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(text), 28) + text
    tags = {b"desc": mluc, b"cprt": mluc, b"wtpt": b"XYZ \0\0\0\0" + s15(0.9642, 1, 0.8249), **tags}
    at, rows, data = 128 + 4 + 12 * len(tags), [], b""
    for name, body in tags.items():
        rows.append(struct.pack(">4sII", name, at + len(data), len(body)))
        data += body + bytes(-len(body) % 4)
    head = struct.pack(">I4sI4s4s4s", at + len(data), b"none", 0x04200000, kind, space, pcs)
    head += bytes(12) + b"acsp" + bytes(28) + s15(0.9642, 1, 0.8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + b"".join(rows) + data


def matrix_profile(primaries, white, curve):
    columns = to_d50(primaries, white).T
    colors = {
        name: b"XYZ \0\0\0\0" + s15(*column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)
    }
    return profile({**colors, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


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


def png_with(path, pixels, *chunks):
    """A PNG file of uint8 or uint16 [H, W, 3], or [H, W] of gray, with these chunks."""
    deep = pixels.dtype == np.uint16
    height, width = pixels.shape[:2]
    data = b"".join(b"\0" + row.astype(">u2" if deep else "u1").tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 16 if deep else 8, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    every = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in every
    ))  # fmt: skip


def chunks_of(path):
    data, at, found = path.read_bytes(), 8, {}
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        found[kind] = data[at + 8 : at + 8 + size]
        at += 12 + size
    return found


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


def lab_profile():
    """A profile of tables: colors are 1 − colors, by a grid of two steps to Lab … as Little CMS reads it."""
    grid = b""
    for red in (0, 1):
        for green in (0, 1):
            for blue in (0, 1):
                grid += struct.pack(
                    ">3H",
                    round((red + green + blue) / 3 * 65280),
                    32896 + 3000 * (red - green),
                    32896 + 3000 * (green - blue),
                )
    identity = s15(1, 0, 0, 0, 1, 0, 0, 0, 1)
    linear = struct.pack(">2H", 0, 65535)
    lut = b"mft2\0\0\0\0" + bytes((3, 3, 2, 0)) + identity + struct.pack(">HH", 2, 2) + linear * 3 + grid + linear * 3
    return profile({b"A2B0": lut}, pcs=b"Lab ", kind=b"scnr")


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


@pytest.mark.parametrize("icc", [b"broken", WIDE["ProPhoto"]])
def test_a_broken_profile_of_inks_is_named(tmp_path, icc):
    Image.fromarray(COLORS).convert("CMYK").save(tmp_path / "a.tif", icc_profile=icc)
    picture = load_picture(tmp_path / "a.tif")
    assert "its color profile cannot be used" in picture.notes[0]
    assert np.abs(rows(picture.pixels) - COLORS).max() <= 1


def test_inks_are_named(tmp_path):
    Image.fromarray(COLORS).convert("CMYK").save(tmp_path / "a.tif")
    assert load_picture(tmp_path / "a.tif").notes == ("its CMYK colors were converted to sRGB",)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True},
        {"tile": (16, 16)},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"planarconfig": "separate"},
        {"rowsperstrip": 7},
    ],
)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_floating_point_tiffs_stay_so(tmp_path, dtype, options, channels):
    if dtype == np.float16 and options.get("predictor"):
        pytest.skip("tifffile has no such predictor for half precision")
    array = np.random.default_rng(0).random((20, 30, channels)).astype(dtype)
    if channels == 1:
        array = array[:, :, 0]
    given = array.transpose(2, 0, 1) if options.get("planarconfig") and channels > 1 else array
    extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    if options.get("planarconfig") and channels == 1:
        options = {}
    try:
        tifffile.imwrite(
            tmp_path / "a.tif",
            given,
            photometric="rgb" if channels > 1 else "minisblack",
            metadata=None,
            **extra,
            **options,
        )
    except (ValueError, KeyError, ImportError, NotImplementedError) as error:
        pytest.skip(f"tifffile cannot write it: {error}")
    picture = load_picture(tmp_path / "a.tif")
    expected = array if channels > 1 else np.repeat(array[:, :, None], 3, 2)
    assert np.array_equal(picture.pixels.movedim(0, -1).numpy(), expected.astype(np.float32))
    assert picture.floating and picture.bits == 8 * array.itemsize and picture.gray == (channels == 1)
    save_picture(picture, tmp_path / "b.tif")
    again = load_picture(tmp_path / "b.tif")
    assert torch.equal(again.pixels, picture.pixels) and again.floating and again.bits == picture.bits
    lost = save_picture(picture, tmp_path / "b.png")
    assert "floating-point" in lost[0] and load_picture(tmp_path / "b.png").bits == 16


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("order", ["<", ">"])
def test_our_tiffs_are_read_by_tifffile_and_libtiff(tmp_path, dtype, channels, order):
    from gpen_core.imaging.files.ifd import Block
    from gpen_core.imaging.files.tiff_writing import write_tiff

    array = np.random.default_rng(1).random((33, 21, channels))
    array = (array * (np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1)).astype(dtype)

    class Rows:
        shape = array.shape

        @staticmethod
        def band(first, end):
            return array[first:end]

    Rows.dtype = array.dtype
    with (tmp_path / "a.tif").open("wb") as file:
        write_tiff(file, Rows, Block(order), {})
    try:
        found = tifffile.imread(tmp_path / "a.tif")
        assert np.array_equal(found.reshape(array.shape), array)
    except ValueError as error:
        assert "imagecodecs" in str(error)
    if dtype == np.uint8 or (channels == 1 and (dtype == np.uint16 or (dtype == np.float32 and order == "<"))):
        with Image.open(tmp_path / "a.tif") as image:
            assert np.array_equal(np.asarray(image).reshape(array.shape), array)
    if dtype != np.float16 and (
        channels in (1, 3) or (channels == 4 and dtype != np.uint8)
    ):  # those it multiplies by alpha
        cv2 = pytest.importorskip("cv2", reason="OpenCV reads TIFF files by another copy of libtiff")
        found = cv2.imread(str(tmp_path / "a.tif"), cv2.IMREAD_UNCHANGED).reshape(array.shape)
        order_of_channels = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
        assert np.array_equal(found, array[:, :, order_of_channels])


def test_values_of_another_range_and_nan_are_named(tmp_path):
    for value, words in ((200.0, "0 to 200"), (np.nan, "not all finite")):
        array = np.zeros((4, 4, 3), np.float32)
        array[0, 0] = value
        tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb")
        with pytest.raises(Exception, match=words):
            load_picture(tmp_path / "a.tif")


def test_lights_brighter_than_white_stay_where_nothing_is_replaced(tmp_path):
    array = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32) * 3
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", metadata=None)
    picture = load_picture(tmp_path / "a.tif")
    assert picture.pixels.max() == 1
    save_picture(picture.restored(picture.pixels, torch.zeros(1, 8, 8)), tmp_path / "b.tif")
    assert np.allclose(load_picture(tmp_path / "b.tif").numbers.movedim(0, -1).numpy(), array, atol=1e-6)


def test_a_transparent_value_in_16_bit_gray_becomes_alpha(tmp_path):
    gray = np.array([[0, 256, 257], [65535, 1, 257]], np.uint16)
    png_with(tmp_path / "a.png", gray, (b"tRNS", struct.pack(">H", 257)))
    picture = load_picture(tmp_path / "a.png")
    assert picture.gray and picture.bits == 16
    assert picture.pixels[3].tolist() == [[1, 1, 0], [1, 1, 0]]
    save_picture(picture, tmp_path / "b.png")
    assert chunks_of(tmp_path / "b.png")[b"IHDR"][8:10] == bytes((16, 4))


@pytest.mark.parametrize("first", ["picture", "copy"])
@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_reduced_page_beside_the_picture_is_left_out(tmp_path, first, said, dtype):
    whole = (np.random.default_rng(0).random((60, 80, 3)) * (np.iinfo(dtype).max if dtype != np.float32 else 1)).astype(
        dtype
    )
    pages = [(whole, 0), (whole[::4, ::4], 1)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for array, kind in pages if first == "picture" else pages[::-1]:
            file.write(array, photometric="rgb", subfiletype=kind if said else 0, metadata=None)
    picture = load_picture(tmp_path / "a.tif")
    assert picture.pixels.shape == (3, 60, 80) and "left out" in picture.notes[0]
    expected = whole.astype(np.float32) / (np.iinfo(dtype).max if dtype != np.float32 else 1)
    assert np.allclose(picture.pixels.movedim(0, -1).numpy(), expected, atol=1e-6)


def test_the_small_picture_of_a_phones_two_is_left_out(tmp_path):
    Image.fromarray(COLORS).save(
        tmp_path / "a.mpo", save_all=True, append_images=[Image.new("RGB", (8, 8))], format="MPO"
    )
    assert load_picture(tmp_path / "a.mpo").pixels.shape == (3, 20, 30)
