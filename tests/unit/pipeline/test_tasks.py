"""Colorizing, filling and faces of label maps, through the whole pipeline, with a small network that changes every pixel."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.color import rgb2ycbcr

from gpen_core.errors import ImageError, OptionError
from gpen_core.faces.alignment import WHOLE, align_face
from gpen_core.faces.exchange import whole_picture
from gpen_core.pipeline import BlendOptions, Hooks, RestoreOptions, Settings, blend_faces, restore_image
from gpen_core.pipeline.clip.stream import restore_stream
from gpen_core.pipeline.restore import restore_faces
from gpen_core.tasks import TASKS
from gpen_core.tasks.labels import colored_labels
from gpen_core.types import RestoredFace

WHOLE_PICTURE = Settings(restore=RestoreOptions(whole_picture=True))


@pytest.fixture
def said():
    return []


@pytest.fixture
def hooks(said):
    return Hooks(say=said.append)


@pytest.fixture(params=["colorization", "inpainting", "seg2face"])
def model(tiny_model, request):
    return replace(tiny_model, task=TASKS[request.param])


@pytest.fixture
def colorizer(tiny_model):
    return replace(tiny_model, task=TASKS["colorization"])


@pytest.fixture
def filler(tiny_model):
    return replace(tiny_model, task=TASKS["inpainting"])


@pytest.fixture
def mapper(tiny_model):
    return replace(tiny_model, task=TASKS["seg2face"])


@pytest.fixture
def gray(astronaut):
    return TASKS["colorization"].shown(astronaut[None])


@pytest.fixture
def stroke():
    """Over the astronaut's nose and cheek, and a little beside the face."""
    mask = torch.zeros(1, 1, 512, 512)
    mask[..., 118:126, 190:262] = 1
    mask[..., 118:126, 262:270] = 0.5
    return mask


def luma(frame):
    return rgb2ycbcr(frame.double().movedim(0, -1).numpy())[..., 0]


@pytest.mark.parametrize("scale", [1.0, 1.7])
def test_colors_come_only_where_the_face_mask_is_and_brightness_stays_at_any_size(
    gray, astronaut_face, colorizer, scale
):
    settings = Settings(blend=BlendOptions(scale=scale))
    result = restore_image(gray, colorizer, None, settings, faces=[astronaut_face])
    plain = blend_faces(gray, [], BlendOptions(scale=scale)).frames
    np.testing.assert_allclose(luma(result.frames[0]), luma(plain[0]), atol=1e-2)
    inside = result.mask[0, 0] > 0
    assert torch.equal(result.frames[0][:, ~inside], plain[0][:, ~inside])
    spread = result.frames[0].amax(0) - result.frames[0].amin(0)
    assert spread[inside].max() > 0.05 and spread[~inside].max() < 1e-6


def test_a_colorizer_sees_nothing_of_the_colors_that_were_there(
    astronaut, gray, astronaut_face, colorizer, hooks, said
):
    from_gray = restore_image(gray, colorizer, None, faces=[astronaut_face])
    from_color = restore_image(astronaut[None], colorizer, None, faces=[astronaut_face], hooks=hooks)
    taken = from_gray.mask[0, 0] > 0.999
    torch.testing.assert_close(from_color.frames[0][:, taken], from_gray.frames[0][:, taken], atol=2e-3, rtol=0)
    assert len(said) == 1 and "in color already" in said[0]


@pytest.mark.parametrize("size", [(512, 512), (300, 512), (32, 32)])
def test_a_whole_picture_is_colored_to_its_edges_and_keeps_its_brightness(gray, colorizer, size):
    frame = gray[..., : size[0], : size[1]]
    result = restore_image(frame, colorizer, None, WHOLE_PICTURE)
    assert result.mask.min() == 1 and result.frames.shape == frame.shape and len(result.faces) == 1
    np.testing.assert_allclose(luma(result.frames[0]), luma(frame[0]), atol=1e-2)
    spread = result.frames[0].amax(0) - result.frames[0].amin(0)
    edges = torch.cat([torch.stack((part[0], part[-1])).flatten() for part in (spread, spread.T)])
    bright = torch.cat([torch.stack((part[0], part[-1])).flatten() for part in (frame[0, 0], frame[0, 0].T)])
    assert (edges[(bright > 0.1) & (bright < 0.9)] > 1e-3).float().mean() > 0.95


