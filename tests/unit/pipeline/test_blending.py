"""What blending saves is not seen: against the same work done on whole crops at their own size."""

import pytest
import torch

from gpen_core.faces.alignment import align_face
from gpen_core.geometry import compose, invert_affine, resize_affine
from gpen_core.imaging.color import match_color
from gpen_core.imaging.lanczos import resize_lanczos
from gpen_core.imaging.masks import change_mask, ellipse_mask, region_mask
from gpen_core.imaging.paste import Patch, paste
from gpen_core.pipeline.blend import blend_faces, blend_frame, blend_into
from gpen_core.pipeline.options import BlendOptions
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
    pixels = match_color(pixels, before, shape, options.color)
    mask = shape * change_mask(before, pixels) * options.strength
    to_canvas = compose(invert_affine(face.crop.image_to_crop), resize_affine((512, 512), tuple(canvas.shape[1:])))
    return paste(canvas, [Patch(pixels, mask, to_canvas)])


@pytest.mark.parametrize("side", [128, 256, 512, 1100])
@pytest.mark.parametrize("color", ["off", "mean", "mean_std"])
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


def test_neither_frames_nor_background_are_written_to(astronaut, face):
    frames, background = astronaut[None].clone(), resize_lanczos(astronaut, (600, 600))[None]
    kept = background.clone()
    blend_faces(frames, [face], BlendOptions())
    blend_faces(frames, [face], BlendOptions(), background=background)
    assert torch.equal(frames[0], astronaut) and torch.equal(background, kept)
