"""XMP, IPTC and Photoshop's blocks come through, and state the picture that is written."""

import struct
import zlib

import pytest
import tifffile
from imaging_harness.knowledge import IPTC, NAMES, PACKET, PIXELS, chunks_of, converted, riff_of, segments_of
from PIL import Image

from gpen_core.imaging.files import Known, Picture, load_picture, save_picture


@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize("name", NAMES)
def test_xmp_comes_through_between_all_formats_and_states_the_new_picture(tmp_path, source, name):
    save_picture(Picture(PIXELS, known=Known(xmp=PACKET)), tmp_path / f"source-{source}")
    path, lost = converted(tmp_path, f"source-{source}", name)
    assert not lost
    if name == "a.png":
        found = next(body for kind, body in chunks_of(path) if kind == b"iTXt").removeprefix(
            b"XML:com.adobe.xmp\0\0\0\0\0"
        )
    elif name == "a.jpg":
        head = b"http://ns.adobe.com/xap/1.0/\0"
        found = next(body for _, body in segments_of(path) if body.startswith(head)).removeprefix(head)
    elif name == "a.webp":
        found = riff_of(path)[b"XMP "]
    else:
        with tifffile.TiffFile(path) as file:
            found = bytes(file.pages[0].tags[700].value)
    expected = PACKET.replace(b'Orientation="6"', b'Orientation="1"').replace(b'"999"', b'"24"').replace(b"777", b"16")
    assert found == expected


@pytest.mark.parametrize("size", [60_000, 200_000])
def test_a_long_xmp_packet_comes_through_a_jpeg_file(tmp_path, size):
    packet = PACKET.replace(b"</dc:rights>", b"x" * size + b"</dc:rights>")
    save_picture(Picture(PIXELS, known=Known(xmp=packet)), tmp_path / "a.jpg")
    found = load_picture(tmp_path / "a.jpg").known.xmp
    assert found.count(b"x" * size) == 1
    with Image.open(tmp_path / "a.jpg") as image:
        image.load()


def test_an_extended_packet_of_another_program_is_joined(tmp_path):
    more = PACKET.replace("Åsa 写真".encode(), b"the second part").replace(b"dc:", b"photoshop:")
    first = PACKET.replace(
        b'rdf:about=""', b'rdf:about="" xmlns:xmpNote="n" xmpNote:HasExtendedXMP="' + b"A" * 32 + b'"'
    )
    Image.new("RGB", (24, 16)).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    one = b"http://ns.adobe.com/xap/1.0/\0" + first
    parts = [b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32 + struct.pack(">II", len(more), at) + more[at : at + 300]
             for at in range(0, len(more), 300)]  # fmt: skip
    every = b"".join(b"\xff\xe1" + struct.pack(">H", len(part) + 2) + part for part in (one, *reversed(parts)))
    (tmp_path / "a.jpg").write_bytes(data[:2] + every + data[2:])
    found = load_picture(tmp_path / "a.jpg").known.xmp.decode()
    assert "Åsa 写真" in found and "the second part" in found and "HasExtendedXMP" not in found


@pytest.mark.parametrize("source", ["a.png", "a.jpg", "a.tif"])
@pytest.mark.parametrize("name", NAMES)
def test_iptc_comes_through_or_is_named(tmp_path, source, name):
    save_picture(Picture(PIXELS, known=Known(iptc=IPTC)), tmp_path / f"source-{source}")
    path, lost = converted(tmp_path, f"source-{source}", name)
    assert lost == (("IPTC data",) if name == "a.webp" else ())
    if name == "a.png":
        body = next(body for kind, body in chunks_of(path) if kind == b"zTXt")
        head, _, packed = body.partition(b"\0")
        lines = zlib.decompress(packed[1:]).split(b"\n")
        assert head == b"Raw profile type iptc" and lines[1] == b"iptc" and int(lines[2]) == len(IPTC)
        assert bytes.fromhex(b"".join(lines[3:]).decode()) == IPTC
    elif name == "a.jpg":
        body = next(body for _, body in segments_of(path) if body.startswith(b"Photoshop 3.0\0"))
        assert body[14:20] == b"8BIM\x04\x04" and IPTC in body
        from PIL import IptcImagePlugin

        with Image.open(path) as image:
            assert IptcImagePlugin.getiptcinfo(image)[(2, 120)] == b"A caption"
    elif name == "a.tif":
        with tifffile.TiffFile(path) as file:
            assert bytes(file.pages[0].tags[33723].value) == IPTC


def test_photoshops_thumbnail_of_the_old_picture_is_left_out(tmp_path):
    Image.new("RGB", (24, 16)).save(tmp_path / "old.jpg")
    small = (tmp_path / "old.jpg").read_bytes()
    resources = b"Photoshop 3.0\0"
    for kind, data in ((0x040C, bytes(28) + small), (0x0404, IPTC)):
        resources += b"8BIM" + struct.pack(">HHI", kind, 0, len(data)) + data + bytes(len(data) % 2)
    segment = b"\xff\xed" + struct.pack(">H", len(resources) + 2) + resources
    (tmp_path / "source.jpg").write_bytes(small[:2] + segment + small[2:])
    path, _ = converted(tmp_path, "source.jpg", "a.jpg")
    assert path.read_bytes().count(b"\xff\xd8\xff") == 1
    assert load_picture(path).known.iptc == IPTC
