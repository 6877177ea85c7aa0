"""Our PNG files as others read them: Pillow and OpenCV."""

import io
import struct
import sys
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from gpen_core.imaging.files import png

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def pictures(dtype, channels):
    sides = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)
    shapes = st.tuples(sides, st.sampled_from(channels)).map(lambda drawn: (*drawn[0], drawn[1]))
    return shapes.flatmap(lambda shape: arrays(dtype, shape))


def by_pillow(data):
    with Image.open(io.BytesIO(data)) as image:
        return image.mode, np.asarray(image)


class Rows:
    """An array, by rows."""

    def __init__(self, array):
        self.array = array[:, :, None] if array.ndim == 2 else array
        self.shape, self.dtype = self.array.shape, self.array.dtype

    def band(self, first, end):
        return self.array[first:end]


def encode_png(pixels, chunks=()):
    file = io.BytesIO()
    png.write_png(file, Rows(pixels), chunks)
    return file.getvalue()


@pytest.fixture(params=["isal", "zlib"], autouse=True)
def library(request, monkeypatch):
    """Whichever compresses, and every machine has the second."""
    if request.param == "isal":
        isal_zlib = pytest.importorskip("isal.isal_zlib", reason="isal is not installed: zlib compresses all files")
        assert png._deflate() is isal_zlib
    else:
        monkeypatch.setitem(sys.modules, "isal", None)
        assert png._deflate() is zlib


@pytest.fixture(params=[False, True], ids=["one strip", "many strips"])
def strips(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(png, "_STRIP", 50)
        monkeypatch.setattr(png, "_BLOCK", 30)
        monkeypatch.setattr(png, "_GROUP", 3)


@given(pixels=pictures(np.uint8, (1, 2, 3, 4)))
def test_eight_bits_come_back_by_pillow(pixels):
    mode, found = by_pillow(encode_png(pixels))
    assert mode == MODES[pixels.shape[2]]
    assert np.array_equal(found.reshape(pixels.shape), pixels)


@given(pixels=pictures(np.uint16, (1, 2, 3, 4)))
def test_sixteen_bits_come_back_by_opencv(pixels):
    found = cv2.imdecode(np.frombuffer(encode_png(pixels), np.uint8), cv2.IMREAD_UNCHANGED)
    order = {1: [0], 2: [0, 0, 0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[pixels.shape[2]]
    expected = pixels[:, :, order]
    assert found.dtype == np.uint16
    assert np.array_equal(found.reshape(expected.shape), expected)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("shape", [(40, 7, 3), (33, 21), (5, 64, 4), (1, 90, 1)])
def test_strips_join_to_one_picture(shape, threads, strips, torch_threads):
    torch_threads(threads)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    data = encode_png(pixels)
    assert np.array_equal(by_pillow(data)[1].reshape(shape), pixels)
    # Each chunk says its length and its sum, and together they are one zlib stream with the right sum at its end.
    stream = b""
    place = 8
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + length]
        assert struct.unpack(">I", data[place + 8 + length : place + 12 + length]) == (zlib.crc32(kind + body),)
        stream += body if kind == b"IDAT" else b""
        place += 12 + length
    assert len(zlib.decompress(stream)) == shape[0] * (1 + int(np.prod(shape[1:])))


def test_the_file_does_not_depend_on_the_threads(torch_threads):
    pixels = np.random.default_rng(1).integers(0, 64, (700, 500, 3), np.uint8)
    files = []
    for threads in (1, 2, 5):
        torch_threads(threads)
        files.append(encode_png(pixels, [(b"eXIf", b"II*\0exif")]))
    assert files[0] == files[1] == files[2]


def test_photographs_take_no_more_room_than_by_pillow(astronaut):
    pixels = (astronaut * 255).byte().movedim(0, -1).numpy()
    other = io.BytesIO()
    Image.fromarray(pixels).save(other, "PNG", compress_level=2)
    assert len(encode_png(pixels)) < 1.02 * len(other.getvalue())


def test_chunks_stand_before_the_pixels():
    chunks = [(b"iCCP", b"name\0\0" + zlib.compress(b"a profile" * 99)), (b"eXIf", b"II*\0\x08\0\0\0\0\0")]
    with Image.open(io.BytesIO(encode_png(np.zeros((3, 4, 3), np.uint8), chunks))) as image:
        assert image.info["icc_profile"] == b"a profile" * 99
        assert image.info["exif"].removeprefix(b"Exif\0\0") == b"II*\0\x08\0\0\0\0\0"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_layout_in_memory_does_not_matter(dtype):
    pixels = np.random.default_rng(2).integers(0, 255, (6, 5, 3), dtype)
    expected = encode_png(pixels)
    turned = np.ascontiguousarray(pixels.transpose(2, 0, 1)).transpose(1, 2, 0)
    assert encode_png(np.asfortranarray(pixels)) == encode_png(turned) == expected


@pytest.mark.parametrize(
    "empty", [np.zeros((0, 5, 3), np.uint8), np.zeros((5, 0), np.uint16), np.zeros((2, 2), np.float32)]
)
def test_what_is_no_picture_is_refused(empty):
    with pytest.raises(ValueError, match="at least one pixel"):
        encode_png(empty)
