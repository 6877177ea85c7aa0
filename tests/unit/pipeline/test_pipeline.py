"""From frames to frames, with a real (tiny, untrained) network and faces whose place is known."""

import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from gpen_core.errors import ImageError, OptionError, RestorationError
from gpen_core.faces.alignment import align_face, crop_transform
from gpen_core.faces.regions import RegionOptions
from gpen_core.faces.selection import SelectOptions, select_faces
from gpen_core.geometry import TEMPLATES, apply_affine, scale_of, template_points
from gpen_core.imaging.color import COLOR_METHODS
from gpen_core.imaging.lanczos import resize_lanczos
from gpen_core.model import GpenConfig
from gpen_core.pipeline import (
    BlendOptions,
    Hooks,
    RestoreOptions,
    Settings,
    blend_faces,
    detect_faces,
    protect_faces,
    protections_for,
    restore_faces,
    restore_image,
)
from gpen_core.pipeline.restore import activation_bytes
from gpen_core.tasks import TASKS
from gpen_core.types import RestoredFace


class KnownFaces:
    """A detector that says what it was told, so that what follows detection can be checked exactly."""

    name = "known"

    def __init__(self, *faces):
        self.faces = faces

    def detect(self, frame):
        return self.faces


@pytest.fixture(scope="module")
def frames(astronaut):
    return torch.stack([astronaut, astronaut.flip(2) * 0.9, astronaut])


def identity(frames, faces, size=512, template="gpen"):
    return [RestoredFace(crop, crop.pixels) for crop in (align_face(frames[f.frame], f, size, template) for f in faces)]


def painted(frames, faces, size=128, value=1.0):
    return [
        replace(face, pixels=torch.full_like(face.pixels, value), task="painting")
        for face in identity(frames, faces, size)
    ]


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


def test_a_picture_of_another_shape_is_refused(frames, astronaut_face, tiny_model):
    other = torch.zeros(1, 3, 900, 512)
    with pytest.raises(ImageError, match=r"512×512 image, but this one is 512×900"):
        list(restore_faces(other, [astronaut_face], tiny_model))
    with pytest.raises(ImageError, match="but this one is"):
        blend_faces(other, painted(frames, [astronaut_face]))


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_restored_faces_are_ordinary_tensors_of_their_own(frames, astronaut_face, tiny_model, batch_size):
    seen = []
    hooks = Hooks(progress=lambda stage, done, total, picture=None: seen.append(picture))
    options = RestoreOptions(batch_size=batch_size)
    for face in list(restore_faces(frames, [astronaut_face] * 3, tiny_model, options, hooks)):
        face.pixels.mul_(0.5).requires_grad_()
        assert face.pixels.untyped_storage().nbytes() == face.pixels.nbytes
    assert len(seen) == 3 and not any(picture.is_inference() for picture in seen)


def test_a_face_of_a_missing_frame_is_refused_when_blending(frames, astronaut_face):
    faces = painted(frames, [replace(astronaut_face, frame=2)])
    with pytest.raises(ImageError, match=r"from 3 images or more, but here are only 1"):
        blend_faces(frames[:1], faces)


def test_values_beyond_white_keep_their_bits_outside_the_mask(frames, astronaut_face):
    bright = frames[:1] * 1.5
    result = blend_faces(bright, painted(frames, [astronaut_face]))
    outside = (result.mask == 0).expand_as(bright)
    assert torch.equal(result.frames[outside], bright[outside])


def test_cutting_out_and_pasting_back_shifts_nothing(frames, astronaut_face):
    """A change of one step everywhere opens the mask, so this sees the resampling itself: sharp, and in its place."""
    faces = [replace(face, pixels=(face.pixels + 4 / 255).clamp(0, 1)) for face in identity(frames, [astronaut_face])]
    result = blend_faces(frames[:1], faces, BlendOptions(color="off", softness=0.05))
    inside = (result.mask > 0.99).expand_as(frames[:1])
    assert inside.float().mean() > 0.02
    change = (result.frames - frames[:1])[inside].mul(255)
    assert change.mean().item() == pytest.approx(4, abs=0.3) and change.std() < 3.5


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


