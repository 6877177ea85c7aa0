"""What a picture's file knew comes through every format that can hold it; read back here by parsers of the tests' own."""

import re
import struct
import zlib

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from gpen_core.imaging.files import Known, Picture, Resolution, Text, load_picture, save_picture

PIXELS = torch.linspace(0, 1, 3 * 16 * 24).reshape(3, 16, 24)
NAMES = ["a.png", "a.jpg", "a.webp", "a.tif"]
PACKET = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf='
    '"http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" tiff:Orientation="6" '
    'exif:PixelXDimension="999"><tiff:ImageLength>777</tiff:ImageLength><dc:rights>Åsa 写真</dc:rights></rdf:Description>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
).encode()
IPTC = b"\x1c\x01\x5a\x00\x03\x1b%G" + b"\x1c\x02\x78\x00\x09A caption" + b"\x1c\x02\x50\x00\x04Anne"
PROMPT = '{"3": {"class_type": "KSampler", "inputs": {"seed": 5, "text": "a \\u5199 <face> & more"}}}'
WORKFLOW = '{"nodes": [{"id": 1, "title": "Größe 写真 😀"}], "links": []}'
PARAMETERS = "a portrait, café, 写真\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, Size: 512x512"


def chunks_of(path):
    """Kind and data of each chunk, whose sums are right."""
    data, at, found = path.read_bytes(), 8, []
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + body)
        found.append((kind, body))
        at += 12 + size
    return found


def segments_of(path):
    """Marker and data of each segment before the pixels."""
    data, at, found = path.read_bytes(), 2, []
    while data[at + 1] != 0xDA:
        assert data[at] == 0xFF
        (size,) = struct.unpack(">H", data[at + 2 : at + 4])
        found.append((data[at + 1], data[at + 4 : at + 2 + size]))
        at += 2 + size
    return found


def riff_of(path):
    data, at, found = path.read_bytes(), 12, {}
    while at + 8 <= len(data):
        kind, size = struct.unpack("<4sI", data[at : at + 8])
        found[kind] = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return found


def png_with(path, *chunks):
    """A PNG file of one red pixel row with these chunks before the pixels."""
    rows = b"".join(b"\0" + bytes((200, 10, 10)) * 24 for _ in range(16))
    every = [
        (b"IHDR", struct.pack(">IIBBBBB", 24, 16, 8, 2, 0, 0, 0)),
        *chunks,
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    data = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in every
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(data))


def converted(tmp_path, source, name):
    """The file as ``restore`` writes it: all that it knew, in another file; and what is said to be lost."""
    picture = load_picture(tmp_path / source)
    frame = picture.pixels.flip(2)
    lost = save_picture(picture.restored(frame, torch.ones(1, *frame.shape[1:])), tmp_path / name)
    return tmp_path / name, lost


def texts_of(path):
    return {text.keyword: text.value for text in load_picture(path).known.texts}


def text_chunks():
    return [
        (b"tEXt", b"prompt\0" + PROMPT.encode()),
        (b"iTXt", b"workflow\0\0\0\0\0" + WORKFLOW.encode()),
        (b"iTXt", b"parameters\0\1\0en\0\0" + zlib.compress(PARAMETERS.encode())),
        (b"zTXt", b"Description\0\0" + zlib.compress("Grüße".encode("latin-1"))),
        (b"tEXt", b"Author\0Anne"),
    ]


TEXTS = {"prompt": PROMPT, "workflow": WORKFLOW, "parameters": PARAMETERS, "Description": "Grüße", "Author": "Anne"}


@pytest.mark.parametrize("name", NAMES)
def test_prompts_workflows_and_texts_come_through_every_format_and_back(tmp_path, name):
    png_with(tmp_path / "source.png", *text_chunks())
    path, lost = converted(tmp_path, "source.png", f"there-{name}")
    assert texts_of(path) == TEXTS and not lost
    back, lost = converted(tmp_path, path.name, "back.png")
    assert texts_of(back) == TEXTS and not lost
    found = {}
    for kind, body in chunks_of(back):
        keyword, _, rest = body.partition(b"\0")
        if kind == b"tEXt":
            found[keyword.decode()] = rest.decode("latin-1")
        if kind == b"iTXt":
            found[keyword.decode()] = rest[2:].split(b"\0", 2)[2].decode()
    assert found == TEXTS


