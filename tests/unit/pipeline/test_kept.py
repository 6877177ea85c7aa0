"""Where the original was kept, as a mask over the frame."""

from dataclasses import replace

import pytest
import torch

from gpen_core.faces.alignment import align_face
from gpen_core.pipeline.blend import blend_frame
from gpen_core.pipeline.blend_options import BlendOptions
from gpen_core.pipeline.kept import KeptMasks
from gpen_core.types import RestoredFace


@pytest.fixture(scope="module")
def face(astronaut, astronaut_face):
    """Restored to plain green, so that what is replaced is seen."""
    crop = align_face(astronaut, astronaut_face, 128)
    return RestoredFace(crop, torch.tensor([0.0, 1.0, 0.0])[:, None, None].expand(3, 128, 128).contiguous())


def kept(frame, *faces):
    masks = KeptMasks(frame[None])
    for face in faces:
        masks.add(face)
    return masks.masks[0, 0]


def middle(face):
    x, y = face.crop.face.landmarks[2]
    return round(y), round(x)


def test_of_an_unprotected_face_nothing_was_kept(astronaut, face):
    assert kept(astronaut, face).max() == 0 and kept(astronaut).max() == 0


@pytest.mark.parametrize("strength", [0.0, 0.25, 0.9])
def test_a_lower_strength_keeps_the_rest_in_the_faces_oval_and_nowhere_else(astronaut, face, strength):
    mask = kept(astronaut, replace(face, strength=strength))
    assert mask.max() == pytest.approx(1 - strength, abs=5e-3)
    assert mask[middle(face)] == pytest.approx(1 - strength, abs=5e-3)
    x0, y0, x1, y1 = face.crop.face.box
    width, height = x1 - x0, y1 - y0
    outside = mask.clone()
    outside[max(0, round(y0 - height)) : round(y1 + height), round(x0 - width) : round(x1 + width)] = 0
    assert outside.max() == 0


def test_a_kept_part_lies_where_blending_leaves_the_original(astronaut, face):
    weight = torch.ones(1, 128, 128)
    weight[:, :, 64:] = 0  # the right half
    protected = replace(face, weight=weight)
    mask = kept(astronaut, protected)
    blended, replaced = blend_frame(astronaut, [protected], BlendOptions(color="off"))
    both = (mask > 0.9) & (replaced[0] > 0.9)
    assert (mask > 0.9).sum() > 500 and (replaced[0] > 0.9).sum() > 500 and not both.any()
    assert (blended - astronaut).abs().amax(0)[mask > 0.99].max() < 0.02


def test_masks_of_a_resized_frame_lie_in_the_same_place(astronaut, face):
    half = torch.nn.functional.interpolate(astronaut[None], scale_factor=0.5, mode="area")[0]
    small = kept(half, replace(face, strength=0.0))
    large = kept(astronaut, replace(face, strength=0.0))
    shrunk = torch.nn.functional.interpolate(large[None, None], size=small.shape, mode="area")[0, 0]
    torch.testing.assert_close(small, shrunk, atol=0.06, rtol=0)


def test_several_faces_of_a_frame_are_united(astronaut, face):
    there = replace(face.crop, image_to_crop=face.crop.image_to_crop + torch.tensor([[0, 0, 60.0], [0, 0, 0]]))
    two = [replace(face, strength=0.5), replace(face, strength=0.2, crop=there)]
    together, apart = kept(astronaut, *two), torch.stack([kept(astronaut, one) for one in two])
    assert (together >= apart.amax(0) - 1e-6).all() and together.max() <= 1
