"""Which files are opened, by which readers, up to which size, and what reaches the terminal meanwhile."""

import io
import os
import struct
import sys
import zlib

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms, WebPImagePlugin

from gpen_core.errors import ImageError
from gpen_core.imaging.files import Known, Picture, load_picture, save_picture
from gpen_core.imaging.files.limits import check_size

COLORS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def png_of(width, height):
    """A small PNG file of one color and any size."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    packed = zlib.compressobj(9)
    data = b"".join(
        packed.compress(bytes(1 + (width + 7) // 8) * min(1000, height - row)) for row in range(0, height, 1000)
    )
    data += packed.flush()
    chunks = (b"IHDR", head), (b"IDAT", data), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


@pytest.mark.parametrize(
    "file_format",
    ["EPS", "PPM", "TGA", "ICO", "PCX", "SGI", "JPEG2000", "PDF", "ICNS", "DDS", "MSP", "XBM", "IM"],
)
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_other_formats_are_refused_under_any_name(tmp_path, file_format, name, monkeypatch):
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("Ghostscript was asked"))
    mode = {"MSP": "1", "XBM": "1"}.get(file_format, "RGB")
    Image.fromarray(COLORS).resize((32, 32)).convert(mode).save(tmp_path / name, format=file_format)
    with pytest.raises(ImageError, match=r"not an image file, or an unsupported format\. Images are PNG"):
        load_picture(tmp_path / name)


@pytest.mark.parametrize(
    "head",
    [b"8BPS\0\1", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"SIMPLE  =", b"\x89HDF\r\n\x1a\n", b"\xff\x4f\xff\x51"],
)
def test_other_programs_files_are_refused_by_their_first_bytes(tmp_path, head):
    (tmp_path / "a.png").write_bytes(head + bytes(200))
    with pytest.raises(ImageError, match="unsupported format"):
        load_picture(tmp_path / "a.png")


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
def test_a_format_is_told_by_its_content(tmp_path, file_format):
    Image.fromarray(COLORS).save(tmp_path / "a.dat", format=file_format)
    for name in ("a.png", "a.jpg", "a.tif", "a"):
        (tmp_path / name).write_bytes((tmp_path / "a.dat").read_bytes())
        assert load_picture(tmp_path / name).pixels.shape == (3, 20, 30)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    for path in (tmp_path / "a.png", tmp_path):
        with pytest.raises(ImageError, match="not a file"):
            load_picture(path)


def test_a_scan_over_pillows_limit_is_read_and_pillows_limit_stays(monkeypatch, tmp_path):
    before = Image.MAX_IMAGE_PIXELS
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for name, options in (
        ("a.png", {}),
        ("a.jpg", {}),
        ("a.tif", {}),
        ("b.tif", {"compression": "tiff_lzw"}),
        ("a.bmp", {}),
        ("a.webp", {}),
        ("b.webp", {"lossless": True}),
        ("c.webp", {"icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()}),
    ):
        Image.fromarray(COLORS).save(tmp_path / name, **options)
        assert load_picture(tmp_path / name).pixels.shape == (3, 20, 30)
    assert Image.MAX_IMAGE_PIXELS == 100 and before is not None


def test_larger_pictures_than_allowed_are_refused_and_the_option_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(png_of(30_000, 20_000))
    with pytest.raises(
        ImageError, match=r"30000×20000 pixels are more than the limit of 500 megapixels.*--max-input-megapixels"
    ):
        load_picture(tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"limit of 0\.0001"):
        Image.fromarray(COLORS).save(tmp_path / "b.png")
        load_picture(tmp_path / "b.png", max_megapixels=0.0001)


def test_what_this_machine_cannot_hold_is_refused(monkeypatch):
    from gpen_core.imaging.files import limits

    monkeypatch.setattr(limits, "free_memory", lambda: 1 << 30)
    check_size("a.png", (8000, 8000), 500)
    with pytest.raises(
        ImageError, match=r"a\.png: 13000×13000 pixels need about 2.5 GiB of memory, and 1.0 GiB are free"
    ):
        check_size("a.png", (13000, 13000), 500)


LIMITED = """
import resource, sys
import gpen_core.imaging.files as files
from gpen_core.errors import ImageError
import torch, PIL.PngImagePlugin
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30),) * 2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    files.load_picture(sys.argv[1])
except ImageError as error:
    print(error, "TOOK", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}])
def test_a_webp_files_size_is_looked_at_before_a_decoder_takes_memory_for_it(tmp_path, monkeypatch, options):
    Image.fromarray(COLORS).save(tmp_path / "a.webp", **options)
    monkeypatch.setattr(WebPImagePlugin, "WebPImageFile", lambda *_: pytest.fail("the decoder was asked"))
    with pytest.raises(ImageError, match=r"a\.webp: 30×20 pixels are more than the limit"):
        load_picture(tmp_path / "a.webp", max_megapixels=0.0005)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux says how much memory a process has")
