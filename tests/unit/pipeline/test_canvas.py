"""What faces are blended into: its size, its pixels outside of them, its alpha and its background."""

from dataclasses import replace

import pytest
import torch
from pipeline_harness.known import identity, painted

from gpen_core.errors import ImageError
from gpen_core.faces.alignment import crop_transform
from gpen_core.geometry import scale_of
from gpen_core.imaging.lanczos import resize_lanczos
from gpen_core.pipeline import (
    BlendOptions,
    blend_faces,
)


def test_a_face_of_a_missing_frame_is_refused_when_blending(frames, astronaut_face):
    faces = painted(frames, [replace(astronaut_face, frame=2)])
    with pytest.raises(ImageError, match=r"from 3 images or more, but here is only 1"):
        blend_faces(frames[:1], faces)


def test_values_beyond_white_keep_their_bits_outside_the_mask(frames, astronaut_face):
    bright = frames[:1] * 1.5
    result = blend_faces(bright, painted(frames, [astronaut_face]))
    outside = (result.mask == 0).expand_as(bright)
    assert torch.equal(result.frames[outside], bright[outside])


@pytest.mark.parametrize("scale", [1.0, 2.0, 2.5])
def test_pixels_outside_the_faces_are_those_of_the_resized_picture(frames, astronaut_face, scale):
    result = blend_faces(frames[:1], painted(frames, [astronaut_face]), BlendOptions(scale=scale))
    side = round(512 * scale)
    background = resize_lanczos(frames[0], (side, side))
    outside = (result.mask[0] == 0).expand(3, side, side)
    assert torch.equal(result.frames[0][outside], background[outside])
    assert 0.02 < result.mask.mean() < 0.1 and result.frames[0][:, round(122 * scale), round(226 * scale)].min() > 0.99


def test_strength_zero_keeps_every_bit_and_one_half_mixes(frames, astronaut_face):
    faces = painted(frames, [astronaut_face])
    none = blend_faces(frames[:1], faces, BlendOptions(strength=0))
    assert torch.equal(none.frames, frames[:1]) and not none.mask.any()
    half = blend_faces(frames[:1], faces, BlendOptions(strength=0.5))
    torch.testing.assert_close(half.frames[0, :, 122, 226], (frames[0, :, 122, 226] + 1) / 2, atol=1e-4, rtol=0)


def test_faces_only_change_their_own_frame(frames, astronaut_face):
    face = replace(astronaut_face, frame=2)
    result = blend_faces(frames, painted(frames, [face]))
    assert torch.equal(result.frames[:2], frames[:2]) and not torch.equal(result.frames[2], frames[2])
    assert not result.mask[:2].any()


def test_scale_auto_keeps_the_largest_faces_pixels_within_the_budget(frames, astronaut_face):
    small = replace(astronaut_face, landmarks=tuple((x / 2, y / 2) for x, y in astronaut_face.landmarks))
    faces = painted(frames, [astronaut_face, small], size=512)
    wanted = scale_of(crop_transform(astronaut_face, 512, "gpen"))
    result = blend_faces(frames[:1], faces, BlendOptions(scale="auto"))
    assert result.frames.shape[-1] == round(512 * wanted)
    larger = resize_lanczos(frames[0], (1024, 1024))[None]  # the same faces in a picture that was upscaled since
    assert blend_faces(larger, faces, BlendOptions(scale="auto")).frames.shape[-1] == max(1024, round(512 * wanted))
    capped = blend_faces(frames[:1], faces, BlendOptions(scale="auto", max_megapixels=0.5))
    assert capped.frames.shape[-1] == round(512 * (0.5e6 / 512**2) ** 0.5)
    tiny = blend_faces(frames[:1], painted(frames, [astronaut_face], size=32), BlendOptions(scale="auto"))
    assert tiny.frames.shape == frames[:1].shape
    assert blend_faces(frames[:1], [], BlendOptions(scale="auto")).frames.shape == frames[:1].shape


def test_an_upscaled_background_is_what_faces_go_into(frames, astronaut_face):
    background = torch.full((1, 3, 1024, 1024), 0.25)
    result = blend_faces(frames[:1], painted(frames, [astronaut_face]), BlendOptions(scale=7), background=background)
    assert result.frames.shape == background.shape
    assert (result.frames[:, :, 244:246, 450:454] > 0.99).all() and result.frames[0, 0, 0, 0] == 0.25
    with pytest.raises(ImageError, match="the aspect ratios must match"):
        blend_faces(frames[:1], [], background=torch.zeros(1, 3, 1024, 900))
    with pytest.raises(ImageError, match="background has 2 images, image has 1"):
        blend_faces(frames[:1], [], background=torch.zeros(2, 3, 1024, 1024))


def test_alpha_is_kept(frames, astronaut_face):
    alpha = torch.linspace(0, 1, 512).expand(1, 1, 512, 512)
    rgba = torch.cat((frames[:1], alpha), dim=1)
    result = blend_faces(rgba, painted(frames, [astronaut_face]))
    assert torch.equal(result.frames[:, 3], rgba[:, 3])
    larger = blend_faces(rgba, painted(frames, [astronaut_face]), BlendOptions(scale=2)).frames[0, 3]
    assert torch.equal(larger, resize_lanczos(rgba[0], (1024, 1024))[3])


def test_a_colorizers_colors_are_left_alone(frames, astronaut_face):
    red = torch.zeros(3, 128, 128)
    red[0] = 1
    for task, expected in (("colorization", 1.0), ("restoration", None), ("restoration-ffhq", None)):
        faces = [replace(face, pixels=red, task=task) for face in identity(frames, [astronaut_face], 128)]
        shown = blend_faces(frames[:1], faces, BlendOptions(color="mean")).frames[0, :, 122, 226]
        assert (shown[0] - shown[1] > 0.3) == (expected is not None)  # as red as the brightness there allows
