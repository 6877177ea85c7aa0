"""Clips as streams: bounded, in order, one number a face, and the same result as single pictures where nothing moves."""

import itertools
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from gpen_core.errors import ImageError, OptionError
from gpen_core.faces.identity import Embedder
from gpen_core.faces.regions import RegionOptions
from gpen_core.faces.selection import SelectOptions, reference_of
from gpen_core.pipeline import (
    BlendOptions,
    Hooks,
    ProtectOptions,
    ProtectTools,
    RestoreOptions,
    Settings,
    restore_image,
)
from gpen_core.pipeline.clip import VideoOptions, looks_like_video, restore_stream, stream, work
from gpen_core.pipeline.clip.ahead import ahead
from gpen_core.polling import current_poll


def faces_of(results):
    return [[face.crop.face for face in result.faces] for result in results]


def test_a_moving_face_is_one_track_and_nearer_to_the_truth_than_the_detector(talking, tiny_model, detector, plain):
    results = list(restore_stream(talking.frames, tiny_model, detector, plain))
    assert [result.number for result in results] == list(range(24))
    found = faces_of(results)
    assert {face.track for faces in found for face in faces} == {1} and all(len(faces) == 1 for faces in found)
    raw = [detector.detect(frame)[0] for frame in talking.frames]

    def jitter(faces):
        off = np.array([np.subtract(f.landmarks, t.landmarks) for f, t in zip(faces, talking.faces, strict=True)])
        return np.abs(np.diff(off, axis=0)).mean()

    assert jitter([faces[0] for faces in found]) < 0.6 * jitter(raw)


def test_where_nothing_moves_the_result_is_that_of_single_pictures(standing, tiny_model, detector, plain):
    alone = restore_image(standing.frames[:1], tiny_model, detector, plain).frames[0]
    for result in restore_stream(standing.frames, tiny_model, detector, plain):
        assert (result.frame - alone).abs().max() <= 1 / 255


def test_a_still_face_goes_through_the_network_once(standing, tiny_model, detector, plain, monkeypatch):
    batches = []
    module = type(tiny_model)
    run = module.__call__
    monkeypatch.setattr(module, "__call__", lambda self, crops, *a: batches.append(len(crops)) or run(self, crops, *a))
    list(restore_stream(standing.frames, tiny_model, detector, plain))
    assert sum(batches) == 1


def test_a_still_face_is_judged_once_and_what_was_found_holds_in_every_frame(
    standing, tiny_model, detector, monkeypatch
):
    judged, protect = [], work.protect_face
    monkeypatch.setattr(work, "protect_face", lambda face, *a: judged.append(face) or protect(face, *a))
    results = list(restore_stream(standing.frames, tiny_model, detector, Settings()))
    assert len(judged) == 1
    facts = [face.facts for result in results for face in result.faces]
    assert len(facts) == len(standing.frames) and facts[0].quality is not None
    assert len({(fact.quality, fact.strength) for fact in facts}) == 1


def test_stages_side_by_side_give_what_they_give_one_after_the_other(talking, tiny_model, detector):
    together = restore_stream(talking.frames, tiny_model, detector, Settings())
    apart = restore_stream(talking.frames, tiny_model, detector, Settings(), threads=False)
    for one, other in zip(together, apart, strict=True):
        assert one.number == other.number and (one.frame - other.frame).abs().max() < 1e-4


def test_frames_of_8_and_of_16_bits_are_taken_for_what_they_show(talking, tiny_model, detector, plain):
    frames = (talking.frames[:6] * 255).round()
    expected = list(restore_stream(frames / 255, tiny_model, detector, plain))
    deep = torch.from_numpy((frames * 257).numpy().astype(np.uint16))
    for kind in (frames.byte(), deep):
        for result, wanted in zip(restore_stream(kind, tiny_model, detector, plain), expected, strict=True):
            assert (result.frame - wanted.frame).abs().max() < 1e-5


def test_no_more_frames_are_held_than_the_stages_look_ahead(talking, tiny_model, detector, plain):
    video, given, most = VideoOptions(look_ahead=3, reach=2, detect_every=4), 0, 0

    def frames():
        nonlocal given
        for _ in range(4):
            for frame in talking.frames:
                given += 1
                yield frame

    for done, _ in enumerate(restore_stream(frames(), tiny_model, detector, plain, video, threads=False), 1):
        most = max(most, given - done)
    assert given == 96 and most <= 3 + 2 + 4 + 16  # a batch of the network's waits for 16 frames at most