def test_a_limit_of_the_shell_is_known_and_no_memory_is_taken_first(tmp_path, repo_root, forks):
    (tmp_path / "a.png").write_bytes(png_of(13_000, 13_000))
    assert (tmp_path / "a.png").stat().st_size < 50_000
    ran = forks.run(LIMITED, tmp_path / "a.png", folder=repo_root)
    assert "13000×13000 pixels need about" in ran.stdout and int(ran.stdout.split()[-1]) < 20_000, ran.stderr


PEAK = """
import sys
import torch
from gpen_core.heap import keep_freed_memory
from gpen_core.imaging.files import load_picture, save_picture
torch.set_num_threads(1)
keep_freed_memory()  # as the command line does
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024
small, large, target = sys.argv[1:]
for path in (small, large):
    picture = load_picture(path)
    seen = picture.seen()
    save_picture(picture.restored(seen, torch.zeros(1, 1, 1).expand(1, *seen.shape[1:])), target)
    if path == small:
        before = peak()
    size = seen.shape[1] * seen.shape[2]
    del picture, seen
print((peak() - before) / size)
"""
SIDE = 3600  # what does not grow with a picture is little of so large a one, by the pixel


def _as(kind, image, path):
    """A file of this kind, written quickly."""
    if kind.startswith("grainy"):
        grain = np.random.default_rng(2).integers(-12, 13, (*image.size[::-1], 1), dtype=np.int16)
        image = Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype(np.uint8))
    if kind == "grainy alpha":
        image.putalpha(image.getchannel("R"))
    array = np.asarray(image)
    if kind == "16 bits":
        save_picture(Picture(torch.from_numpy(array.copy()).movedim(-1, 0).float() / 255, bits=16), path)
    elif kind == "float":
        tifffile.imwrite(
            path, (array / 255).astype(np.float32), photometric="rgb", compression="zlib", rowsperstrip=64,
            compressionargs={"level": 1},
        )  # fmt: skip
    else:
        options = {"progressive": True} if kind == "progressive" else {}
        image.convert({"gray": "L", "alpha": "RGBA", "grainy alpha": "RGBA"}.get(kind, "RGB")).save(
            path, compress_level=1, method=0, **options
        )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux says how much memory a process took")
def test_reading_and_writing_take_at_most_sixteen_bytes_a_pixel(tmp_path, repo_root, forks):
    cases = [
        ("plain", "a.png", "b.png"), ("plain", "a.jpg", "b.jpg"), ("progressive", "a.jpg", "b.png"),
        ("plain", "a.tif", "b.tif"),
        ("gray", "a.png", "b.jpg"), ("alpha", "a.png", "b.png"), ("16 bits", "a.png", "b.png"), ("16 bits", "a.tif", "b.tif"),
        ("float", "a.tif", "b.tif"), ("plain", "a.bmp", "b.png"), ("plain", "a.webp", "b.webp"),
        ("grainy", "a.webp", "b.webp"), ("alpha", "a.webp", "b.webp"),
        ("grainy alpha", "a.webp", "b.webp"),
    ]  # fmt: skip
    tile = Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    pictures = [tile, tile.resize((SIDE, SIDE), Image.Resampling.BICUBIC)]
    taken = {}
    for kind, source, target in cases:
        files = [tmp_path / f"{kind} {name}" for name in (f"small-{source}", f"large-{source}", target)]
        for picture, file in zip(pictures, files, strict=False):
            _as(kind, picture, file)
        ran = forks.run(PEAK, *files, folder=repo_root)
        assert ran.returncode == 0, ran.stderr
        taken[kind, source, target] = float(ran.stdout)
    assert {case: most for case, most in taken.items() if most > 16.05} == {}


