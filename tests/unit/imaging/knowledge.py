"""What files know, and parsers of the tests' own that read it back."""

import struct
import zlib

import torch

from gpen_core.imaging.files import load_picture, save_picture

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
