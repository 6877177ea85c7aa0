"""Floating point, lights brighter than white, values that stand for nothing; and pages beside a picture."""

import struct

import numpy as np
import pytest
import tifffile
import torch
from imaging_harness.chunks import chunks_of, png_with
from PIL import Image

from gpen_core.imaging.files import load_picture, save_picture

COLORS = np.random.default_rng(3).integers(0, 256, (20, 30, 3), dtype=np.uint8)


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
