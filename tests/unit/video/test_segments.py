"""A clip is cut where scenes change, and its segments make the same clip whoever restores them, in whatever order."""

import importlib.util
import json
from dataclasses import asdict, replace

import pytest
import torch

from gpen_core.errors import OptionError
from gpen_core.pipeline import Hooks, ProtectOptions, Settings
from gpen_core.pipeline.protect.identity import NO_NETWORK
from gpen_core.video import ClipReader, EncodeOptions
from gpen_core.video.segments import (
    find_segments,
    join_segments,
    restore_in_segments,
    restore_segment,
    restored_from,
    segment_folder,
)

av = pytest.importorskip("av", reason="PyAV reads and writes clips: pip install av")
pytestmark = pytest.mark.skipif(importlib.util.find_spec("mtcnn") is None, reason="the mtcnn package is not installed")
SIZE, SCENE = 160, 12


def pictures(astronaut):
    """Three scenes of 12 frames: a face, stripes without one, and the face mirrored."""
    face = astronaut[:, 20 : 20 + SIZE + SCENE, 130 : 130 + SIZE + SCENE]
    rows = torch.arange(SIZE).float()
    for scene in (face, None, face.flip(-1)):
        for number in range(SCENE):
            if scene is None:
                yield ((rows + number) / 9).sin().mul(0.4).add(0.5).expand(3, SIZE, SIZE)
            else:
                yield scene[:, number : number + SIZE, number : number + SIZE]


@pytest.fixture(scope="module")
def clip(astronaut, tmp_path_factory, write_clip):
    """Times are uneven, the first one is not 0, and there is sound."""
    return write_clip(tmp_path_factory.mktemp("clips") / "scenes.mp4", list(pictures(astronaut)))


def times_of(path):
    with ClipReader(path) as reader:
        return [float(frame.time * reader.info.time_base) for frame in reader.frames()]


def sound_of(path):
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def test_segments_begin_where_scenes_do(clip):
    segments, times = find_segments(clip, 1.0, frames=5), times_of(clip)
    assert [segment.number for segment in segments] == [0, 1, 2]
    for segment, first in zip(segments[1:], (SCENE, 2 * SCENE), strict=True):
        assert times[first - 1] < segment.start < times[first]
    assert [segment.end for segment in segments] == [segments[1].start, segments[2].start, None]
    assert len(find_segments(clip, 1.0, frames=13)) == 2  # the first cut after 13 frames is the second one
    assert len(find_segments(clip, 1.0, frames=30)) == len(find_segments(clip, "auto", frames=5)) == 1


def test_whoever_waits_for_a_clip_to_be_looked_through_sees_how_far_it_is(clip):
    told = []
    find_segments(clip, 1.0, frames=5, hooks=Hooks(progress=lambda *step: told.append(step)))
    assert told == [("scenes", number, len(told)) for number in range(1, 3 * SCENE + 1)]


def test_a_clip_in_segments_has_all_frames_at_their_times_and_its_sound(clip, tools, tmp_path):
    report = restore_in_segments(clip, tmp_path / "out.mp4", tools, segment_frames=5)
    assert times_of(tmp_path / "out.mp4") == pytest.approx(times_of(clip), abs=1e-3)
    assert sound_of(tmp_path / "out.mp4") == sound_of(clip)
    assert report.frames == 3 * SCENE and 0 < report.with_faces <= 2 * SCENE and len(report.tracks) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_part_of_a_clip_is_cut_and_joined_as_well(clip, tools, tmp_path):
    restore_in_segments(clip, tmp_path / "out.mp4", tools, start=0.2, end=1.2, segment_frames=5)
    expected = [time for time in times_of(clip) if 0.2 <= time < 1.2]
    assert times_of(tmp_path / "out.mp4") == pytest.approx([time - expected[0] for time in expected], abs=1.1e-3)


def test_segments_in_any_order_make_the_same_file(clip, tools, tmp_path):
    restore_in_segments(clip, tmp_path / "a.mp4", tools, segment_frames=5)
    segments, target = find_segments(clip, 1.0, frames=5), tmp_path / "b.mp4"
    folder = segment_folder(target)
    done = {segment: restore_segment(clip, folder, ".mp4", segment, tools) for segment in reversed(segments)}
    join_segments(clip, target, folder, segments, [done[segment] for segment in segments])
    assert target.read_bytes() == (tmp_path / "a.mp4").read_bytes()


def test_what_was_said_of_faces_in_any_segment_is_said_of_the_clip(clip, tools, tmp_path):
    asking = replace(tools, settings=Settings(protect=ProtectOptions("off", min_similarity=0.5)))
    report = restore_in_segments(clip, tmp_path / "out.mp4", asking, segment_frames=5)
    assert report.likeness == {NO_NETWORK} and report.text().endswith(NO_NETWORK)


def test_what_is_known_of_a_segment_survives_its_note(clip, tools, tmp_path):
    asking = replace(tools, settings=Settings(protect=ProtectOptions("off", min_similarity=0.5)))
    segment = find_segments(clip, 1.0, frames=5)[0]
    done = restore_segment(clip, tmp_path, ".mp4", segment, asking)
    assert done.likeness == (NO_NETWORK,) and restored_from(json.loads(json.dumps(asdict(done)))) == done
    assert restore_segment(clip, tmp_path, ".mp4", segment, asking) == done  # from the note


def test_segments_that_are_done_are_not_done_again(clip, tools, tmp_path):
    class StopError(Exception):
        pass

    steps = []

    def stop(stage, done, total, preview=None):
        steps.append(stage)
        if stage == "blend" and steps.count("blend") > SCENE + 3:
            raise StopError

    with pytest.raises(StopError):
        restore_in_segments(clip, tmp_path / "out.mp4", tools, hooks=Hooks(progress=stop), segment_frames=5)
    steps.clear()
    hooks = Hooks(progress=lambda stage, done, total, preview=None: steps.append(stage))
    restore_in_segments(clip, tmp_path / "out.mp4", tools, hooks=hooks, segment_frames=5)
    assert steps.count("blend") == 2 * SCENE
    restore_in_segments(clip, tmp_path / "whole.mp4", tools, segment_frames=5)
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_what_a_killed_run_with_other_settings_left_is_removed_with_the_segments(clip, tools, tmp_path):
    left = segment_folder(tmp_path / "out.mp4") / ".00000-0123456789ab.mp4-parts"
    left.mkdir(parents=True)
    (left / "00000.mp4").touch()
    restore_in_segments(clip, tmp_path / "out.mp4", tools, segment_frames=5)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    left.mkdir(parents=True)
    restore_in_segments(clip, tmp_path / "out.mp4", tools, end=0.2, segment_frames=500)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_what_cannot_be_written_is_said_before_scenes_are_looked_for(clip, tools, tmp_path, monkeypatch):
    monkeypatch.setattr("gpen_core.video.segments.find_segments", lambda *given: pytest.fail("looked for scenes"))
    with pytest.raises(OptionError, match="do not take"):
        restore_in_segments(clip, tmp_path / "out.webm", replace(tools, encode=EncodeOptions("prores")))
