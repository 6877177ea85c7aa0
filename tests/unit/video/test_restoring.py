"""Whole clips from file to file: what a killed run leaves, and how the next one goes on."""

import importlib.util
from dataclasses import replace

import pytest
import torch

from gpen_core.checkpoints import GpenModel
from gpen_core.errors import ImageError, OptionError
from gpen_core.faces.identity import Embedder
from gpen_core.lab.evaluation.video import moving, smooth_motion
from gpen_core.model import Gpen, GpenConfig
from gpen_core.pipeline import Hooks, ProtectOptions, ProtectTools, Settings
from gpen_core.pipeline.protect.identity import NO_NETWORK
from gpen_core.video import ClipReader, EncodeOptions, restore_clip
from gpen_core.video.parts import PartsWriter
from gpen_core.video.restore import job_of

av = pytest.importorskip("av", reason="PyAV reads and writes clips: pip install av")
pytestmark = pytest.mark.skipif(importlib.util.find_spec("mtcnn") is None, reason="the mtcnn package is not installed")
SIZE, FRAMES, PART = (176, 256), 24, 5


class KilledError(Exception):
    pass


@pytest.fixture(scope="module")
def clip(astronaut, astronaut_face, tmp_path_factory, write_clip):
    """24 frames of a face that moves, with uneven times and sound."""
    motion = smooth_motion(FRAMES, astronaut_face, SIZE, 70)
    frames = moving(astronaut, astronaut_face, motion, SIZE).frames
    return write_clip(tmp_path_factory.mktemp("clips") / "talk.mp4", frames)


@pytest.fixture(scope="module")
def whole(clip, tools, tmp_path_factory):
    """The clip, restored in parts without a stop: its path, and what was reported."""
    path = tmp_path_factory.mktemp("restored") / "whole.mp4"
    return path, restore_clip(clip, path, tools, part_frames=PART)


