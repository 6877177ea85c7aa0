"""Clips in real ComfyUI: VIDEO in and out, sound kept, and batches of frames as what they are."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from host_harness.graphs import SETTINGS, Prompt, load, node, probing, whole
from host_harness.host_process import HostProcess, RunResult
from PIL import Image
from unit_harness.sound import mux_tone

av = pytest.importorskip("av", reason="ComfyUI brings PyAV")
OFF = {"protect": "off"}


def make_clip(portrait: Path, path: Path, frames: int = 16) -> Path:
    """The portrait under a window that moves, with a tone."""
    picture = Image.open(portrait).convert("RGB")
    with av.open(str(path), "w") as output:
        video, audio = output.add_stream("libx264", rate=25), output.add_stream("aac", rate=44100, layout="mono")
        video.width, video.height, video.pix_fmt = 240, 200, "yuv420p"
        for number in range(frames):
            x, y = 100 + number, 20 + round(4 * math.sin(number / 3))
            frame = av.VideoFrame.from_image(picture.crop((x, y, x + 240, y + 200)))
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        mux_tone(output, audio, frames / 25)
    return path


@pytest.fixture
def ready(
    pack_host: HostProcess, place_model: Callable[..., Path], checkpoint: Path, portrait: Path, tmp_path: Path
) -> HostProcess:
    """The host with our pack, the small model, a clip, and the same clip as exact frames."""
    place_model(checkpoint)
    clip = make_clip(portrait, tmp_path / "talk.mp4")
    pack_host.base.place_input(clip)
    with av.open(str(clip)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    np.save(tmp_path / "frames.npy", np.stack(frames).astype(np.float32) / 255)
    pack_host.base.place_input(tmp_path / "frames.npy")
    assert pack_host.load_extra("nodes_video")["loaded"]
    return pack_host


def restoring(**changes: object) -> Prompt:
    """Load Video 1, model 2, detector 3, Restore Faces in Video 6, Save Video 9."""
    prompt = load("none.png")
    prompt["1"] = node("LoadVideo", file="talk.mp4")
    settings = {**SETTINGS["blend"], **OFF, **SETTINGS["restore"], **SETTINGS["video"], **changes}
    prompt["6"] = node("GPEN_RestoreVideo", video=["1", 0], model=["2", 0], detector=["3", 0], **settings)
    prompt["9"] = node("SaveVideo", video=["6", 0], filename_prefix="restored", format="auto", codec="auto")
    return prompt


def succeeded(result: RunResult) -> RunResult:
    assert result.status == "success", "\n".join((result.error or {}).get("traceback", [str(result.node_errors)]))
    return result


def saved(host: HostProcess, result: RunResult) -> tuple[list[np.ndarray], list[bytes]]:
    """Frames, and the sound's packets."""
    path = host.base.output_file(result.outputs["9"]["images"][0])
    with av.open(str(path)) as container:
        sound = container.streams.audio
        packets = [bytes(packet) for packet in container.demux(*sound) if packet.size] if sound else []
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)], packets


def status_of(result: RunResult, node_id: str = "6") -> str:
    return result.outputs[node_id]["gpen_status"][0]