@pytest.mark.parametrize("batch_size", [0, 1, 2, 5])
def test_batches_over_frames_give_what_faces_give_alone(frames, astronaut_face, tiny_model, batch_size):
    mirrored = tuple((511 - x, y) for x, y in astronaut_face.landmarks)
    flipped = replace(
        astronaut_face, frame=1, landmarks=(mirrored[1], mirrored[0], mirrored[2], mirrored[4], mirrored[3])
    )
    faces = [astronaut_face, flipped, replace(astronaut_face, frame=2)]
    restored = list(restore_faces(frames, faces, tiny_model, RestoreOptions(batch_size=batch_size)))
    assert [face.crop.face for face in restored] == faces
    for face, result in zip(faces, restored):
        alone = tiny_model(align_face(frames[face.frame], face, 32).pixels[None])[0]
        torch.testing.assert_close(result.pixels, alone, atol=1e-5, rtol=0)


def test_all_in_one_equals_the_stages(frames, astronaut_face, tiny_model):
    settings = Settings(blend=BlendOptions(scale=1.5, strength=0.7))
    detector = KnownFaces(astronaut_face)
    seen = []
    whole = restore_image(frames, tiny_model, detector, settings, on_face=seen.append)
    faces = detect_faces(frames, detector)
    restored = restore_faces(frames, faces, tiny_model)
    protected = list(protect_faces(frames, restored, protections_for(settings.protect)))
    staged = blend_faces(frames, protected, settings.blend)
    torch.testing.assert_close(whole.frames, staged.frames, atol=1e-6, rtol=0)
    torch.testing.assert_close(whole.mask, staged.mask, atol=1e-6, rtol=0)
    assert whole.faces == tuple(face.crop.face for face in protected) and len(seen) == 3  # with their quality
    assert [face.frame for face in whole.faces] == [0, 1, 2]


def test_a_face_keeps_its_id_through_selection_and_restoring(frames, astronaut_face, tiny_model):
    second = replace(astronaut_face, box=(10.0, 64.0, 60.0, 120.0), score=0.5)
    seen = []
    settings = Settings(select=SelectOptions("left_to_right", limit=1))
    result = restore_image(frames, tiny_model, KnownFaces(astronaut_face, second), settings, on_face=seen.append)
    assert [face.id for face in detect_faces(frames, KnownFaces(astronaut_face, second))] == [1, 2, 3, 4, 5, 6]
    assert [(face.id, face.frame) for face in result.faces] == [(2, 0), (4, 1), (6, 2)]
    assert [face.crop.face.id for face in seen] == [2, 4, 6]


def test_frames_are_checked_once_at_the_door(frames, astronaut_face, tiny_model, monkeypatch):
    from gpen_core.pipeline import blend, detect, restore, run
    from gpen_core.pipeline import frames as checks

    calls = []

    def counted(given, **options):
        calls.append(given)
        return checks.check_frames(given)

    for module in (blend, detect, restore, run):
        monkeypatch.setattr(module, "check_frames", counted)
    restore_image(frames, tiny_model, KnownFaces(astronaut_face))
    assert len(calls) == 1


def test_no_face_returns_the_picture(frames, tiny_model):
    result = restore_image(frames, tiny_model, KnownFaces())
    assert torch.equal(result.frames, frames) and result.faces == () and not result.mask.any()


def test_a_face_larger_than_the_crop_is_cut_without_aliasing(astronaut_face):
    stripes = (torch.arange(512) % 2).float().expand(3, 512, 512)
    assert (align_face(stripes, astronaut_face, 32).pixels - 0.5).abs().max() < 0.06


