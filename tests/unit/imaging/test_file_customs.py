"""What phones and other programs put into a picture's file in ways of their own."""

import struct
from xml.etree import ElementTree

import pytest
from imaging_harness.knowledge import IPTC, NAMES
from PIL import Image, PngImagePlugin

from gpen_core.imaging.files import Known, load_picture, save_picture

BEHIND = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" hdrgm:Version="1.0" GCamera:MotionPhoto="1"
 GCamera:MotionPhotoVersion="1" dc:format="image/jpeg"><Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource">
<Container:Item Item:Semantic="GainMap" Item:Mime="image/jpeg" Item:Length="4711"/></rdf:li></rdf:Seq></Container:Directory>
<GCamera:MicroVideoOffset>99</GCamera:MicroVideoOffset></rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize("name", NAMES)
def test_what_phones_put_behind_a_picture_is_named_and_no_longer_announced(tmp_path, name):
    Image.new("RGB", (24, 16)).save(tmp_path / "source.jpg", xmp=BEHIND.encode())
    with (tmp_path / "source.jpg").open("ab") as file:
        file.write(b"\0\0\0\x18ftypmp42" + bytes(90))
    picture = load_picture(tmp_path / "source.jpg")
    assert picture.notes == ("its HDR gain map is left out", "its short video is left out")
    save_picture(picture, tmp_path / name)
    packet = load_picture(tmp_path / name).known.xmp.decode()
    ElementTree.fromstring(packet)  # noqa: S314 - our own
    assert 'dc:format="image/jpeg"' in packet
    assert not [word for word in ("hdrgm:", "GCamera:M", "GainMap", "4711") if word in packet]
    assert not load_picture(tmp_path / name).notes


@pytest.mark.parametrize("name", NAMES)
def test_further_images_in_a_jpeg_file_are_named(tmp_path, name):
    left, right, more = (Image.new("RGB", (24, 16), color) for color in ("red", "green", "blue"))
    left.save(tmp_path / "stereo.jpg", format="MPO", save_all=True, append_images=[right, more])
    picture = load_picture(tmp_path / "stereo.jpg")
    assert picture.notes == ("the file's main image is taken; what else is in it (2) is left out",)
    assert picture.pixels[0].min() > 0.9 and picture.pixels[1].max() < 0.1
    save_picture(picture, tmp_path / name)
    assert not load_picture(tmp_path / name).notes


def test_a_gain_map_is_named_once(tmp_path):
    picture = Image.new("RGB", (24, 16))
    picture.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[picture], xmp=BEHIND.encode())
    assert load_picture(tmp_path / "a.jpg").notes == ("its HDR gain map is left out", "its short video is left out")


@pytest.mark.parametrize("index", [b"", b"II*\0", b"II*\0\x08\0\0\0\x01\0\x01\xb0\x04\0\xff\xff\xff\xff", bytes(30)])
def test_an_index_of_further_images_that_makes_no_sense_is_no_error(tmp_path, index):
    Image.new("RGB", (24, 16)).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    segment = struct.pack(">HH", 0xFFE2, len(index) + 6) + b"MPF\0" + index
    (tmp_path / "a.jpg").write_bytes(data[:2] + segment + data[2:])
    assert load_picture(tmp_path / "a.jpg").notes == ()


@pytest.mark.parametrize("kind", ["iptc", "8bim"])
def test_what_imagemagick_keeps_in_png_files_is_xmp_and_iptc(tmp_path, kind):
    def raw(name, data):
        digits = data.hex()
        lines = [digits[at : at + 72] for at in range(0, len(digits), 72)]
        return "\n".join(("", name, f"{len(data):8d}", *lines, ""))

    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF></rdf:RDF></x:xmpmeta>'
    resources = b"8BIM\x03\xed\0\0\0\0\0\x02ab" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Raw profile type xmp", raw("xmp", packet), zip=True)
    texts.add_text(f"Raw profile type {kind}", raw(kind, resources), zip=True)
    Image.new("RGB", (24, 16)).save(tmp_path / "a.png", pnginfo=texts)
    assert load_picture(tmp_path / "a.png").known == Known(xmp=packet, iptc=IPTC)