def test_a_video_comes_back_restored_with_its_sound(ready: HostProcess):
    result = succeeded(ready.run(probing(restoring(), tracks=("6", 1))))
    frames, packets = saved(ready, result)
    with av.open(str(ready.base.input / "talk.mp4")) as container:
        assert packets == [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    before = np.load(ready.base.input / "frames.npy") * 255
    assert len(frames) == 16 and frames[0].shape == before[0].shape
    change = np.abs(np.stack(frames) - before).mean(-1)
    assert change[:, 60:110, 80:150].mean() > 3 * change[:, 150:, :60].mean()  # the face, against a corner
    assert "16 frames; 1 face restored in 16 of them." in status_of(result)
    assert result.outputs["probe_tracks"]["probe"][0]["repr"] == "1"


def test_a_part_of_a_video_is_restored(ready: HostProcess):
    frames, _ = saved(ready, succeeded(ready.run(restoring(start=0.2, end=0.48))))
    assert len(frames) == 7


def test_a_video_that_was_trimmed_before_stays_trimmed(ready: HostProcess):
    prompt = restoring()
    prompt["8"] = node("Video Slice", video=["1", 0], start_time=0.2, duration=0.2, strict_duration=False)
    prompt["6"]["inputs"]["video"] = ["8", 0]
    frames, _ = saved(ready, succeeded(ready.run(prompt)))
    assert len(frames) == 5


def test_a_video_of_frames_in_memory_is_restored_without_encoding_it(ready: HostProcess):
    prompt = restoring()
    prompt["7"] = node("Probe_Load", name="frames")
    prompt["8"] = node("CreateVideo", images=["7", 0], fps=25.0)
    prompt["6"]["inputs"]["video"] = ["8", 0]
    prompt["10"] = node("GetVideoComponents", video=["6", 0])
    del prompt["9"], prompt["1"]
    result = succeeded(ready.run(probing(prompt, images=("10", 0))))
    after = np.load(ready.base.output / "images.npy")
    before = np.load(ready.base.input / "frames.npy")
    np.testing.assert_array_equal(after[:, 180:, :40], before[:, 180:, :40])
    assert np.abs(after - before).max() > 0.05 and "16 frames" not in status_of(result)


def test_a_cancelled_run_leaves_no_file(ready: HostProcess):
    before = {path.name for path in ready.base.temp.rglob("*")}
    result = ready.run_and_cancel(restoring(), after=4)
    assert result.status == "interrupted"
    assert {path.name for path in ready.base.temp.rglob("*") if path.suffix == ".mp4"} <= before
    assert succeeded(ready.run(restoring())).status == "success"  # and the next one is not in its way


def test_progress_runs_to_the_end_with_previews(ready: HostProcess):
    result = succeeded(ready.run(restoring()))
    mine = [step for step in result.progress if step["node"] == "6"]
    assert mine[-1]["value"] == mine[-1]["max"] and len(mine) > 16
    assert result.previews
    texts = [told["text"] for told in result.texts if told["node"] == "6"]
    assert texts[-1] == "" and all(text.endswith(" left") for text in texts[:-1])
    assert len(texts) > 1 or result.seconds < 4  # a shorter run has nothing to say


def tracking(**changes: object) -> Prompt:
    """detect 4, track 5, restore 6 of exact frames."""
    prompt = whole("frames.npy", faces=["5", 0], **{**OFF, **changes})
    prompt["4"] = node("GPEN_DetectFaces", image=["1", 0], detector=["3", 0], **SETTINGS["detect"])
    prompt["5"] = node("GPEN_TrackFaces", image=["1", 0], faces=["4", 0], **SETTINGS["track"])
    return prompt


def test_a_batch_is_tracked_between_detecting_and_restoring(ready: HostProcess):
    result = succeeded(ready.run(probing(tracking(), tracks=("5", 2), image=("6", 0), preview=("5", 1))))
    assert result.outputs["probe_tracks"]["probe"][0]["repr"] == "1"
    assert "1 track in 16 frames" in status_of(result, "5")
    assert np.load(ready.base.output / "preview.npy").shape == (16, 200, 240, 3)


def test_a_batch_that_looks_like_a_clip_is_held_steady_by_itself(ready: HostProcess):
    """auto, on and off: the first two are the same, the last flickers more."""
    found = {}
    for mode in ("auto", "on", "off"):
        prompt = probing(whole("frames.npy", video=mode, **OFF), image=("6", 0))
        succeeded(ready.run(prompt))
        found[mode] = np.load(ready.base.output / "image.npy")
    np.testing.assert_allclose(found["auto"], found["on"], rtol=0, atol=1e-5)  # threads may round otherwise
    assert np.abs(found["auto"] - found["off"]).max() > 1 / 255


def test_a_workflow_saved_without_the_video_widget_still_runs(ready: HostProcess):
    prompt = whole("frames.npy", **OFF)
    assert "video" not in prompt["6"]["inputs"]
    succeeded(ready.run(probing(prompt, image=("6", 0))))


def batch(host: HostProcess, number: int, name: str, prompt: Prompt) -> RunResult:
    """One of the runs that Video Helper Suite's manager of batches makes: it counts them in an input of its own."""
    counted = {"requeue": number} if number else {}
    prompt["20"] = node("VHS_BatchManager", frames_per_batch=8, **counted)
    return succeeded(host.run(probing(prompt, **{name: ("6", 0)})))


def test_batches_of_a_batch_manager_go_on_where_the_last_one_ended(ready: HostProcess):
    frames = np.load(ready.base.input / "frames.npy")
    for name, part in (("first", frames[:8]), ("second", frames[8:])):
        np.save(ready.base.input / f"{name}.npy", part)
    succeeded(ready.run(probing(whole("frames.npy", video="on", **OFF), whole=("6", 0))))
    succeeded(ready.run(probing(whole("second.npy", video="on", **OFF), alone=("6", 0))))
    ready.reset()
    said = status_of(batch(ready, 0, "part1", whole("first.npy", video="on", **OFF)))
    assert "Batch 1 of a clip" in said and "go on" not in said
    assert "Batch 2 of a clip: faces go on" in status_of(
        batch(ready, 1, "part2", whole("second.npy", video="on", **OFF))
    )
    expected, alone, went_on = (np.load(ready.base.output / f"{name}.npy") for name in ("whole", "alone", "part2"))
    assert went_on.shape == frames[8:].shape
    off, off_alone = (np.abs(found[:4] - expected[8:12]).mean() for found in (went_on, alone))
    assert off < 0.5 * off_alone


def test_tracks_go_on_through_the_batches_of_a_batch_manager(ready: HostProcess):
    frames = np.load(ready.base.input / "frames.npy")
    for name, part in (("first", frames[:8]), ("second", frames[8:])):
        np.save(ready.base.input / f"{name}.npy", part)
    for number, name in enumerate(("first", "second")):
        prompt = tracking()
        prompt["1"] = node("Probe_Load", name=name)
        result = batch(ready, number, name, prompt)
        assert f"Batch {number + 1} of a clip" in status_of(result, "5") and "1 track in 8 frames" in status_of(
            result, "5"
        )


@pytest.mark.parametrize(("clip", "frames", "sounds"), [("old film", 45, False), ("phone clip", 50, True)])
def test_an_example_video_is_restored_and_put_into_no_folder_of_the_users(
    ready: HostProcess, clip: str, frames: int, sounds: bool
):
    own = sorted(ready.base.input.iterdir())
    prompt = restoring()
    prompt["1"] = node("GPEN_ExampleVideo", clip=clip)
    del prompt["3"], prompt["6"]["inputs"]["detector"]  # as in the example workflow
    result = succeeded(ready.run(prompt))
    shown, packets = saved(ready, result)
    assert len(shown) == frames and bool(packets) == sounds
    assert f"{frames} frames; 1 face restored in {frames} of them." in status_of(result)
    (preview,) = result.outputs["1"]["images"]
    assert preview["type"] == "temp" and ready.base.output_file(preview).is_file()
    assert sorted(ready.base.input.iterdir()) == own


def test_an_example_video_goes_through_its_parts_step_by_step(ready: HostProcess):
    prompt = tracking()
    prompt["7"] = node("GPEN_ExampleVideo", clip="phone clip")
    prompt["1"] = node("GetVideoComponents", video=["7", 0])
    prompt["8"] = node("CreateVideo", images=["6", 0], audio=["1", 1], fps=["1", 2])
    prompt["9"] = node("SaveVideo", video=["8", 0], filename_prefix="steps", format="auto", codec="auto")
    result = succeeded(ready.run(probing(prompt, tracks=("5", 2))))
    shown, packets = saved(ready, result)
    assert len(shown) == 50 and shown[0].shape == (640, 360, 3) and packets
    assert result.outputs["probe_tracks"]["probe"][0]["repr"] == "1"