def test_a_cut_ends_tracks_and_nothing_is_carried_across_it(talking, tiny_model, detector, plain):
    other = talking.frames.flip(3).roll(40, 2)
    frames = torch.cat((talking.frames[:10], other[:10]))
    found = faces_of(restore_stream(frames, tiny_model, detector, plain))
    assert {f.track for faces in found[:10] for f in faces} == {1}
    assert 1 not in {f.track for faces in found[10:] for f in faces}
    alone = faces_of(restore_stream(talking.frames[:10], tiny_model, detector, plain))
    assert np.allclose(found[9][0].landmarks, alone[9][0].landmarks)


def test_a_face_that_comes_in_between_two_searches_is_followed_back_to_where_it_came_in(
    talking, tiny_model, detector, plain
):
    """The same scene, so that no cut gives it away: the face is painted over at first."""
    frames = talking.frames.clone()
    for number in range(5):
        x0, y0, x1, y1 = (round(v) for v in talking.faces[number].box)
        frames[number, :, max(y0 - 10, 0) : y1 + 10, max(x0 - 10, 0) : x1 + 10] = 0.5
    found = faces_of(restore_stream(frames, tiny_model, detector, plain, VideoOptions(detect_every=12)))
    assert not any(found[:5]) and all(len(faces) == 1 for faces in found[5:])


def test_a_choice_holds_for_the_whole_track(talking, tiny_model, detector):
    """The face grows past the limit within the clip: one by one, frames would flip."""
    widths = [face.width for face in (detector.detect(f)[0] for f in talking.frames)]
    limit = sorted(widths)[12]
    settings = Settings(SelectOptions(min_size=limit))
    found = faces_of(restore_stream(talking.frames, tiny_model, detector, settings))
    assert len({len(faces) for faces in found}) == 1


@pytest.mark.parametrize("wanted", [True, False])
def test_a_reference_is_compared_with_a_track_once(talking, tiny_model, detector, plain, wanted):
    asked = []

    def embed(faces):  # the pixels themselves, as a network that knows this very picture
        asked.append(len(faces))
        return faces.flatten(1).double() - 0.5

    points = ((5.0, 6.0), (11.0, 6.0), (8.0, 9.0), (5.5, 12.0), (10.5, 12.0))
    person = reference_of(talking.frames[:1], talking.faces[:1], Embedder(16, points, embed, True, "pixels"))
    if not wanted:
        person = replace(person, vectors=-person.vectors)
    asked.clear()
    found = faces_of(restore_stream(talking.frames, tiny_model, detector, plain, reference=person))
    assert [len(faces) for faces in found] == [int(wanted)] * 24
    assert asked == [5]  # the first frames of the track


def test_a_floor_of_similarity_holds_in_every_frame(talking, tiny_model, detector):
    points = ((5.0, 6.0), (11.0, 6.0), (8.0, 9.0), (5.5, 12.0), (10.5, 12.0))
    pixels = Embedder(16, points, lambda faces: faces.flatten(1).double() - 0.5, True, "pixels")
    floored = Settings(protect=ProtectOptions("off", min_similarity=0.97))
    frames = talking.frames.clone()
    frames[10:13] *= 0.6  # there, less of the restoration looks like the face
    own, held = (
        [face.strength for result in restored for face in result.faces]
        for restored in (
            restore_stream(
                frames, tiny_model, detector, floored, VideoOptions(steadiness=steadiness),
                tools=ProtectTools(identity=pixels),
            )
            for steadiness in (0.0, 1.0)
        )
    )  # fmt: skip
    assert len(held) == 24 and min(own) < max(own) <= 1
    assert all(after <= before + 1e-9 for before, after in zip(own, held, strict=True))


def test_that_no_region_is_to_be_restored_is_said_once(talking, tiny_model, detector):
    said: list[str] = []
    nothing = Settings(blend=BlendOptions(regions=RegionOptions(rest=0.0)))
    list(restore_stream(talking.frames[:3], tiny_model, detector, nothing, hooks=Hooks(say=said.append)))
    assert said.count("Every region of the face has strength 0: nothing is restored.") == 1


def test_without_a_face_the_frames_come_back(tiny_model, detector, plain):
    frames = torch.rand(5, 3, 64, 96)
    results = list(restore_stream(frames, tiny_model, detector, plain))
    assert all(torch.equal(result.frame, frame) for result, frame in zip(results, frames, strict=True))


