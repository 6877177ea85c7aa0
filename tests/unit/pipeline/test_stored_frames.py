"""Frames of whole numbers, as files have them: the same result, rounded, and never all floating point at a time."""

import importlib.util
from dataclasses import replace

import pytest
import torch

from gpen_core.errors import ImageError
from gpen_core.faces.detectors import MultiPassDetector
from gpen_core.faces.detectors.shown import Shown
from gpen_core.faces.detectors.views import View, whole
from gpen_core.imaging import warp as warping
from gpen_core.imaging.lanczos import resize_lanczos
from gpen_core.imaging.numbers import as_kind_of, in_unit_range
from gpen_core.imaging.paste import Patch, paste_into
from gpen_core.imaging.warp import warp
from gpen_core.pipeline import BlendOptions, Settings, detect_faces, restore_image
from gpen_core.pipeline.clip.options import VideoOptions
from gpen_core.types import Face

KINDS = [torch.uint8, *([torch.uint16] if hasattr(torch, "uint16") else [])]


def stored(picture, kind):
    highest = 255 if kind == torch.uint8 else 65535
    return (picture * highest).round().to(kind)


class Known:
    """A detector that says what it was told."""

    name = "known"

    def __init__(self, *faces):
        self.faces = faces

    def detect(self, frame):
        assert frame.is_floating_point()
        return self.faces


def face_at(x, y, side, size):
    eyes, mouth = y + 0.35 * side, y + 0.75 * side
    points = ((x + 0.3 * side, eyes), (x + 0.7 * side, eyes), (x + 0.5 * side, y + 0.55 * side),
              (x + 0.35 * side, mouth), (x + 0.65 * side, mouth))  # fmt: skip
    return Face((x, y, x + side, y + side), 1.0, points, size)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_the_result_is_that_of_floating_point_rounded(astronaut, tiny_model, kind, channels, scale):
    picture = torch.cat((astronaut, astronaut[:1]))[:channels, :304, :360]
    frames = stored(picture, kind)[None]
    size = tuple(picture.shape[1:])
    detector = Known(
        face_at(150, 40, 140, size), face_at(230, 80, 120, size), face_at(20, 200, 90, size)
    )  # two overlap
    settings = Settings(blend=BlendOptions(scale=scale, grain=0.5))
    floating = restore_image(in_unit_range(frames), tiny_model, detector, settings)
    result = restore_image(frames, tiny_model, detector, settings)
    assert result.frames.dtype == (kind if scale == 1 else torch.float32)
    expected = as_kind_of(floating.frames, result.frames)
    assert torch.equal(result.frames.double(), expected.double()) and torch.equal(result.mask, floating.mask)
    assert result.mask.amax() > 0.5
    again = restore_image(frames, tiny_model, detector, settings, in_place=True)
    assert torch.equal(again.frames.double(), result.frames.double())
    assert (again.frames.data_ptr() == frames.data_ptr()) == (scale == 1)


@pytest.mark.skipif(importlib.util.find_spec("mtcnn") is None, reason="the mtcnn package is not installed")
@pytest.mark.parametrize("kind", KINDS)
def test_detectors_find_the_same_faces(astronaut, kind):
    from gpen_core import load_detector

    detector = load_detector("mtcnn")
    assert isinstance(detector, MultiPassDetector)
    for picture in (astronaut, astronaut * 0.06, (astronaut * 2).clamp(0, 1)):  # ordinary, dark, over-exposed
        frame = stored(picture, kind)
        expected = detect_faces(in_unit_range(frame)[None], detector)
        from gpen_core.pipeline.detect import find_faces
        from gpen_core.pipeline.hooks import Hooks

        assert find_faces(frame[None], detector, Hooks()) == expected and expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [0.2, 0.7, 1.0, 1.3])