def test_a_whole_picture_is_stretched_to_the_model_as_the_published_demo_does(gray, colorizer):
    frame = gray[..., :300, :]
    crop = align_face(frame[0], whole_picture((300, 512)), 32, WHOLE)
    wanted = torch.nn.functional.interpolate(frame, (32, 32), mode="bicubic", antialias=True)[0].clamp(0, 1)
    torch.testing.assert_close(crop.pixels, wanted, atol=1e-5, rtol=0)


def test_whole_numbers_of_a_file_keep_their_brightness_to_one_step(gray, colorizer):
    stored = (gray * 255).round().byte()
    result = restore_image(stored, colorizer, None, WHOLE_PICTURE)
    assert result.frames.dtype == torch.uint8
    np.testing.assert_allclose(luma(result.frames[0] / 255), luma(stored[0] / 255), atol=0.6)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("kind", ["float", "uint8"])
def test_outside_of_the_mask_every_bit_stays(astronaut, astronaut_face, filler, stroke, whole, kind):
    frames = astronaut[None] if kind == "float" else (astronaut[None] * 255).round().byte()
    settings = WHOLE_PICTURE if whole else Settings()
    faces = None if whole else [astronaut_face]
    result = restore_image(frames, filler, None, settings, faces=faces, mask=stroke)
    outside = stroke[0, 0] == 0
    assert torch.equal(result.frames[0][:, outside], frames[0][:, outside])
    assert (result.mask[0, 0][outside] == 0).all() and (result.mask[0, 0][stroke[0, 0] == 1] > 0.5).all()
    assert (result.frames[0] != frames[0]).any(0)[stroke[0, 0] == 1].float().mean() > 0.9


def test_the_network_is_shown_white_strokes_and_no_other_picture(astronaut, astronaut_face, filler, stroke):
    seen = []

    def network(crops, noise=None):
        seen.append(crops.clone())
        return crops

    class Spying(type(filler)):
        __call__ = staticmethod(network)

    spy = Spying(filler.config, filler.module, filler.task, filler.name, filler.engine)
    restore_image(astronaut[None], spy, None, faces=[astronaut_face], mask=stroke)
    crop = align_face(astronaut, astronaut_face, 32, "ffhq")
    white = (seen[0][0] == 1).all(0)
    assert 20 < white.sum() < 500
    torch.testing.assert_close(seen[0][0][:, ~white], crop.pixels[:, ~white], atol=1e-6, rtol=0)


def test_a_mask_of_another_size_is_resized_and_one_of_another_shape_refused(
    astronaut, astronaut_face, filler, stroke, hooks, said
):
    half = torch.nn.functional.interpolate(stroke, (256, 256), mode="area")
    result = restore_image(astronaut[None], filler, None, faces=[astronaut_face], mask=half, hooks=hooks)
    assert result.mask.max() > 0.9 and any("256×256: it was resized to the image's 512×512" in text for text in said)
    with pytest.raises(ImageError, match=r"512×300.*512×512"):
        restore_image(astronaut[None], filler, None, faces=[astronaut_face], mask=stroke[..., :300, :])
    with pytest.raises(ImageError, match="2 masks for 1 image"):
        restore_image(astronaut[None], filler, None, faces=[astronaut_face], mask=stroke.expand(2, -1, -1, -1))


def test_a_mask_beside_all_faces_or_an_empty_one_is_said(astronaut, astronaut_face, filler, stroke, hooks, said):
    beside = torch.zeros_like(stroke)
    beside[..., 500:, :20] = 1
    result = restore_image(astronaut[None], filler, None, faces=[astronaut_face], mask=beside, hooks=hooks)
    assert torch.equal(result.frames, astronaut[None]) and result.faces == ()
    assert any("100% of the mask lies outside of faces" in text for text in said)
    restore_image(astronaut[None], filler, None, faces=[astronaut_face], mask=torch.zeros_like(stroke), hooks=hooks)
    assert "The mask is empty" in said[-1]


