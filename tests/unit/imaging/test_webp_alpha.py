"""Alpha of large WebP files, which our own encoder writes: libwebp must read back just what was given."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageCms

from gpen_core.imaging.files import load_picture, save_picture, writing
from gpen_core.imaging.files.picture import Known, Metadata, Picture
from gpen_core.imaging.files.unseen import without_unseen
from gpen_core.imaging.files.webp_alpha import alpha_chunk
from gpen_core.imaging.files.webp_chunks import pixels_of_webp, write_webp

RANDOM = np.random.default_rng(0)


def read_back(alpha: np.ndarray, others: Metadata = Metadata()) -> Image.Image:
    size = alpha.shape[1], alpha.shape[0]
    plain, file = io.BytesIO(), io.BytesIO()
    Image.new("RGB", size, (9, 99, 199)).save(plain, "WEBP")
    write_webp(
        file, size, pixels_of_webp(plain.getvalue()), alpha_chunk(lambda first, end: alpha[first:end], size), others
    )
    length = int.from_bytes(file.getvalue()[4:8], "little")
    assert length + 8 == len(file.getvalue())
    file.seek(0)
    image = Image.open(file)
    image.load()
    return image


@settings(deadline=None, max_examples=60)
@given(
    arrays(
        np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.sampled_from([0, 1, 7, 128, 254, 255])
    )
)
def test_small_planes_come_back(alpha):
    assert np.array_equal(np.asarray(read_back(alpha).convert("RGBA"))[..., 3], alpha)


@pytest.mark.parametrize(
    "make",
    [
        lambda shape: np.full(shape, 255),
        lambda shape: np.zeros(shape),
        lambda shape: RANDOM.integers(0, 256, shape),
        lambda shape: (RANDOM.random(shape) > 0.999) * 255,  # long runs, over the longest copy
        lambda shape: np.add.outer(np.arange(shape[0]), np.arange(shape[1])) // 7 % 256,
        lambda shape: np.minimum(
            RANDOM.geometric(0.55, shape), 40
        ),  # some symbols so rare that their codes would be too deep
    ],
    ids=["opaque", "clear", "noise", "specks", "ramp", "rare"],
)
@pytest.mark.parametrize("shape", [(1, 16_383), (16_383, 1), (700, 1_100)])
def test_planes_of_several_bands_come_back(make, shape):
    alpha = make(shape).astype(np.uint8)
    assert np.array_equal(np.asarray(read_back(alpha).convert("RGBA"))[..., 3], alpha)


def test_codes_are_no_deeper_than_the_format_allows():
    fibonacci = [1, 1]
    while len(fibonacci) < 25:  # a tree of 24 levels
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    alpha = np.repeat(np.arange(25), fibonacci).astype(np.uint8)
    RANDOM.shuffle(alpha)
    alpha = alpha[: len(alpha) // 500 * 500].reshape(500, -1)
    assert np.array_equal(np.asarray(read_back(alpha).convert("RGBA"))[..., 3], alpha)


@pytest.mark.parametrize("kind", ["noise", "soft"])
def test_it_is_about_as_small_as_libwebps(kind):
    small = RANDOM.integers(0, 256, (12, 12), dtype=np.uint8)
    soft = np.asarray(Image.fromarray(small).resize((600, 600), Image.Resampling.BICUBIC))
    alpha = soft if kind == "soft" else RANDOM.integers(90, 166, (600, 600)).astype(np.uint8)
    theirs = io.BytesIO()
    image = Image.new("RGBA", (600, 600))
    image.putalpha(Image.fromarray(alpha))
    image.save(theirs, "WEBP", quality=10)
    ours = sum(map(len, alpha_chunk(lambda first, end: alpha[first:end], (600, 600))))
    assert ours < 1.1 * len(theirs.getvalue())


def test_a_large_file_keeps_its_alpha_and_what_it_knows(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "is_large", lambda numbers: True)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[270] = "a description"
    alpha = torch.from_numpy(RANDOM.integers(0, 256, (1, 61, 47), dtype=np.uint8))
    colors = torch.full((3, 61, 47), 90, dtype=torch.uint8)
    known = Known(xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    picture = Picture(torch.cat((colors, alpha)), icc=profile, exif=exif.tobytes()[6:], known=known)
    save_picture(picture, tmp_path / "a.webp")
    found = load_picture(tmp_path / "a.webp")
    assert torch.equal(found.numbers[3:], alpha) and found.icc == profile and found.known.xmp == known.xmp
    assert int((found.numbers[:3].int() - 90).abs().max()) <= 2
    assert Image.open(tmp_path / "a.webp").getexif()[270] == "a description"
    monkeypatch.undo()
    save_picture(picture, tmp_path / "b.webp")  # by Pillow alone
    pictures = [np.asarray(Image.open(tmp_path / name).convert("RGBA")) for name in ("a.webp", "b.webp")]
    assert np.array_equal(pictures[0][..., 3], pictures[1][..., 3])


@pytest.mark.parametrize("hidden", ["green", "noise"])
def test_colors_under_clear_pixels_neither_show_nor_cost_nor_remain(tmp_path, monkeypatch, hidden):
    rows, columns = np.mgrid[:160, :200]
    alpha = (np.clip(60 - np.hypot(rows - 80, columns - 100), 0, 1) * 255).astype(np.uint8)
    seen = alpha[..., None] > 0
    plain = np.full((160, 200, 3), (200, 120, 100))
    under = np.full_like(plain, (0, 255, 0)) if hidden == "green" else RANDOM.integers(0, 256, plain.shape)
    sizes = []
    for colors in (plain, np.where(seen, plain, under)):
        picture = Picture(torch.from_numpy(np.dstack((colors, alpha)).astype(np.uint8)).movedim(-1, 0).contiguous())
        monkeypatch.setattr(writing, "is_large", lambda numbers: True)
        save_picture(picture, tmp_path / "a.webp")
        found = np.asarray(Image.open(tmp_path / "a.webp").convert("RGBA")).astype(int)
        assert np.array_equal(found[..., 3], alpha)
        assert np.abs(found[..., :3] - plain)[seen[..., 0]].max() <= 3  # where it is seen
        assert np.abs(found[..., :3] - plain)[20:140, 40:160].max() <= 12  # and beside it
        sizes.append((tmp_path / "a.webp").stat().st_size)
    assert sizes[1] == sizes[0]


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 9))
@settings(deadline=None, max_examples=40)
def test_what_is_seen_stays_and_the_rest_takes_the_mean_of_its_block(height, width, seed):
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (height, width, 4), dtype=np.uint8)
    pixels[..., 3] *= random.random((height, width)) < random.random()
    found = without_unseen(pixels)
    shown = pixels[..., 3] > 0
    assert np.array_equal(found[shown], pixels[..., :3][shown])
    blocks = [np.s_[top : top + 16, left : left + 16] for top in range(0, height, 16) for left in range(0, width, 16)]
    means = [pixels[block][shown[block]][:, :3].mean(0) for block in blocks if shown[block].any()]
    for block in blocks:
        filled = found[block][~shown[block]].astype(float)
        if shown[block].any():
            assert np.abs(filled - pixels[block][shown[block]][:, :3].mean(0)).max(initial=0) <= 0.5 + 1e-6
        else:  # another's mean
            known = means or [np.array([128.0] * 3)]
            assert min(np.abs(filled - mean).max(initial=0) for mean in known) <= 0.5 + 1e-6