def test_a_view_made_in_bands_is_the_view(astronaut, kind, scale, monkeypatch):
    from gpen_core.faces.detectors import shown

    monkeypatch.setattr(shown, "_BAND", 5000)
    frame = stored(astronaut, kind)
    for view in (View(30, 50, 330, 490, (round(440 * scale), round(300 * scale))), whole((512, 512), 200, 1)):
        assert torch.equal(view.pixels(frame), view.pixels(in_unit_range(frame)))
        darker = Shown(in_unit_range(frame) * 0.5), Shown(frame, lambda window: window * 0.5)
        assert torch.equal(*(view.pixels(one) for one in darker))


@pytest.mark.parametrize("kind", KINDS)
def test_warps_and_resizes_are_the_same(astronaut, kind, monkeypatch):
    monkeypatch.setattr(warping, "_WHOLE_AT_A_TIME", 5000)
    frame = stored(astronaut, kind)
    floats = in_unit_range(frame)
    for scale in (0.3, 1.0, 2.0):
        matrix = torch.tensor([[scale, 0.1, -30.0], [-0.1, scale, -20.0]], dtype=torch.float64)
        assert torch.equal(warp(frame, matrix, (100, 90)), warp(floats, matrix, (100, 90)))
    for channels in (frame, torch.cat((frame, frame[:1])), torch.cat((frame, torch.full_like(frame[:1], 1)))):
        for size in ((100, 200), (700, 600), (512, 512)):
            assert torch.equal(resize_lanczos(channels, size), resize_lanczos(in_unit_range(channels), size))


@pytest.mark.parametrize("kind", KINDS)
def test_patches_that_overlap_in_chains_are_pasted_the_same(astronaut, kind):
    torch.manual_seed(0)
    canvas = stored(astronaut, kind)
    floats = in_unit_range(canvas)
    places = [(10, 10), (60, 40), (120, 60), (300, 300), (340, 330), (400, 20)]
    patches = [
        Patch(
            torch.rand(3, 64, 64), torch.rand(1, 64, 64), torch.tensor([[1.2, 0, x], [0, 1.2, y]], dtype=torch.float64)
        )
        for x, y in places
    ]
    masks = torch.zeros(2, 1, 512, 512)
    paste_into(canvas, masks[0], patches)
    paste_into(floats, masks[1], patches)
    assert torch.equal(canvas.double(), as_kind_of(floats, canvas).double()) and torch.equal(*masks)


def test_gray_that_is_one_channel_in_memory_becomes_three(astronaut, tiny_model):
    frames = stored(astronaut[:1], torch.uint8).expand(3, -1, -1)[None]
    result = restore_image(frames, tiny_model, Known(face_at(150, 40, 140, (512, 512))), in_place=True)
    assert result.mask.amax() > 0.5 and torch.equal(frames[0, 0], stored(astronaut[0], torch.uint8))


def test_other_whole_numbers_are_refused(tiny_model):
    with pytest.raises(ImageError, match="floating point"):
        restore_image(torch.zeros(1, 3, 8, 8, dtype=torch.int32), tiny_model, Known())


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_of_whole_numbers_is_that_of_floating_point_rounded(astronaut, tiny_model, kind):
    picture = astronaut[:, :304, :360]
    frames = stored(picture, kind)[None].expand(4, -1, -1, -1).clone()
    frames[2] = frames[2].flip(0)
    face = face_at(150, 40, 140, tuple(picture.shape[1:]))
    for given in ({"detector": Known(face)}, {"detector": None, "faces": [replace(face, frame=n) for n in range(4)]}):
        floating = restore_image(in_unit_range(frames), tiny_model, video=VideoOptions(), **given)
        result = restore_image(frames, tiny_model, video=VideoOptions(), **given)
        assert result.frames.dtype == kind and len(result.faces) == len(floating.faces) == 4
        assert [face.track for face in result.faces] == [face.track for face in floating.faces]
        apart = in_unit_range(result.frames) - floating.frames
        assert apart.abs().max() < 1.01 / (255 if kind == torch.uint8 else 65535) + 1e-4
        assert (result.frames[:, :, :100] != frames[:, :, :100]).any()
