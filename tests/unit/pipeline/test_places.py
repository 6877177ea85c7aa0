"""Where a face's pixels come from and go to: nothing is shifted on the way, and nothing aliases."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from pipeline_harness.known import identity, painted

from gpen_core.faces.alignment import align_face, crop_transform
from gpen_core.geometry import TEMPLATES, apply_affine, scale_of, template_points
from gpen_core.imaging.color_methods import COLOR_METHODS
from gpen_core.imaging.lanczos import resize_lanczos
from gpen_core.pipeline import (
    BlendOptions,
    RestoreOptions,
    blend_faces,
    restore_faces,
)
from gpen_core.tasks import TASKS
from gpen_core.types import RestoredFace


@pytest.mark.parametrize("template", sorted(TEMPLATES))
@pytest.mark.parametrize("size", [64, 512, 1024])
def test_alignment_puts_the_landmarks_where_the_template_says(frames, astronaut_face, template, size):
    crop = align_face(frames[0], astronaut_face, size, template)
    assert crop.pixels.shape == (3, size, size)
    placed = apply_affine(crop.image_to_crop, torch.tensor(astronaut_face.landmarks))
    off = (placed - template_points(template, size)).norm(dim=1) / size
    assert off.max() < 0.03  # a real face is not the template
    eye = template_points(template, size)[0].round().int()
    shown = crop.pixels[:, eye[1], eye[0]].mean()
    assert shown < 0.45  # the pupil is dark, the skin around it is not


@pytest.mark.parametrize("size", [64, 256, 512])
@pytest.mark.parametrize("template", sorted(TEMPLATES))
@pytest.mark.parametrize("color", sorted(COLOR_METHODS))
def test_an_identity_restoration_changes_nothing(frames, astronaut_face, size, template, color):
    result = blend_faces(frames[:1], identity(frames, [astronaut_face], size, template), BlendOptions(color=color))
    assert (result.frames - frames[:1]).abs().max() <= 1 / 255


def shift_between(found, expected, weight):
    """How far [3, H, W] ``found`` lies from ``expected``, in pixels (x, y): least squares on the gradient (Lucas–Kanade)."""
    a, b = found.mean(0), expected.mean(0)
    dx, dy = (b[1:-1, 2:] - b[1:-1, :-2]) / 2, (b[2:, 1:-1] - b[:-2, 1:-1]) / 2
    change, w = (a - b)[1:-1, 1:-1], weight[1:-1, 1:-1].float()
    normal = torch.stack([(dx * dx * w).sum(), (dx * dy * w).sum(), (dx * dy * w).sum(), (dy * dy * w).sum()]).view(
        2, 2
    )
    return torch.linalg.solve(normal, -torch.stack([(dx * change * w).sum(), (dy * change * w).sum()]))


def smooth(picture, width):
    for side in ((width, 1), (1, width)) * 2:
        half = (side[0] // 2, side[1] // 2)
        picture = F.avg_pool2d(picture[None], side, 1, half, count_include_pad=False)[0]
    return picture


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.37, 2.0, 4.0])
@pytest.mark.parametrize(("size", "growth"), [(128, 1), (128, 2), (128, 4), (512, 1)])
@pytest.mark.parametrize("turn", [0, 1, 2])
def test_nothing_is_shifted_on_the_way_at_any_scale_growth_or_turn(
    astronaut, astronaut_face, scale, size, growth, turn
):
    """Half a pixel forgotten in any of the three resizes (crop, model, canvas) shows as a shift of the pasted face."""
    frame = torch.rot90(astronaut, turn, (1, 2)).contiguous()
    turned = {0: lambda x, y: (x, y), 1: lambda x, y: (y, 511 - x), 2: lambda x, y: (511 - x, 511 - y)}[turn]
    face = replace(astronaut_face, landmarks=tuple(turned(x, y) for x, y in astronaut_face.landmarks))
    crop = align_face(frame, face, size)
    grown = (
        F.interpolate(crop.pixels[None], scale_factor=growth, mode="bicubic")[0].clamp(0, 1)
        if growth > 1
        else crop.pixels
    )
    paler = [RestoredFace(crop, grown * 0.8 + 0.1)]  # so that the change mask is open everywhere
    result = blend_faces(frame[None], paler, BlendOptions(scale=scale, color="off"))
    expected = resize_lanczos(frame, tuple(result.frames.shape[2:])) * 0.8 + 0.1
    width = 2 * max(1, round(2 * scale)) + 1
    rows, columns = ((result.mask[0, 0] > 0).any(axis).nonzero()[:, 0] for axis in (1, 0))
    face_only = (..., slice(int(rows[0]), int(rows[-1])), slice(int(columns[0]), int(columns[-1])))
    found, expected, whole = result.frames[0][face_only], expected[face_only], (result.mask[0, 0] > 0.98)[face_only]
    moved = shift_between(smooth(found, width), smooth(expected, width), whole)
    assert moved.abs().max() < 0.1 * max(1.0, scale * 0.6)


def test_a_resized_copy_of_the_picture_gives_the_same_crop(frames, astronaut_face):
    """Detect, upscale, restore: the face is looked for where it went."""
    larger = resize_lanczos(frames[0], (1024, 1024))
    direct = align_face(frames[0], astronaut_face, 128)
    through = align_face(larger, astronaut_face, 128)
    assert (direct.pixels - through.pixels).abs().mean() < 0.01
    assert torch.equal(direct.image_to_crop, through.image_to_crop)


def test_cutting_out_and_pasting_back_shifts_nothing(frames, astronaut_face):
    """A change of one step everywhere opens the mask, so this sees the resampling itself: sharp, and in its place."""
    faces = [replace(face, pixels=(face.pixels + 4 / 255).clamp(0, 1)) for face in identity(frames, [astronaut_face])]
    result = blend_faces(frames[:1], faces, BlendOptions(color="off", softness=0.05))
    inside = (result.mask > 0.99).expand_as(frames[:1])
    assert inside.float().mean() > 0.02
    change = (result.frames - frames[:1])[inside].mul(255)
    assert change.mean().item() == pytest.approx(4, abs=0.3) and change.std() < 3.5


def test_detail_survives_in_a_larger_canvas_and_is_filtered_in_a_smaller_one(frames, astronaut_face):
    """Stripes of two restored pixels: present at the scale that keeps them, gray without moiré at scale 1."""
    faces = painted(frames, [astronaut_face], size=1024)
    stripes = ((torch.arange(1024) // 2) % 2).float().expand(3, 1024, 1024)
    faces = [replace(faces[0], pixels=stripes)]
    ratio = scale_of(crop_transform(astronaut_face, 1024, "gpen"))

    def contrast(scale):
        result = blend_faces(frames[:1], faces, BlendOptions(scale=scale, softness=0.05)).frames[0]
        x, y = round(226 * result.shape[2] / 512), round(122 * result.shape[1] / 512)
        return result[0, y, x - 8 : x + 8].std()

    assert contrast(1.0) < 0.05 < 0.3 < contrast(ratio)


def test_a_face_larger_than_the_crop_is_cut_without_aliasing(astronaut_face):
    stripes = (torch.arange(512) % 2).float().expand(3, 512, 512)
    assert (align_face(stripes, astronaut_face, 32).pixels - 0.5).abs().max() < 0.06


def test_a_face_that_leaves_the_picture_has_no_black_corners(astronaut, astronaut_face):
    cut = (astronaut * 0.5 + 0.5)[:, 60:, 200:]
    face = replace(
        astronaut_face, image_size=(452, 312), landmarks=tuple((x - 200, y - 60) for x, y in astronaut_face.landmarks)
    )
    assert align_face(cut, face, 128).pixels.min() > 0.4


def test_the_template_follows_the_task(frames, astronaut_face, tiny_model):
    colorizer = replace(tiny_model, task=TASKS["colorization"])
    assert next(restore_faces(frames, [astronaut_face], colorizer)).crop.template == "ffhq"
    assert next(restore_faces(frames, [astronaut_face], tiny_model)).crop.template == "gpen"
    chosen = next(restore_faces(frames, [astronaut_face], tiny_model, RestoreOptions("ffhq")))
    assert chosen.crop.template == "ffhq"
