"""Files keep what they had: orientation, profile, alpha, depth."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms

from gpen_core.errors import ImageError
from gpen_core.imaging.files import Picture, load_picture, save_picture

STEPS = torch.linspace(0, 1, 3 * 20 * 30).reshape(3, 20, 30)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(**tags):
    made = Image.Exif()
    made[0x010E] = "a scan"
    if "orientation" in tags:
        made[0x0112] = tags["orientation"]
    return made.tobytes()


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.TIFF"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [3, 4])
def test_lossless_formats_lose_nothing_but_the_rounding(tmp_path, name, bits, channels):
    pixels = torch.cat((STEPS, STEPS[:1]))[:channels]
    save_picture(Picture(pixels, PROFILE, exif(), bits=bits), tmp_path / name)
    found = load_picture(tmp_path / name)
    assert found.bits == bits and found.icc == PROFILE
    assert (found.pixels - pixels).abs().max() <= 0.5001 / (2**bits - 1)
    read = Image.Exif()
    read.load(found.exif)
    assert read[0x010E] == "a scan"
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.webp"])
def test_lossy_formats_keep_profile_and_exif_and_stay_close(tmp_path, name, astronaut):
    save_picture(Picture(astronaut, PROFILE, exif()), tmp_path / name)
    found = load_picture(tmp_path / name)
    assert found.icc == PROFILE and b"a scan" in found.exif
    assert (found.pixels - astronaut).abs().mean() < 0.02


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_a_cameras_exif_and_gps_blocks_are_kept(tmp_path, name, astronaut):
    made = Image.Exif()
    made[0x010F] = "Maker"
    made.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    made.get_ifd(0x8825)[1] = "N"
    Image.fromarray(astronaut.mul(255).byte().movedim(0, -1).numpy()).save(tmp_path / "camera.jpg", exif=made)
    save_picture(load_picture(tmp_path / "camera.jpg"), tmp_path / name)
    again = load_picture(tmp_path / name)
    save_picture(again, tmp_path / "second.jpg")
    with Image.open(tmp_path / "second.jpg") as image:
        found = image.getexif()
        assert found[0x010F] == "Maker"
        assert found.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05" and found.get_ifd(0x8825)[1] == "N"


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_a_bigtiffs_metadata_is_written_so_that_it_can_be_read(tmp_path, bits, name):
    array = (STEPS.movedim(0, -1).numpy() * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)
    tifffile.imwrite(
        tmp_path / "big.tif", array, photometric="rgb", bigtiff=True, description="a scan", resolution=(300, 300)
    )
    picture = load_picture(tmp_path / "big.tif")
    save_picture(picture, tmp_path / name)
    again = load_picture(tmp_path / name)
    read = Image.Exif()
    read.load(again.exif)
    assert "a scan" in read[0x010E]
    if name == "a.tif":
        assert read[282] == 300


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "deep.png", "deep.tif"])
def test_exif_orientation_is_applied_once(tmp_path, orientation, name):
    stored = np.zeros((16, 32, 3), dtype=np.uint8)
    stored[:8, :16] = (255, 0, 0)
    stored[:8, 16:] = (0, 255, 0)
    stored[8:, :16] = (0, 0, 255)
    if name == "deep.png":
        save_picture(Picture(torch.from_numpy(stored / 255).movedim(-1, 0).float(), bits=16), tmp_path / name)
        data, block = (tmp_path / name).read_bytes(), b"eXIf" + exif(orientation=orientation)[6:]
        chunk = struct.pack(">I", len(block) - 4) + block + struct.pack(">I", zlib.crc32(block))
        (tmp_path / name).write_bytes(data[:33] + chunk + data[33:])
    elif name == "deep.tif":
        tifffile.imwrite(
            tmp_path / name, stored.astype(np.uint16) * 257, photometric="rgb", metadata=None,
            extratags=[(274, 3, 1, orientation, True)],
        )  # fmt: skip
    else:
        Image.fromarray(stored).save(
            tmp_path / name,
            exif=exif(orientation=orientation),
            **{"quality": 100, "subsampling": 0} if "jpg" in name else {},
        )
    from PIL import ImageOps

    Image.fromarray(stored).save(tmp_path / "reference.png", exif=exif(orientation=orientation))
    with Image.open(tmp_path / "reference.png") as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    picture = load_picture(tmp_path / name)
    found = picture.pixels.movedim(0, -1).mul(255).round().numpy()
    assert found.shape == expected.shape and np.abs(found - expected).max() <= 2
    save_picture(picture, tmp_path / "again.png")
    assert torch.equal(load_picture(tmp_path / "again.png").pixels.mul(255).round(), picture.pixels.mul(255).round())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "I;16"])
def test_every_usual_mode_is_read(tmp_path, mode, astronaut):
    image = Image.fromarray(astronaut.mul(255).byte().movedim(0, -1).numpy())
    image = Image.fromarray(np.full((8, 9), 40000, dtype=np.uint16)) if mode == "I;16" else image.convert(mode)
    name = "a.tif" if mode in ("CMYK", "YCbCr", "RGBX", "PA", "LA") else "a.png"
    image.save(tmp_path / name)
    picture = load_picture(tmp_path / name)
    assert picture.pixels.shape[0] == (4 if "A" in mode else 3)
    assert picture.gray == (mode in ("1", "L", "LA", "I;16"))
    if mode in ("RGB", "RGBA", "CMYK", "YCbCr"):
        assert (picture.pixels[:3] - astronaut).abs().mean() < 0.05
    if mode == "I;16":
        torch.testing.assert_close(picture.pixels, torch.full((3, 8, 9), 40000 / 65535))


def test_16_bit_tiffs_of_every_usual_layout(tmp_path):
    colors = (np.linspace(0, 65535, 6 * 8 * 3).reshape(6, 8, 3)).astype(np.uint16)
    alpha = np.full((6, 8, 1), 32768, dtype=np.uint16)
    expected = torch.from_numpy(colors / 65535.0).movedim(-1, 0).float()

    def read(array, **options):
        tifffile.imwrite(tmp_path / "a.tif", array, metadata=None, **options)
        return load_picture(tmp_path / "a.tif").pixels

    torch.testing.assert_close(read(colors, photometric="rgb"), expected)
    gray = read(colors[:, :, 0], photometric="minisblack")
    torch.testing.assert_close(gray, expected[:1].expand(3, -1, -1))
    torch.testing.assert_close(read(65535 - colors[:, :, 0], photometric="miniswhite"), gray, atol=1e-5, rtol=0)
    straight = read(np.concatenate((colors, alpha), 2), photometric="rgb", extrasamples=["unassalpha"])
    torch.testing.assert_close(straight[:3], expected)
    multiplied = np.concatenate(((colors * (32768 / 65535)).round().astype(np.uint16), alpha), 2)
    undone = read(multiplied, photometric="rgb", extrasamples=["assocalpha"])
    torch.testing.assert_close(undone[:3], expected, atol=1e-4, rtol=0)
    planes = read(colors.transpose(2, 0, 1), photometric="rgb", planarconfig="separate")
    torch.testing.assert_close(planes, expected)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_8_bit_tiffs_of_every_usual_layout(tmp_path, big, order, planes, compression):
    """Pillow takes planes of gray and alpha for one plane, and knows no large files of big-endian bytes."""
    numbers = np.random.default_rng(0).integers(0, 256, (6, 8, 6), dtype=np.uint8)
    for channels, kind, extra in (
        (1, "minisblack", 0),
        (2, "minisblack", 1),
        (3, "rgb", 0),
        (4, "rgb", 1),
        (6, "rgb", 3),
    ):
        array = numbers[:, :, :channels] if channels > 1 else numbers[:, :, 0]
        options = {"extrasamples": ["unassalpha"] + [0] * (extra - 1)} if extra else {}
        if channels > 1:
            options["planarconfig"] = "separate" if planes else "contig"
            array = np.ascontiguousarray(array.transpose(2, 0, 1)) if planes else array
        tifffile.imwrite(
            tmp_path / "a.tif", array, photometric=kind, metadata=None, bigtiff=big, byteorder=order,
            compression=compression, **options,
        )  # fmt: skip
        picture = load_picture(tmp_path / "a.tif")
        shown = [0, 0, 0, 1][: 3 + (channels == 2)] if channels < 3 else list(range(min(channels, 4)))
        assert np.array_equal(picture.numbers.movedim(0, -1), numbers[:, :, shown])
        assert picture.notes == (("2 extra channels are left out",) if channels == 6 else ())


def test_inks_with_another_channel_are_read_without_it(tmp_path):
    inks = np.random.default_rng(0).integers(0, 256, (6, 8, 5), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", inks, photometric="separated", extrasamples=["unassalpha"], metadata=None)
    tifffile.imwrite(tmp_path / "b.tif", np.ascontiguousarray(inks[:, :, :4]), photometric="separated", metadata=None)
    with_more, without = load_picture(tmp_path / "a.tif"), load_picture(tmp_path / "b.tif")
    assert torch.equal(with_more.numbers, without.numbers)
    assert with_more.notes == ("1 extra channel is left out", *without.notes)


def test_lab_is_no_gray(tmp_path, astronaut):
    from skimage.color import rgb2lab

    lab = rgb2lab(astronaut.movedim(0, -1).numpy())
    coded = np.concatenate((lab[..., :1] * 2.55, lab[..., 1:]), -1).round().astype(np.int16).astype(np.uint8)
    Image.merge("LAB", [Image.fromarray(coded[..., i]) for i in range(3)]).save(tmp_path / "a.tif")
    assert not load_picture(tmp_path / "a.tif").gray


def test_red_stays_red_in_every_depth(tmp_path):
    red = torch.tensor([1.0, 0.2, 0.0])[:, None, None].expand(3, 4, 4)
    for name, bits in (("a.png", 8), ("b.png", 16), ("c.tif", 16), ("d.webp", 8), ("e.jpg", 8)):
        save_picture(Picture(red, bits=bits), tmp_path / name)
        found = load_picture(tmp_path / name).pixels.mean((1, 2))
        assert found[0] > 0.95 and found[2] < 0.06


@pytest.mark.parametrize("bits", [8, 16])
def test_gray_pictures_stay_gray(tmp_path, bits):
    save_picture(Picture(STEPS, gray=True, bits=bits), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode in ("L", "I;16")


@pytest.mark.parametrize("bits", [8, 16])
def test_gray_with_alpha_stays_so(tmp_path, bits):
    given = torch.cat((STEPS[:1].expand(3, -1, -1), STEPS[:1].flip(2)))
    save_picture(Picture(given, gray=True, bits=bits), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[25] == 4  # the PNG specification's gray with alpha
    found = load_picture(tmp_path / "a.png")
    assert (found.gray, found.bits) == (True, bits)
    torch.testing.assert_close(found.pixels, given, rtol=0, atol=0.5 / ((1 << bits) - 1) + 1e-6)


@pytest.mark.parametrize("bits", [8, 16])
def test_gray_with_alpha_stays_so_in_a_tiff(tmp_path, bits):
    given = torch.cat((STEPS[:1].expand(3, -1, -1), STEPS[:1].flip(2)))
    save_picture(Picture(given, gray=True, bits=bits), tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages[0].shape == (20, 30, 2) and file.pages[0].extrasamples == (2,)
    found = load_picture(tmp_path / "a.tif")
    assert (found.gray, found.bits) == (True, bits)
    torch.testing.assert_close(found.pixels, given, rtol=0, atol=0.5 / ((1 << bits) - 1) + 1e-6)


@pytest.mark.parametrize("shape", [(3, 0, 5), (3, 5, 0)])
@pytest.mark.parametrize("bits", [8, 16])
def test_an_empty_picture_is_refused_and_leaves_no_file(tmp_path, shape, bits):
    with pytest.raises(ImageError, match="at least one pixel"):
        save_picture(Picture(torch.zeros(shape), bits=bits), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_alpha_goes_onto_white_where_there_is_none(tmp_path):
    save_picture(Picture(torch.zeros(4, 8, 8)), tmp_path / "a.jpg")
    assert load_picture(tmp_path / "a.jpg").pixels.min() > 0.98


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an image file: it is empty"),
        (b"hello", "not an image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "cannot be read|not an image"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, content, message):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match=rf"a\.png: .*({message})"):
        load_picture(tmp_path / "a.png")


def test_a_truncated_picture_is_an_error_not_a_gray_half(tmp_path, astronaut):
    save_picture(Picture(astronaut), tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:100_000])
    with pytest.raises(ImageError, match=r"a\.png"):
        load_picture(tmp_path / "a.png")


def test_several_pages_are_refused(tmp_path):
    pages = [Image.new("RGB", (4, 4)) for _ in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(ImageError, match="contains 3 images"):
        load_picture(tmp_path / "a.tif")


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ImageError, match=r"'\.xyz'.*\.png"):
        save_picture(Picture(STEPS), tmp_path / "a.xyz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("alpha", [False, True])
def test_16_bit_pngs_are_read_to_the_last_bit(tmp_path, gray, alpha):
    pixels = (STEPS * 65535).round() / 65535
    pixels = torch.cat(((pixels[:1].expand(3, -1, -1) if gray else pixels), *[pixels[:1]] * alpha))
    save_picture(Picture(pixels, gray=gray, bits=16), tmp_path / "a.png")
    found = load_picture(tmp_path / "a.png")
    assert found.gray == gray
    assert torch.equal(found.pixels.mul(65535).round(), pixels.mul(65535).round())


def test_the_one_transparent_color_of_a_16_bit_png_becomes_alpha(tmp_path):
    array = np.full((2, 3, 3), 40000, dtype=">u2")
    array[0, 1] = (1, 2, 3)
    size, key = struct.pack(">IIBBBBB", 3, 2, 16, 2, 0, 0, 0), struct.pack(">HHH", 1, 2, 3)
    rows = b"".join(b"\0" + row.tobytes() for row in array)
    blocks = (b"IHDR", size), (b"tRNS", key), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    data = [struct.pack(">I", len(d)) + name + d + struct.pack(">I", zlib.crc32(name + d)) for name, d in blocks]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(data))
    alpha = load_picture(tmp_path / "a.png").pixels[3]
    assert alpha.flatten().tolist() == [1, 0, 1, 1, 1, 1]
