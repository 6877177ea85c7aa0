"""A clip in several batches: no border is seen in it, and faces keep the numbers of their tracks."""

from dataclasses import replace

import pytest
import torch

from gpen_core.pipeline import restore_image
from gpen_core.pipeline.clip import VideoOptions, restore_part, track_part

BORDER = 14  # within what is remembered of a part
VIDEO = VideoOptions()


@pytest.fixture(scope="module")
def talking(talking):
    """As a file has it, in steps of 8 bits."""
    return replace(talking, frames=(talking.frames * 255).round() / 255)


@pytest.fixture(scope="module")
def whole(talking, tiny_model, detector, plain):
    return restore_image(talking.frames, tiny_model, detector, plain, video=VIDEO)


@pytest.fixture(scope="module")
def first(talking, tiny_model, detector, plain):
    """The first part and its end."""
    return restore_part(talking.frames[:BORDER], tiny_model, detector, plain, video=VIDEO)


def test_the_first_part_is_a_clip_by_itself(talking, tiny_model, detector, plain, first):
    alone = restore_image(talking.frames[:BORDER], tiny_model, detector, plain, video=VIDEO)
    assert (
        torch.equal(first[0].frames, alone.frames) and first[0].faces == alone.faces and first[0].facts == alone.facts
    )


def test_the_next_part_goes_on_from_the_one_before(talking, tiny_model, detector, plain, whole, first):
    later = talking.frames[BORDER:]
    part, end = restore_part(later, tiny_model, detector, plain, video=VIDEO, before=first[1])
    alone = restore_image(later, tiny_model, detector, plain, video=VIDEO)
    assert part.frames.shape == later.shape and part.mask.shape == whole.mask[BORDER:].shape
    assert [face.frame for face in part.faces] == list(range(len(later))) and len(part.facts) == len(part.faces)
    assert (part.frames - whole.frames[BORDER:]).abs().max() < 1e-4
    assert (alone.frames - whole.frames[BORDER:]).abs().max() > 2e-3
    assert end.frames.shape[0] == len(talking.frames) and torch.equal(end.frames[-1], (later[-1] * 255).round().byte())


def test_no_more_than_the_last_frames_of_a_clip_are_remembered():
    faceless, end = track_part(torch.rand(30, 3, 8, 8), (), VIDEO)
    _, end = track_part(torch.rand(10, 3, 8, 8), (), VIDEO, end)
    assert faceless == () and len(end.frames) == 32


def test_a_part_goes_on_although_not_all_of_the_clip_is_remembered(
    talking, tiny_model, detector, plain, whole, monkeypatch
):
    monkeypatch.setattr("gpen_core.pipeline.clip.parts._LEAD", 16)
    _, end = restore_part(talking.frames[:20], tiny_model, detector, plain, video=VIDEO)
    assert len(end.frames) == 16
    part, _ = restore_part(talking.frames[20:], tiny_model, detector, plain, video=VIDEO, before=end)
    alone = restore_image(talking.frames[20:], tiny_model, detector, plain, video=VIDEO)
    went_on, anew = ((found.frames - whole.frames[20:]).abs().mean() for found in (part, alone))
    assert went_on < 0.85 * anew  # whole frames are searched at other places, and less is known of the path


def test_what_sees_faces_and_backgrounds_is_of_the_part_alone(talking, tiny_model, detector, plain, first):
    later, seen = talking.frames[BORDER:], []
    larger = torch.nn.functional.interpolate(later, scale_factor=2, mode="bicubic").clamp(0, 1)
    part, _ = restore_part(
        later, tiny_model, detector, plain, video=VIDEO, before=first[1], background=larger, on_face=seen.append
    )
    assert part.frames.shape == larger.shape
    assert [face.crop.face.frame for face in seen] == list(range(len(later)))
    untouched = (part.mask == 0).expand_as(larger)
    assert torch.allclose(part.frames[untouched], larger[untouched], atol=1e-6) and not untouched.all()


def test_faces_keep_the_numbers_of_their_tracks_and_new_ones_get_new_numbers(talking, detector):
    """The scene changes within the first part, so that its face ends as number 2, and again within the second."""
    mirrored = talking.frames.flip(-1)
    bright = (talking.frames * 0.4 + 0.6).flip(-2)
    parts = torch.cat((talking.frames[:6], mirrored[6:12])), torch.cat((mirrored[12:18], talking.frames[18:24]))

    def found(frames):
        return [replace(face, frame=n) for n, frame in enumerate(frames) for face in detector.detect(frame)]

    tracked, end = track_part(parts[0], found(parts[0]), VIDEO)
    assert [face.track for face in tracked] == [1] * 6 + [2] * 6 and end.tracks == 2
    later, end = track_part(parts[1], found(parts[1]), VIDEO, end)
    assert [face.track for face in later] == [2] * 6 + [3] * 6 and end.tracks == 3
    assert [face.id for face in later] == list(range(1, 13)) and [face.frame for face in later] == list(range(12))
    nobody, end = track_part(bright[:3], (), VIDEO, end)
    assert nobody == () and end.tracks == 3


def test_given_faces_with_tracks_keep_them(talking, tiny_model, detector, plain, first):
    later = talking.frames[BORDER:]
    faces = [replace(detector.detect(frame)[0], frame=n, track=7) for n, frame in enumerate(later)]
    part, _ = restore_part(later, tiny_model, None, plain, video=VIDEO, before=first[1], faces=faces)
    assert {face.track for face in part.faces} == {7} and len(part.faces) == len(later)


def test_an_end_of_another_size_is_left_out(talking, tiny_model, detector, plain, first):
    smaller = talking.frames[BORDER:, :, :160, :]
    part, _ = restore_part(smaller, tiny_model, detector, plain, video=VIDEO, before=first[1])
    alone = restore_image(smaller, tiny_model, detector, plain, video=VIDEO)
    assert torch.equal(part.frames, alone.frames)