def test_filled_faces_carry_their_mask_from_one_step_to_the_next(astronaut, astronaut_face, filler, stroke):
    restored = list(restore_faces(astronaut[None], [astronaut_face], filler, mask=stroke))
    staged = blend_faces(astronaut[None], restored)
    whole = restore_image(astronaut[None], filler, None, faces=[astronaut_face], mask=stroke)
    assert torch.equal(staged.frames, whole.frames) and torch.equal(staged.mask, whole.mask)


def test_a_label_map_is_the_face_and_becomes_one_of_the_models_size_several_at_once(mapper):
    maps = colored_labels(torch.randint(0, 19, (3, 100, 100), generator=torch.Generator().manual_seed(2)))
    result = restore_image(maps, mapper, None)
    assert result.frames.shape == (3, 3, 32, 32) and len(result.faces) == 3 and result.mask.min() == 1
    for number in range(3):
        shown = mapper.task.at_size(maps[number], 32)
        torch.testing.assert_close(result.frames[number], mapper(shown[None])[0], atol=1e-6, rtol=0)
    assert restore_image(maps, mapper, None, Settings(blend=BlendOptions(scale=2))).frames.shape[-1] == 64


def test_the_network_of_label_maps_takes_and_gives_unshifted_numbers(mapper):
    maps = colored_labels(torch.randint(0, 19, (1, 32, 32), generator=torch.Generator().manual_seed(3)))
    wanted = mapper.module(maps).clamp(0, 1)
    torch.testing.assert_close(restore_image(maps, mapper, None).frames, wanted, atol=1e-4, rtol=0)


def test_a_photograph_is_no_label_map_and_is_named_among_several(astronaut, mapper):
    maps = torch.stack((colored_labels(torch.zeros(512, 512)), astronaut))
    with pytest.raises(ImageError, match=r"image 2: .*no label map"):
        restore_image(maps, mapper, None)


def test_what_a_task_cannot_do_is_an_error_before_any_work(
    astronaut, astronaut_face, tiny_model, filler, mapper, stroke
):
    with pytest.raises(OptionError, match="there is no mask"):
        restore_image(astronaut[None], filler, None, faces=[astronaut_face])
    with pytest.raises(OptionError, match="fills nothing"):
        restore_image(astronaut[None], tiny_model, None, faces=[astronaut_face], mask=stroke)
    with pytest.raises(OptionError, match="not on whole pictures"):
        restore_image(astronaut[None], tiny_model, None, WHOLE_PICTURE)
    with pytest.raises(OptionError, match="takes no faces"):
        restore_faces(astronaut[None], [astronaut_face], mapper)
    for model in (filler, mapper):
        with pytest.raises(OptionError, match="not on clips"):
            next(restore_stream([astronaut], model, None))


def test_a_gray_clip_is_colored_along_its_faces_and_keeps_its_brightness(gray, astronaut_face, colorizer):
    class Known:
        name = "known"

        def detect(self, frame):
            return (astronaut_face,)

    frames = [gray[0], gray[0] * 0.9, gray[0] * 0.8]
    results = list(restore_stream(frames, colorizer, Known(), threads=False))
    assert len(results) == 3
    for frame, result in zip(frames, results, strict=True):
        np.testing.assert_allclose(luma(result.frame), luma(frame), atol=1e-2)
        spread = result.frame.amax(0) - result.frame.amin(0)
        assert spread[100:150, 200:250].mean() > 0.02 and spread[300:].max() < 1e-6
    with pytest.raises(OptionError, match="one by one"):
        next(restore_stream(frames, colorizer, Known(), WHOLE_PICTURE))


def test_an_edited_colorized_face_is_pasted_with_the_pictures_brightness(gray, astronaut_face):
    crop = align_face(gray[0], astronaut_face, 128, "ffhq")
    red = torch.zeros(3, 128, 128)
    red[0] = 1
    result = blend_faces(gray, [RestoredFace(crop, red, "colorization")]).frames[0]
    np.testing.assert_allclose(luma(result), luma(gray[0]), atol=1e-2)
    assert result[0, 122, 226] > result[1, 122, 226] + 0.2
