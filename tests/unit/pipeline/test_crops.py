"""Aligned crops, edited elsewhere and pasted back; and crops that are the whole picture."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from gpen_core.errors import ImageError, OptionError
from gpen_core.faces.exchange import AlignedPictures
from gpen_core.faces.quality import load_quality
from gpen_core.faces.selection import SelectOptions
from gpen_core.pipeline import (
    BlendOptions,
    Settings,
    blend_faces,
    crop_faces,
    rate_faces,
    restore_image,
    with_crops,
)
from gpen_core.pipeline.options import ProtectOptions
from gpen_core.pipeline.whole import is_whole_picture
from gpen_core.types import Face


@pytest.fixture
def frames(astronaut):
    return torch.stack((astronaut, astronaut.flip(2)))


@pytest.fixture
def two(astronaut_face):
    x0, y0, x1, y1 = astronaut_face.box
    left, right, nose, left_mouth, right_mouth = ((511 - x, y) for x, y in astronaut_face.landmarks)
    mirrored = (right, left, nose, right_mouth, left_mouth)
    return astronaut_face, Face((511 - x1, y0, 511 - x0, y1), 0.9, mirrored, (512, 512), frame=1)


def test_crops_that_nobody_edited_change_nothing(frames, two):
    crops = crop_faces(frames, two, 256, "ffhq")
    assert [crop.pixels.shape for crop in crops] == [(3, 256, 256)] * 2
    blended = blend_faces(frames, crops)
    assert torch.equal(blended.frames, frames) and not blended.mask.any()


@pytest.mark.parametrize("side", [64, 256, 400])
def test_an_edited_crop_goes_to_its_own_face_at_any_size(frames, two, side):
    crops = crop_faces(frames, two, 256)
    made = F.interpolate(torch.stack([crop.pixels for crop in crops]), (side, side), mode="bilinear", antialias=True)
    made[1] = torch.tensor([0.0, 1.0, 0.0])[:, None, None]
    blended = blend_faces(frames, with_crops(crops, made), BlendOptions(color="off"))
    x, y = (round(v) for v in two[1].landmarks[2])
    assert torch.allclose(blended.frames[1, :, y, x], torch.tensor([0.0, 1.0, 0.0]), atol=0.02)
    assert (blended.frames[0] - frames[0]).abs().mean() < 0.01  # only resampled
    outside = blended.mask[:, 0] == 0
    assert torch.equal(blended.frames[:, :3].movedim(1, -1)[outside], frames.movedim(1, -1)[outside])


def test_what_protects_a_face_is_kept_for_its_edited_crop(frames, two):
    crops = crop_faces(frames, two, 64)
    weight = torch.zeros(1, 64, 64)
    weight[..., :32] = 1
    crops = tuple(replace(crop, weight=weight, strength=0.5) for crop in crops)
    (edited, _) = with_crops(crops, torch.rand(2, 4, 128, 128))
    assert edited.weight.shape == (1, 128, 128) and edited.pixels.shape == (3, 128, 128) and edited.strength == 0.5
    assert edited.weight[0, :, 40].min() == 1 and edited.weight[0, :, 90].max() == 0


@pytest.mark.parametrize(
    ("crops", "says"),
    [
        (torch.zeros(1, 3, 64, 64), "2 faces, but 1 edited"),
        (torch.zeros(2, 3, 64, 80), "80×64"),
        (torch.zeros(2, 1, 64, 64), "no batch of RGB images"),
        (torch.zeros(2, 3, 64, 64, dtype=torch.uint8), "no batch of RGB images"),
    ],
)
def test_crops_that_do_not_fit_are_named(frames, two, crops, says):
    with pytest.raises(ImageError, match=says):
        with_crops(crop_faces(frames, two, 64), crops)
    with pytest.raises(OptionError, match="side of a crop"):
        crop_faces(frames, two, 0)
    with pytest.raises(ImageError, match="from 10 images or more"):
        crop_faces(frames, [replace(two[0], frame=9)], 64)


# --- faces rated before they are restored


def test_a_blurred_face_is_rated_worse_and_a_known_quality_is_kept(frames, two):
    estimator = load_quality()
    blurred = F.interpolate(F.interpolate(frames, scale_factor=1 / 6, mode="area"), size=(512, 512), mode="bilinear")
    sharp, soft = (rate_faces(pictures, two, estimator, 128) for pictures in (frames, blurred))
    for better, worse in zip(sharp, soft, strict=True):
        assert 0 <= worse.quality < better.quality <= 1
    known = tuple(replace(face, quality=0.123) for face in two)
    assert rate_faces(frames, known, estimator) == known


def test_faces_are_chosen_by_the_quality_at_the_models_size(frames, two, tiny_model):
    detector = AlignedPictures("gpen")
    (face,) = rate_faces(frames[:1], detector.detect(frames[0]), load_quality(), 32)
    for limits, kept in (({"max_quality": face.quality - 0.01}, 0), ({"max_quality": face.quality + 0.01}, 1)):
        options = Settings(select=SelectOptions(**limits))
        assert len(restore_image(frames[:1], tiny_model, detector, options).faces) == kept


# --- aligned pictures


@pytest.mark.parametrize("scale", [1.0, 2.0, 0.5])
def test_an_aligned_picture_becomes_what_the_model_makes_of_it_up_to_its_edges(tiny_model, scale):
    picture = torch.rand(2, 4, 32, 32, generator=torch.Generator().manual_seed(0))
    settings = Settings(blend=BlendOptions(scale=scale, color="off", whole_crop=True), protect=ProtectOptions("off"))
    result = restore_image(picture, tiny_model, AlignedPictures("gpen"), settings)
    made = tiny_model(picture[:, :3])
    size = (round(32 * scale),) * 2
    expected = F.interpolate(made, size, mode="bicubic", antialias=True).clamp(0, 1)
    assert torch.allclose(result.frames[:, :3], expected, atol=1e-3)
    assert result.mask.min() == 1 and result.frames.shape == (2, 4, *size)
    if scale == 1:
        assert torch.equal(result.frames[:, 3], picture[:, 3])


def test_strength_mixes_an_aligned_picture(tiny_model):
    picture = torch.rand(1, 3, 32, 32)
    whole = BlendOptions(color="off", whole_crop=True)
    full, half = (
        restore_image(
            picture, tiny_model, AlignedPictures("gpen"),
            Settings(blend=replace(whole, strength=strength), protect=ProtectOptions("off")),
        ).frames
        for strength in (1.0, 0.5)
    )  # fmt: skip
    assert torch.allclose(half, (full + picture) / 2, atol=1e-3)


def test_a_whole_crop_inside_a_picture_has_soft_edges(frames, two):
    (crop,) = crop_faces(frames, two[:1], 128)
    assert not is_whole_picture(crop.crop)
    green = with_crops([crop], torch.tensor([0.0, 1.0, 0.0])[None, :, None, None].expand(1, 3, 128, 128))
    blended = blend_faces(frames, green, BlendOptions(color="off", whole_crop=True))
    face_only = blend_faces(frames, green, BlendOptions(color="off"))
    assert blended.mask[0].sum() > 1.5 * face_only.mask[0].sum()
    steps = blended.mask[0, 0].diff(dim=1).abs().max()
    assert steps < 0.25
