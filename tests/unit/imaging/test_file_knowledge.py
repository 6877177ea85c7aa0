"""What a picture's file knew comes through every format that can hold it; read back here by parsers of the tests' own."""

import struct

import numpy as np
import pytest
import torch
from imaging_harness.knowledge import NAMES, PACKET, PIXELS, chunks_of, converted, png_with, segments_of
from PIL import Image

from gpen_core.imaging.files import Known, Picture, Resolution, load_picture, save_picture


@pytest.mark.parametrize("source", ["a.png", "a.jpg", "a.tif", "a.bmp", "a.webp"])
@pytest.mark.parametrize("name", NAMES)
def test_the_resolution_comes_through(tmp_path, source, name):
    image = Image.new("RGB", (24, 16))
    if source == "a.webp":
        exif = Image.Exif()
        exif[282], exif[283], exif[296] = 300.0, 150.0, 2
        image.save(tmp_path / f"source-{source}", exif=exif.tobytes())
    else:
        image.save(tmp_path / f"source-{source}", dpi=(300, 150))
    path, lost = converted(tmp_path, f"source-{source}", name)
    assert not lost
    if name == "a.png":
        x, y, unit = struct.unpack(">IIB", dict(chunks_of(path))[b"pHYs"])
        assert (x, y, unit) == (11811, pytest.approx(5905.5, abs=1), 1)
    elif name == "a.jpg":
        unit, x, y = struct.unpack(">BHH", segments_of(path)[0][1][7:12])
        assert (unit, x, y) == (1, 300, 150)
    else:
        with Image.open(path) as image:
            exif = image.getexif()
            assert (exif[282], exif[283], exif[296]) == (300, pytest.approx(150, abs=0.02), 2)


def test_the_ratio_of_oblong_pixels_comes_through(tmp_path):
    save_picture(Picture(PIXELS, known=Known(resolution=Resolution(4, 3, per_inch=False))), tmp_path / "a.png")
    for name in ("a.tif", "a.webp"):
        path, _ = converted(tmp_path, "a.png", name)
        found = load_picture(path).known.resolution
        assert found == Resolution(4, 3, per_inch=False)


@pytest.mark.parametrize("name", NAMES)
def test_times_and_places_come_through(tmp_path, name):
    exif = Image.Exif()
    exif[0x0132] = "2021:02:03 04:05:06"
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    exif.get_ifd(0x8769)[0x9011] = "+02:00"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 12.0, 30.5), 3: "E", 4: (11.0, 34.0, 0.0), 29: "2020:01:02"})
    Image.new("RGB", (24, 16)).save(tmp_path / "source.jpg", exif=exif)
    path, _ = converted(tmp_path, "source.jpg", name)
    with Image.open(path) as image:
        found = image.getexif()
        assert found[0x0132] == "2021:02:03 04:05:06"
        assert found.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05" and found.get_ifd(0x8769)[0x9011] == "+02:00"
        gps = found.get_ifd(0x8825)
        assert gps[1] == "N" and tuple(map(float, gps[2])) == (48, 12, 30.5) and gps[29] == "2020:01:02"


@pytest.mark.parametrize("name", NAMES)
def test_when_a_png_was_changed_comes_through(tmp_path, name):
    time = struct.pack(">HBBBBB", 2019, 7, 8, 9, 10, 11)
    png_with(tmp_path / "source.png", (b"tIME", time))
    path, _ = converted(tmp_path, "source.png", name)
    if name == "a.png":
        assert dict(chunks_of(path))[b"tIME"] == time
    else:
        with Image.open(path) as image:
            assert image.getexif()[0x0132] == "2019:07:08 09:10:11"


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_exif_states_the_picture_that_is_written(tmp_path, name, scale):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x0100], exif[0x0101] = 24, 16
    exif.get_ifd(0x8769).update({0xA002: 24, 0xA003: 16})
    Image.new("RGB", (24, 16)).save(tmp_path / "source.jpg", exif=exif)
    picture = load_picture(tmp_path / "source.jpg")
    frame = picture.pixels.repeat(1, scale, scale)
    save_picture(picture.restored(frame, torch.zeros(1, *frame.shape[1:])), tmp_path / name)
    with Image.open(tmp_path / name) as image:
        assert image.size == (16 * scale, 24 * scale)
        found, block = image.getexif(), image.getexif().get_ifd(0x8769)
        assert found.get(0x0112, 1) == 1
        assert (found[0x0100], found[0x0101]) == (block[0xA002], block[0xA003]) == image.size