def seen(path):
    """Frames, their times, and the sound's packets."""
    with ClipReader(path) as reader:
        frames = [(frame.pixels.float(), float(frame.time * reader.info.time_base)) for frame in reader.frames()]
    with av.open(str(path)) as container:
        return *zip(*frames, strict=True), [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def killed_at(stage, number):
    def progress(name, done, total, preview=None):
        if name == stage and done >= number:
            raise KilledError

    return Hooks(progress=progress)


def test_a_clip_in_parts_is_the_clip(clip, whole):
    path, report = whole
    frames, times, sound = seen(path)
    before, expected, packets = seen(clip)
    assert report.frames == len(frames) == FRAMES and sound == packets
    assert times == pytest.approx(expected, abs=0.002)
    assert max(float((a - b)[:, :40, :60].abs().mean()) for a, b in zip(frames, before, strict=True)) < 3
    assert [found.name for found in path.parent.iterdir()] == ["whole.mp4"]


def test_a_killed_run_leaves_no_half_file_and_the_next_one_goes_on(clip, tools, whole, tmp_path):
    target = tmp_path / "out.mp4"
    with pytest.raises(KilledError):
        restore_clip(clip, target, tools, hooks=killed_at("blend", 18), part_frames=PART)
    assert not target.exists()
    done = []
    hooks = Hooks(progress=lambda stage, number, total, preview=None: done.append(number) if stage == "blend" else None)
    assert restore_clip(clip, target, tools, hooks=hooks, part_frames=PART).frames == FRAMES
    frames, times, sound = seen(target)
    expected, expected_times, packets = seen(whole[0])
    assert times == expected_times and sound == packets
    for number, (a, b) in enumerate(zip(frames, expected, strict=True)):
        assert (a - b).abs().mean() < 1, number


@pytest.mark.parametrize("stage_and_frame", [("blend", 18), ("join", 0)])
def test_a_run_that_goes_on_tells_of_the_whole_clip(stage_and_frame, clip, tools, tmp_path, monkeypatch):
    asking = replace(tools, settings=Settings(protect=ProtectOptions("off", min_similarity=0.5)))
    whole = restore_clip(clip, tmp_path / "whole.mp4", asking, part_frames=PART)
    assert len(whole.tracks) == 1 and whole.with_faces == FRAMES and whole.likeness == {NO_NETWORK}
    target, (stage, frame) = tmp_path / "out.mp4", stage_and_frame
    with pytest.raises(KilledError), monkeypatch.context() as patch:
        if stage == "join":  # all parts are whole
            patch.setattr("gpen_core.video.parts.join", lambda *given: (_ for _ in ()).throw(KilledError))
        restore_clip(clip, target, asking, hooks=killed_at(stage, frame or FRAMES + 1), part_frames=PART)
    resumed = restore_clip(clip, target, asking, part_frames=PART)
    assert resumed.text() == whole.text() and resumed.tracks == whole.tracks and resumed.size == whole.size


def test_a_run_that_goes_on_keeps_the_size_of_the_frames_before(clip, tools, tmp_path, write_clip, monkeypatch):
    """Scale "auto" is settled by the first frame, which shows no face here; that from which the next run begins shows one."""
    with ClipReader(clip) as reader:
        faces = [frame.pixels.float() / 255 for frame in reader.frames()]
    shot = write_clip(tmp_path / "shot.mp4", [torch.full_like(faces[0], 0.3)] * 8 + faces[8:])
    config = GpenConfig(256, 256, (4,) * 7, style_dim=8, mapping_layers=1)  # more pixels than the face has
    model = GpenModel(config, Gpen(config).requires_grad_(False).eval(), tools.model.task, "larger")
    blend = replace(tools.settings.blend, scale="auto")
    automatic = replace(tools, model=model, settings=replace(tools.settings, blend=blend))
    with pytest.raises(KilledError):
        restore_clip(shot, tmp_path / "out.mp4", automatic, hooks=killed_at("blend", 18), part_frames=PART)
    monkeypatch.setattr("gpen_core.video.restore.HISTORY", 2)
    report = restore_clip(shot, tmp_path / "out.mp4", automatic, part_frames=PART)
    frames, _, _ = seen(tmp_path / "out.mp4")
    assert report.size == SIZE and {tuple(frame.shape[-2:]) for frame in frames} == {SIZE} and len(frames) == FRAMES
    assert all((frame - 76).abs().mean() < 3 for frame in frames[:8])


def test_parts_take_frames_of_one_size(clip, tmp_path):
    with ClipReader(clip) as reader:
        parts = PartsWriter(tmp_path / "out.mp4", "job", reader.info, EncodeOptions())
    parts.write(torch.zeros(3, *SIZE), 0)
    with pytest.raises(ImageError, match="a frame of 512×352 px follows on frames of 256×176 px"):
        parts.write(torch.zeros(3, 352, 512), 40)
    parts.abandon(keep=False)


@pytest.mark.parametrize("mark", ["", "{", '"another"'])
def test_a_folder_that_does_not_say_whose_parts_it_holds_is_begun_anew(mark, clip, tmp_path):
    with ClipReader(clip) as reader:
        parts = PartsWriter(tmp_path / "out.mp4", "job", reader.info, EncodeOptions())
        (parts.folder / "job.json").write_text(mark)
        (parts.folder / "00000.mp4").touch()
        assert PartsWriter(tmp_path / "out.mp4", "job", reader.info, EncodeOptions()).parts == []
    assert [file.name for file in parts.folder.iterdir()] == ["job.json"]


def test_another_version_or_recognition_network_is_another_job(clip, tools, monkeypatch):
    embedder = Embedder(112, ((0.0, 0.0),) * 5, lambda chips: chips.flatten(1).double(), True, "cosine")
    known = job_of(clip, replace(tools, protect=ProtectTools(identity=embedder)), 0, None)
    before = job_of(clip, tools, 0, None)
    monkeypatch.setattr("gpen_core.__version__", "0.0.1")
    assert len({before, known, job_of(clip, tools, 0, None)}) == 3


def test_parts_of_another_job_are_not_taken(clip, tools, tmp_path):
    target = tmp_path / "out.mp4"
    with pytest.raises(KilledError):
        restore_clip(clip, target, tools, hooks=killed_at("blend", 18), part_frames=PART)
    gentle = replace(tools, settings=replace(tools.settings, blend=replace(tools.settings.blend, strength=0.0)))
    restore_clip(clip, target, gentle, part_frames=PART)
    frames, _, _ = seen(target)
    before, _, _ = seen(clip)
    assert max(float((a - b).abs().mean()) for a, b in zip(frames, before, strict=True)) < 3


def test_without_resuming_nothing_is_left(clip, tools, tmp_path):
    with pytest.raises(KilledError):
        restore_clip(clip, tmp_path / "out.mp4", tools, hooks=killed_at("blend", 18), part_frames=PART, resumes=False)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_said_before_any_work(clip, tools, tmp_path):
    with pytest.raises(OptionError, match="do not take"):
        restore_clip(clip, tmp_path / "out.webm", replace(tools, encode=EncodeOptions("prores")))
    with pytest.raises(ImageError, match="there is no frame"):
        restore_clip(clip, tmp_path / "out.mp4", tools, start=60)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_parts_of_any_codec_are_joined_whole(codec, ending, clip, tools, tmp_path):
    """Matroska does not say when frames are decoded that are shown in another order."""
    coded, target = replace(tools, encode=EncodeOptions(codec, 20)), tmp_path / f"out.{ending}"
    restore_clip(clip, target, coded, end=0.4, part_frames=PART)
    frames, times, _ = seen(target)
    assert len(frames) == 10 and list(times) == sorted(times)
    assert times == pytest.approx(seen(clip)[1][:10], abs=0.002)
    if (codec, ending) == ("hevc", "mp4"):
        with av.open(str(target)) as container:
            assert container.streams.video[0].codec_context.codec_tag == "hvc1"