@pytest.mark.parametrize("where", ["detect", "restore", "blend"])
def test_cancelling_in_any_thread_ends_all_of_them(where, talking, tiny_model, detector, plain):
    class Cancelled(Exception):
        pass

    def progress(stage, done, total, preview=None):
        if stage == where and done >= 3:
            raise Cancelled

    list(restore_stream(talking.frames[:2], tiny_model, detector, plain))  # the network's own threads stay
    before = threading.active_count()
    with pytest.raises(Cancelled):
        list(restore_stream(talking.frames, tiny_model, detector, plain, hooks=Hooks(progress=progress)))
    assert threading.active_count() == before


def test_whoever_stops_early_waits_for_no_more_of_the_network(talking, tiny_model, detector, plain, monkeypatch):
    """Not even for what it is at, since it asks whether to go on."""
    module, ran = type(tiny_model), type(tiny_model).__call__
    slow, begun, after = threading.Event(), threading.Event(), []

    def call(self, crops, *rest):
        if slow.is_set():
            after.append(begun.set())
            for _ in range(1000):
                current_poll()()
                time.sleep(0.02)
        return ran(self, crops, *rest)

    monkeypatch.setattr(module, "__call__", call)
    before = threading.active_count()
    one_face = Settings(restore=RestoreOptions(batch_size=1))
    results = restore_stream(itertools.cycle(talking.frames), tiny_model, detector, one_face)
    next(results)
    slow.set()
    while not begun.is_set():  # what waits is taken, until the network has to go on
        next(results)
    stopping = time.monotonic()
    results.close()
    assert time.monotonic() - stopping < 10 and len(after) == 1
    assert threading.active_count() == before


def test_an_error_of_the_last_stage_arrives_while_the_network_is_at_work(talking, tiny_model, detector, monkeypatch):
    def failing(*given, **named):
        raise RuntimeError("no paste")

    monkeypatch.setattr(stream, "blend_into", failing)
    with pytest.raises(RuntimeError, match="no paste"):
        list(restore_stream(itertools.cycle(talking.frames), tiny_model, detector, Settings()))


def test_what_a_thread_raises_is_raised_where_its_items_are_taken():
    def failing():
        yield 1
        raise ValueError("no more")

    taken = ahead(failing(), 2)
    assert next(taken) == 1
    with pytest.raises(ValueError, match="no more"):
        next(taken)


def test_a_caller_who_stops_early_stops_the_thread():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    items = ahead(endless(), 2)
    next(items)
    items.close()
    assert closed.wait(5)


def test_a_clip_is_told_from_unrelated_pictures(talking, astronaut):
    assert looks_like_video(talking.frames)
    views = [astronaut[:, y : y + 176, x : x + 256] for x, y in ((0, 0), (200, 30), (90, 300), (256, 200), (20, 250))]
    assert not looks_like_video(torch.stack(views))
    assert not looks_like_video(talking.frames[:2])


@pytest.mark.parametrize("wrong", [{"steadiness": 1.5}, {"look_ahead": -1}, {"reach": 99}, {"detect_every": 1000}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(OptionError):
        VideoOptions(**wrong)


def test_a_frame_of_nan_inside_a_clip_is_named_and_stays_and_the_others_are_restored(
    talking, tiny_model, detector, plain
):
    frames, said = talking.frames.clone(), []
    frames[[9, 10], :, 30, 40] = torch.nan
    results = list(restore_stream(frames, tiny_model, detector, plain, hooks=Hooks(say=said.append)))
    assert [len(faces) for faces in faces_of(results)] == [0 if number in (9, 10) else 1 for number in range(24)]
    assert all(torch.equal(results[n].frame.nan_to_num(2), frames[n].nan_to_num(2)) for n in (9, 10))
    assert len({face.track for faces in faces_of(results) for face in faces}) == 1
    assert any("10, 11" in sentence and "NaN" in sentence for sentence in said)
    batch = restore_image(frames, tiny_model, detector, plain, video=VideoOptions(), hooks=Hooks(say=said.append))
    assert {face.frame for face in batch.faces} == set(range(24)) - {9, 10}


def test_a_clip_of_nothing_but_nan_is_an_error(talking, tiny_model, detector, plain):
    with pytest.raises(ImageError, match="NaN"):
        list(restore_stream(torch.full_like(talking.frames[:3], torch.nan), tiny_model, detector, plain))