def test_a_face_that_leaves_the_picture_has_no_black_corners(astronaut, astronaut_face):
    cut = (astronaut * 0.5 + 0.5)[:, 60:, 200:]
    face = replace(
        astronaut_face, image_size=(452, 312), landmarks=tuple((x - 200, y - 60) for x, y in astronaut_face.landmarks)
    )
    assert align_face(cut, face, 128).pixels.min() > 0.4


class Memory:
    """Runs out of memory for batches larger than it holds, as torch says it."""

    def __init__(self, model, holds):
        self.model, self.holds, self.asked = model, holds, []

    def __getattr__(self, name):
        return getattr(self.model, name)

    def __call__(self, crops):
        self.asked.append(len(crops))
        if len(crops) > self.holds:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.model(crops)


def test_out_of_memory_halves_the_batch_and_stays_there(frames, astronaut_face, tiny_model):
    freed, model = [], Memory(tiny_model, holds=2)
    faces = [astronaut_face] * 8
    hooks = Hooks(free_memory=lambda: freed.append(1))
    restored = list(restore_faces(frames, faces, model, RestoreOptions(batch_size=5), hooks))
    assert len(restored) == 8 and len(freed) == 2 - 1 and model.asked == [5, 2, 2, 1, 2, 1]


def test_not_even_one_face_is_a_clear_error(frames, astronaut_face, tiny_model):
    with pytest.raises(RestorationError, match="not enough memory for a face of 32 px"):
        list(restore_faces(frames, [astronaut_face], Memory(tiny_model, holds=0)))


def test_other_errors_pass_through(frames, astronaut_face, tiny_model):
    def broken(crops):
        raise RuntimeError("mat1 and mat2 shapes")

    model = Memory(tiny_model, 9)
    model.__class__.__call__, original = (lambda self, crops: broken(crops)), model.__class__.__call__
    try:
        with pytest.raises(RuntimeError, match="mat1"):
            list(restore_faces(frames, [astronaut_face], model))
    finally:
        model.__class__.__call__ = original


def test_nan_is_an_error_not_a_picture(frames, astronaut_face, tiny_model):
    for value in (float("nan"), float("inf")):
        broken = replace(tiny_model, module=copy.deepcopy(tiny_model.module))
        broken.module.generator.to_rgb1.bias.fill_(value)
        with pytest.raises(RestorationError, match="tiny gave NaN or infinity"):
            list(restore_faces(frames, [astronaut_face], broken))


def test_progress_counts_and_cancels(frames, astronaut_face, tiny_model):
    seen = []

    def progress(stage, done, total, preview=None):
        seen.append((stage, done, total, None if preview is None else tuple(preview.shape)))
        if stage == "restore" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_image(frames, tiny_model, KnownFaces(astronaut_face), hooks=Hooks(progress=progress))
    assert seen[:4] == [
        ("detect", 1, 3, None),
        ("detect", 2, 3, None),
        ("detect", 3, 3, None),
        ("restore", 1, 3, (3, 32, 32)),
    ]
    assert len(seen) <= 6


def test_selection_orders_limits_and_filters(astronaut_face):
    def face(x, size, score, frame=0):
        return replace(astronaut_face, box=(x, 0, x + size, size), score=score, frame=frame)

    a, b, c, d = face(50, 30, 0.9), face(0, 60, 0.8), face(20, 10, 0.99), face(0, 20, 0.5, frame=1)
    faces = (a, b, c, d)
    assert select_faces(faces, SelectOptions()) == (b, a, c, d)
    assert select_faces(faces, SelectOptions("left_to_right")) == (b, c, a, d)
    assert select_faces(faces, SelectOptions("most_confident", limit=2)) == (c, a, d)
    assert select_faces(faces, SelectOptions(min_size=25)) == (b, a)