def test_decoders_say_nothing_of_their_own(tmp_path, capfd):
    tifffile.imwrite(
        tmp_path / "a.tif",
        COLORS,
        photometric="rgb",
        compression="zlib",
        extratags=[(65000, 3, 1, 7, True), (45000, 2, 3, "ab", True)],
    )
    data = bytearray((tmp_path / "a.tif").read_bytes())
    load_picture(tmp_path / "a.tif")
    for cut in (len(data) // 2, len(data) - 40):
        (tmp_path / "b.tif").write_bytes(data[:cut])
        with pytest.raises(ImageError, match=r"b\.tif"):
            load_picture(tmp_path / "b.tif")
    Image.fromarray(COLORS).save(tmp_path / "a.tif", compression="tiff_lzw")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    for at in range(8, len(data), 37):
        data[at] ^= 0xFF
    (tmp_path / "c.tif").write_bytes(data)
    try:
        load_picture(tmp_path / "c.tif")
    except ImageError as error:
        assert "\n" not in str(error)
    found = capfd.readouterr()
    assert found.out == found.err == ""
    os.write(2, b"the terminal is back")
    assert capfd.readouterr().err == "the terminal is back"


def test_sides_that_a_format_does_not_have_are_refused(tmp_path):
    with pytest.raises(ImageError, match="at most 16383"):
        save_picture(Picture(torch.zeros(3, 2, 16_384)), tmp_path / "a.webp")
    with pytest.raises(ImageError, match="at most 65535"):
        save_picture(Picture(torch.zeros(3, 65_536, 1)), tmp_path / "a.jpg")


@pytest.fixture
def heif():
    return pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("alpha", [False, True])
def test_heif_files_are_read_with_what_they_know(tmp_path, heif, bits, alpha):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Phone", 1
    channels = 4 if alpha else 3
    highest = 255 if bits == 8 else 65535
    ramp = (
        np.linspace(0, highest, 64 * 48)
        .reshape(48, 64, 1)
        .repeat(channels, 2)
        .astype(np.uint8 if bits == 8 else np.uint16)
    )
    file = heif.from_bytes(("RGBA" if alpha else "RGB") + ("" if bits == 8 else ";16"), (64, 48), ramp.tobytes())
    file.save(tmp_path / "a.heic", quality=95, exif=exif.tobytes(), xmp=b"<x:xmpmeta/>")
    picture = load_picture(tmp_path / "a.heic")
    assert picture.pixels.shape == (channels, 48, 64) and picture.bits == (8 if bits == 8 else 16)
    assert np.abs(picture.pixels[1].numpy() - ramp[:, :, 1] / highest).mean() < 0.02
    assert picture.known.xmp == b"<x:xmpmeta/>" and b"Phone" in picture.exif
    assert not [lost for lost in save_picture(picture, tmp_path / "a.png")]


def test_a_phones_turned_heif_file_is_turned_once(tmp_path, heif):
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.zeros((40, 60, 3), np.uint8)
    stored[:, :30] = 255
    heif.register_heif_opener()
    Image.fromarray(stored).save(tmp_path / "a.heic", exif=exif.tobytes(), quality=95)
    picture = load_picture(tmp_path / "a.heic")
    assert (
        picture.pixels.shape == (3, 60, 40)
        and picture.pixels[0, :25].mean() > 0.9
        and picture.pixels[0, 35:].mean() < 0.1
    )


def test_further_images_in_a_heif_file_are_named(tmp_path, heif):
    file = heif.from_pillow(Image.fromarray(COLORS))
    file.add_from_pillow(Image.fromarray(COLORS[::-1].copy()))
    file.save(tmp_path / "a.heic", quality=95)
    picture = load_picture(tmp_path / "a.heic")
    assert picture.notes == ("the file's main image is taken; what else is in it (1) is left out",)
    assert np.abs(picture.pixels.numpy().mean((0, 2)) * 255 - COLORS.mean((1, 2))).max() < 12


def test_without_pillow_heif_it_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf" + bytes(100))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(
        ImageError, match=r"a\.heic: reading HEIC and HEIF files needs the Python package pillow-heif.*pip install"
    ):
        load_picture(tmp_path / "a.heic")


def test_random_damage_is_an_error_of_ours_or_a_picture(tmp_path):
    random = np.random.default_rng(5)
    known = Known(xmp=b"<x/>", iptc=b"\x1c\x02\x78\x00\x01a")
    for name in ("a.png", "a.jpg", "a.webp", "a.tif"):
        exif = Image.Exif()
        exif[0x010F] = "Maker"
        picture = Picture(
            torch.from_numpy(COLORS / 255).movedim(-1, 0).float(), exif=exif.tobytes(), bits=16, known=known
        )
        save_picture(picture, tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        for _ in range(150):
            data = bytearray(whole)
            for _ in range(random.integers(1, 6)):
                data[random.integers(0, min(len(data), 600))] = random.integers(0, 256)
            (tmp_path / "b").write_bytes(data[: random.integers(10, len(data) + 1)])
            try:
                found = load_picture(tmp_path / "b", max_megapixels=4)
            except ImageError:
                continue
            save_picture(found, tmp_path / "c.tif")
            file = io.BytesIO((tmp_path / "c.tif").read_bytes())
            assert tifffile.TiffFile(file).pages[0].shape[:2] == found.pixels.shape[1:]