def test_other_tools_find_their_texts_in_webp_and_jpeg_files_where_they_look(tmp_path):
    png_with(tmp_path / "source.png", *text_chunks())
    for name in ("a.webp", "a.jpg"):
        path, _ = converted(tmp_path, "source.png", name)
        with Image.open(path) as image:
            exif = image.getexif()
            assert exif[0x0110] == f"prompt:{PROMPT}"
            assert exif[0x010F].encode("latin-1").decode() == f"workflow:{WORKFLOW}"
            comment = exif.get_ifd(0x8769)[0x9286]
        assert comment[:8] == b"UNICODE\0" and comment[8:].decode("utf-16-be") == PARAMETERS


def test_a_cameras_name_is_not_replaced_by_a_workflow(tmp_path):
    made = Image.Exif()
    made[0x010F], made[0x0110] = "Maker", "Model"
    png_with(tmp_path / "source.png", *text_chunks(), (b"eXIf", made.tobytes()[6:]))
    path, _ = converted(tmp_path, "source.png", "a.jpg")
    with Image.open(path) as image:
        assert (image.getexif()[0x010F], image.getexif()[0x0110]) == ("Maker", "Model")
    assert texts_of(path) == TEXTS


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.builds(
            Text,
            st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20),
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200),
        ),
        max_size=4,
        unique_by=lambda text: text.keyword,
    ),
    name=st.sampled_from(NAMES),
)
def test_any_text_comes_through_or_is_named(tmp_path, texts, name):
    lost = save_picture(Picture(PIXELS, known=Known(tuple(texts))), tmp_path / name)
    found = sorted((text.keyword, text.value) for text in load_picture(tmp_path / name).known.texts)
    kept = sorted((text.keyword, text.value) for text in texts if f"the text '{text.keyword}'" not in lost)
    assert found == kept
    for text in texts:
        if f"the text '{text.keyword}'" in lost:
            assert name != "a.png" and any(
                re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", t.value) for t in texts
            )


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


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("comment", ["made by hand", "Grüße 写真"])
def test_a_jpegs_comment_comes_through(tmp_path, name, comment):
    Image.new("RGB", (24, 16)).save(tmp_path / "source.jpg", comment=comment.encode())
    path, lost = converted(tmp_path, "source.jpg", name)
    assert texts_of(path) == {"Comment": comment} and not lost
    back, _ = converted(tmp_path, name, "back.jpg")
    assert [body for marker, body in segments_of(back) if marker == 0xFE] == [comment.encode()]


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


def test_a_text_longer_than_pillow_allows_does_not_keep_a_picture_from_being_read(tmp_path):
    long = "x" * 3_000_000
    png_with(tmp_path / "source.png", (b"zTXt", b"workflow\0\0" + zlib.compress(long.encode())))
    assert texts_of(tmp_path / "source.png") == {"workflow": long}
    path, lost = converted(tmp_path, "source.png", "a.jpg")
    assert (texts_of(path) == {} and lost) or texts_of(path) == {"workflow": long}


def test_a_text_that_unpacks_to_gigabytes_is_left_out(tmp_path):
    bomb = zlib.compress(bytes(200_000_000), 9)
    png_with(tmp_path / "a.png", (b"zTXt", b"bomb\0\0" + bomb), (b"iCCP", b"x\0\0" + bomb))
    picture = load_picture(tmp_path / "a.png")
    assert picture.known.texts == () and picture.icc is None


@pytest.mark.parametrize(
    "data", [b"", b"II*\0", b"MM\0*\0\0\0\x08\xff\xff", b"II*\0\x08\0\0\0\1\0\x0f\1\2\0\xff\xff\xff\xff\1\0\0\0"]
)
def test_damaged_exif_is_as_good_as_none(tmp_path, data):
    png_with(tmp_path / "a.png", (b"eXIf", data))
    picture = load_picture(tmp_path / "a.png")
    save_picture(picture, tmp_path / "b.jpg")
    assert np.asarray(Image.open(tmp_path / "b.jpg")).shape == (16, 24, 3)
