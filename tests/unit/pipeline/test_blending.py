"""What blending saves is not seen: against the same work done on whole crops at their own size."""

from dataclasses import replace

import pytest
import torch

from gpen_core.faces.alignment import align_face
from gpen_core.geometry import compose, invert_affine, resize_affine
from gpen_core.imaging.color import match_color
from gpen_core.imaging.color_methods import COLOR_METHODS
from gpen_core.imaging.lanczos import resize_lanczos
from gpen_core.imaging.masks import change_mask, ellipse_mask, region_mask
from gpen_core.imaging.paste import Patch, paste
from gpen_core.pipeline.blend import blend_faces, blend_frame, blend_into
from gpen_core.pipeline.blend_options import BlendOptions
from gpen_core.types import RestoredFace


class KnownRegion:
    """A parser that says what it was told."""

    def __init__(self, region):
        self.region = region

    def regions(self, faces):
        return self.region.expand(len(faces), 1, *faces.shape[-2:])


@pytest.fixture(scope="module")
def face(astronaut, astronaut_face):
    """Restored at 256 px: bluer, with waves and grain."""
    crop = align_face(astronaut, astronaut_face, 256)
    waves = 0.1 * torch.sin(torch.arange(256.0) / 8)
    grain = 0.02 * torch.randn(crop.pixels.shape, generator=torch.Generator().manual_seed(0))
    tinted = crop.pixels * torch.tensor([0.7, 0.85, 0.95])[:, None, None] + 0.05
    return RestoredFace(crop, (tinted + waves + grain).clamp(0, 1))


def region_of(face, kind):
    if kind == "oval":
        return None
    y, x = torch.meshgrid(torch.arange(256), torch.arange(256), indexing="ij")
    return KnownRegion((((x - 120) / 70) ** 2 + ((y - 130) / 95) ** 2 < 1).float()[None, None])


def on_whole_crops(canvas, face, options, parser):
    """The same, in so many words."""
    before, pixels = face.crop.pixels, face.pixels
    if parser is None:
        shape = ellipse_mask(256, face.crop.template, options.softness)
    else:
        shape = region_mask(parser.region[0], options.softness)
    pixels = match_color(pixels, before, shape, options.color, 256)
    mask = shape * change_mask(before, pixels) * options.strength
    to_canvas = compose(invert_affine(face.crop.image_to_crop), resize_affine((512, 512), tuple(canvas.shape[1:])))
    return paste(canvas, [Patch(pixels, mask, to_canvas)])


@pytest.mark.parametrize("side", [128, 256, 512, 1100])
@pytest.mark.parametrize("color", sorted(COLOR_METHODS))
@pytest.mark.parametrize("kind", ["oval", "region"])
def test_working_on_what_is_shown_gives_what_working_on_the_whole_crop_gives(astronaut, face, side, color, kind):
    canvas = resize_lanczos(astronaut, (side, side))
    options, parser = BlendOptions(color=color, strength=0.9), region_of(face, kind)
    picture, mask = blend_frame(canvas, [face], options, parser)
    expected, expected_mask = on_whole_crops(canvas, face, options, parser)
    inside = expected_mask[0] > 0
    assert (mask - expected_mask).abs().mean() < 0.003
    assert (picture - expected).abs()[:, inside].mean() < 1 / 255
    assert torch.equal(picture[:, mask[0] == 0], canvas[:, mask[0] == 0])


def test_a_parser_that_finds_no_face_leaves_the_picture(astronaut, face):
    picture, mask = blend_frame(astronaut, [face], BlendOptions(), KnownRegion(torch.zeros(1, 1, 256, 256)))
    assert torch.equal(picture, astronaut) and not mask.any()


def test_blending_in_place_gives_what_blending_gives(astronaut, face):
    picture, mask = astronaut.clone(), torch.zeros(1, 512, 512)
    blend_into(picture, mask, [face], BlendOptions())
    expected, expected_mask = blend_frame(astronaut, [face], BlendOptions())
    assert torch.equal(picture, expected) and torch.equal(mask, expected_mask)


def test_a_face_of_which_all_may_be_taken_is_blended_as_one_that_nobody_protected(astronaut, face):
    picture, mask = blend_frame(astronaut, [face], BlendOptions())
    allowed = replace(face, weight=torch.ones(1, 256, 256), strength=1.0)
    again, again_mask = blend_frame(astronaut, [allowed], BlendOptions())
    assert torch.allclose(picture, again, atol=1e-6) and torch.allclose(mask, again_mask, atol=1e-6)


def test_a_face_of_which_nothing_may_be_taken_leaves_the_picture(astronaut, face):
    for nothing in (replace(face, weight=torch.zeros(1, 256, 256)), replace(face, strength=0.0)):
        picture, mask = blend_frame(astronaut, [nothing], BlendOptions())
        assert torch.equal(picture, astronaut) and not mask.any()


def test_a_faces_own_strength_multiplies_the_strength_asked_for(astronaut, face):
    _, mask = blend_frame(astronaut, [replace(face, strength=0.5)], BlendOptions(strength=0.5))
    _, expected = blend_frame(astronaut, [face], BlendOptions(strength=0.25))
    assert torch.equal(mask, expected)


def test_weight_lets_the_original_through_where_it_is_0(astronaut, face):
    weight = torch.ones(1, 256, 256)
    weight[:, :, 128:] = 0
    picture, mask = blend_frame(astronaut, [replace(face, weight=weight)], BlendOptions())
    middle = round(astronaut_middle(face))
    assert torch.equal(picture[:, :, middle + 8 :], astronaut[:, :, middle + 8 :])
    assert mask[:, :, :middle].max() > 0.9


def astronaut_middle(face):
    """The column of the picture where the middle of the crop lies (the face is all but upright)."""
    to_image = invert_affine(face.crop.image_to_crop)
    return float(to_image[0, 0] * 127.5 + to_image[0, 1] * 127.5 + to_image[0, 2])


@pytest.mark.parametrize("side", [256, 512, 1100])
def test_detail_of_the_picture_stays_whatever_the_model_can_hold(astronaut, astronaut_face, side):
    """A model that only makes it brighter. At 64 px, the face has a quarter of the pixels that it has in the picture."""
    muted = astronaut * 0.6 + 0.1  # nothing is clipped
    canvas, crop = resize_lanczos(muted, (side, side)), align_face(muted, astronaut_face, 64)
    brighter = RestoredFace(crop, crop.pixels + 0.1, detail=torch.ones(1, 64, 64))
    options, everywhere = BlendOptions(color="off", strength=0.5), KnownRegion(torch.ones(1, 1, 64, 64))
    picture, mask = blend_frame(canvas, [brighter], options, everywhere)
    without, _ = blend_frame(canvas, [replace(brighter, detail=None)], options, everywhere)
    whole = mask[0] > 0.4999
    assert whole.any()
    assert (picture - canvas - 0.05)[:, whole].abs().max() < 0.004
    assert (without - canvas - 0.05)[:, whole].abs().max() > 0.03


def test_neither_frames_nor_background_are_written_to(astronaut, face):
    frames, background = astronaut[None].clone(), resize_lanczos(astronaut, (600, 600))[None]
    kept = background.clone()
    blend_faces(frames, [face], BlendOptions())
    blend_faces(frames, [face], BlendOptions(), background=background)
    assert torch.equal(frames[0], astronaut) and torch.equal(background, kept)