@pytest.mark.parametrize("name", NAMES)
def test_small_copies_of_the_old_face_are_left_out(tmp_path, name):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x927C] = b"note" + b"\xff\xd8\xff\xe0 a preview \xff\xd9"
    Image.new("RGB", (24, 16)).save(tmp_path / "small.jpg")
    small = (tmp_path / "small.jpg").read_bytes()
    exif._ifds[1] = {}
    block = exif.tobytes()
    # a second directory with a thumbnail, appended to the first by hand
    start, tiff = 6, bytearray(block[6:])
    order = ">" if tiff[:2] == b"MM" else "<"
    (first,) = struct.unpack(f"{order}I", tiff[4:8])
    (count,) = struct.unpack(f"{order}H", tiff[first : first + 2])
    at = len(tiff) + len(tiff) % 2
    tiff[first + 2 + 12 * count : first + 6 + 12 * count] = struct.pack(f"{order}I", at)
    tiff += bytes(at - len(tiff)) + struct.pack(f"{order}H", 2)
    tiff += (
        struct.pack(f"{order}HHII", 513, 4, 1, at + 30)
        + struct.pack(f"{order}HHII", 514, 4, 1, len(small))
        + bytes(4)
        + small
    )
    xmp = PACKET.replace(b"<dc:rights>", b"<xmp:Thumbnails><rdf:Alt>/9j/4AAQ</rdf:Alt></xmp:Thumbnails><dc:rights>")
    Image.new("RGB", (24, 16)).save(tmp_path / "source.jpg", exif=block[:start] + bytes(tiff), xmp=xmp)
    assert (tmp_path / "source.jpg").read_bytes().count(b"\xff\xd8\xff") >= 3
    picture = load_picture(tmp_path / "source.jpg")
    assert any("maker note" in note for note in picture.notes)
    save_picture(picture, tmp_path / name)
    data = (tmp_path / name).read_bytes()
    assert data.count(b"\xff\xd8\xff") == (1 if name == "a.jpg" else 0)
    assert b"Thumbnails" not in data and b"Maker" in data


def test_exif_that_is_too_long_for_a_jpeg_is_reduced_and_named(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x927C] = bytes(range(256)) * 520  # 133 kB
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    Image.new("RGB", (24, 16)).save(tmp_path / "source.png", exif=exif)
    path, lost = converted(tmp_path, "source.png", "a.jpg")
    assert lost == ("EXIF's MakerNote (133 kB)",)
    with Image.open(path) as image:
        image.load()
        assert image.getexif()[0x010F] == "Maker"
        assert image.getexif().get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
    path, lost = converted(tmp_path, "source.png", "a.webp")
    assert not lost


def test_depth_and_transparency_that_a_format_cannot_hold_are_named(tmp_path):
    picture = Picture(torch.rand(4, 8, 8), bits=16)
    assert not save_picture(picture, tmp_path / "a.png")
    assert {text.split()[0] for text in save_picture(picture, tmp_path / "a.jpg")} == {"transparency", "16"}
    assert len(save_picture(picture, tmp_path / "a.webp")) == 1


@pytest.mark.parametrize(
    "data", [b"", b"II*\0", b"MM\0*\0\0\0\x08\xff\xff", b"II*\0\x08\0\0\0\1\0\x0f\1\2\0\xff\xff\xff\xff\1\0\0\0"]
)
def test_damaged_exif_is_as_good_as_none(tmp_path, data):
    png_with(tmp_path / "a.png", (b"eXIf", data))
    picture = load_picture(tmp_path / "a.png")
    save_picture(picture, tmp_path / "b.jpg")
    assert np.asarray(Image.open(tmp_path / "b.jpg")).shape == (16, 24, 3)