@pytest.mark.parametrize(
    "make",
    [
        lambda: BlendOptions(scale=0),
        lambda: BlendOptions(scale="huge"),
        lambda: BlendOptions(scale=17),
        lambda: BlendOptions(scale=float("nan")),
        lambda: BlendOptions(strength=1.1),
        lambda: BlendOptions(softness=0),
        lambda: BlendOptions(color="vivid"),
        lambda: BlendOptions(max_megapixels=0),
        lambda: BlendOptions(whole_crop=True, regions=RegionOptions()),
        lambda: RestoreOptions(template="arcface"),
        lambda: RestoreOptions(batch_size=-1),
        lambda: SelectOptions(order="random"),
        lambda: SelectOptions(limit=-1),
    ],
)
def test_settings_out_of_range_are_refused_where_they_are_made(make):
    with pytest.raises(OptionError):
        make()


def test_without_detector_and_faces_there_is_nothing_to_go_by(frames, tiny_model):
    with pytest.raises(OptionError, match="give a detector, or the faces"):
        restore_image(frames, tiny_model, None)


@pytest.mark.parametrize("shape", [(3, 64, 64), (0, 3, 64, 64), (1, 1, 64, 64), (1, 3, 0, 64)])
def test_frames_of_another_shape_are_refused(shape, tiny_model):
    with pytest.raises(ImageError, match="frames must be"):
        restore_image(torch.zeros(shape), tiny_model, KnownFaces())
    with pytest.raises(ImageError, match="floating point"):
        blend_faces(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), [])


def test_a_face_of_a_frame_that_is_not_there_is_named(frames, astronaut_face, tiny_model):
    with pytest.raises(ImageError, match=r"from 8 images or more.*only 3"):
        list(restore_faces(frames, [replace(astronaut_face, frame=7)], tiny_model))


def test_the_template_follows_the_task(frames, astronaut_face, tiny_model):
    colorizer = replace(tiny_model, task=TASKS["colorization"])
    assert next(restore_faces(frames, [astronaut_face], colorizer)).crop.template == "ffhq"
    assert next(restore_faces(frames, [astronaut_face], tiny_model)).crop.template == "gpen"
    chosen = next(restore_faces(frames, [astronaut_face], tiny_model, RestoreOptions("ffhq")))
    assert chosen.crop.template == "ffhq"


def test_the_memory_estimate_grows_with_faces_up_to_the_batch(tiny_model):
    options = RestoreOptions(batch_size=4)
    sizes = [activation_bytes(tiny_model, options, faces) for faces in (1, 2, 4, 9)]
    assert activation_bytes(tiny_model, options) == sizes[-1]
    assert sizes[0] < sizes[1] < sizes[2] == sizes[3]


@pytest.mark.parametrize("large", [False, True])
def test_a_memory_budget_bounds_what_a_batch_takes(tiny_model, large):
    model = replace(tiny_model, config=GpenConfig.published(512)) if large else tiny_model
    one = activation_bytes(model, RestoreOptions(batch_size=1))
    assert one < activation_bytes(model, RestoreOptions(batch_size=64))
    for mib in (1, *range(100, 4000, 300)):
        budget = max(mib << 20, one)  # one face at least
        taken = activation_bytes(model, RestoreOptions(batch_size=64, memory_mib=mib))
        assert one <= taken <= budget
    plenty = RestoreOptions(batch_size=64, memory_mib=1 << 20)
    assert activation_bytes(model, plenty) == activation_bytes(model, RestoreOptions(batch_size=64))
    with pytest.raises(OptionError, match="memory_mib"):
        RestoreOptions(memory_mib=-1)


def test_faces_restored_within_a_budget_are_the_same(frames, astronaut_face, tiny_model):
    faces = [astronaut_face] * 5
    free = restore_faces(frames, faces, tiny_model)
    for bounded, expected in zip(
        restore_faces(frames, faces, tiny_model, RestoreOptions(memory_mib=1)), free, strict=True
    ):
        assert torch.allclose(bounded.pixels, expected.pixels, atol=1e-5)
