"""Graphs of our nodes in real ComfyUI: what they give, from a picture to its restoration, and how they go."""

import ast
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from host_harness.graphs import node, probing, saving, staged, whole
from host_harness.host_process import HostProcess
from host_harness.results import frames_of, read, seen

from gpen_core import Gpen, GpenConfig, load_checkpoint
from gpen_core.faces.detectors import load_detector
from gpen_core.pipeline import BlendOptions, ProtectOptions, Settings, restore_image


def test_the_graph_of_nodes_gives_what_the_core_gives(ready: HostProcess, checkpoint: Path, portrait: Path):
    result = ready.run(probing(staged("astronaut.png", scale=2.0), picture=("6", 0), mask=("6", 1)))
    settings = Settings(blend=BlendOptions(scale=2.0), protect=ProtectOptions("off"))
    expected = restore_image(frames_of(portrait), load_checkpoint(checkpoint), load_detector("mtcnn"), settings)
    np.testing.assert_allclose(read(ready, result, "picture"), expected.frames.movedim(1, -1).numpy(), atol=2e-3)
    np.testing.assert_allclose(read(ready, result, "mask"), expected.mask[:, 0].numpy(), atol=2e-3)
    assert expected.frames.shape[-1] == 1024 and len(expected.faces) == 1


def test_detection_emits_what_other_packs_know(ready: HostProcess):
    places = {"boxes": ("4", 1), "mask": ("4", 2), "preview": ("4", 3), "count": ("4", 4)}
    result = ready.run(probing(staged("astronaut.png"), crops=("5", 1), **places))
    boxes = ast.literal_eval(seen(result, "boxes")["repr"])
    assert len(boxes) == 1 and len(boxes[0]) == 1
    assert set(boxes[0][0]) == {"x", "y", "width", "height", "label", "score"}
    assert seen(result, "count")["repr"] == "1"
    mask, preview = read(ready, result, "mask"), read(ready, result, "preview")
    assert mask.shape == (1, 512, 512) and preview.shape == (1, 512, 512, 3)
    box = boxes[0][0]
    assert mask.sum() == pytest.approx(box["width"] * box["height"], rel=0.1)
    assert read(ready, result, "crops").shape == (1, 64, 64, 3)


def test_the_second_run_is_cached_and_another_detector_is_not(
    ready: HostProcess, place_model: Callable[..., Path], shared_weights: Path
):
    place_model(shared_weights / "detection_mobilenet0.25_Final.pth", "facedetection")
    first, again = ready.run(saving(staged("astronaut.png"))), ready.run(saving(staged("astronaut.png")))
    other = ready.run(saving(staged("astronaut.png", detector="retinaface_mobile0.25")))
    back = ready.run(saving(staged("astronaut.png", detector="auto")))
    assert first.status == again.status == other.status == back.status == "success"
    assert again.executed == []
    assert other.executed == ["3", "4", "5", "6", "9"] and "3" in back.executed


def test_a_replaced_checkpoint_is_loaded_anew(ready: HostProcess, checkpoint: Path, place_model: Callable[..., Path]):
    assert ready.run(saving(staged("astronaut.png"))).status == "success"
    torch.manual_seed(1)
    config = GpenConfig.published(32, narrow=1 / 32, style_dim=32, mapping_layers=2)
    other = checkpoint.with_name("other.pth")
    torch.save(Gpen(config).state_dict(), other)
    place_model(other, name="tiny.pth")
    result = ready.run(probing(staged("astronaut.png"), crops=("5", 1)))
    assert "2" in result.executed and read(ready, result, "crops").shape == (1, 32, 32, 3)


@pytest.mark.parametrize("protect", ["auto", "off"])
def test_the_all_in_one_node_gives_what_the_graph_gives_and_needs_no_detector(ready: HostProcess, protect: str):
    graph = ready.run(probing(staged("astronaut.png", protect=protect, scale=1.5), picture=("6", 0)))
    expected = read(ready, graph, "picture")
    alone = whole("astronaut.png", detector=None, scale=1.5, protect=protect)
    single = ready.run(probing(alone, picture=("6", 0), count=("6", 3)))
    np.testing.assert_allclose(read(ready, single, "picture"), expected, atol=1e-5)
    assert seen(single, "count")["repr"] == "1"


def test_a_batch_of_frames_keeps_its_order(ready: HostProcess, portrait: Path):
    picture = frames_of(portrait)[0].movedim(0, -1).numpy()
    batch = np.stack([np.zeros_like(picture), picture, picture[:, ::-1]])
    np.save(ready.base.input / "batch.npy", batch)
    result = ready.run(probing(staged("batch.npy"), picture=("6", 0), mask=("6", 1), count=("4", 4)))
    found, mask = read(ready, result, "picture"), read(ready, result, "mask")
    assert seen(result, "count")["repr"] == "2" and found.shape == batch.shape
    np.testing.assert_array_equal(found[0], batch[0])
    assert mask[0].max() == 0 and mask[1].max() == 1 and mask[2].max() == 1
    np.testing.assert_array_equal(found[mask == 0], batch[mask == 0])


def test_a_picture_without_a_face_comes_back_as_it_was(ready: HostProcess):
    picture = np.random.default_rng(0).random((1, 96, 80, 3), dtype=np.float32) * 0.1
    np.save(ready.base.input / "noise.npy", picture)
    result = ready.run(probing(staged("noise.npy"), picture=("6", 0), count=("4", 4), crops=("5", 1)))
    np.testing.assert_array_equal(read(ready, result, "picture"), picture)
    assert seen(result, "count")["repr"] == "0"
    assert "probe_crops" not in result.outputs  # there are no crops: what hangs on them doesn't run


def test_alpha_travels_along(ready: HostProcess, portrait: Path):
    picture = frames_of(portrait)[0].movedim(0, -1).numpy()
    rgba = np.concatenate((picture, picture[..., :1]), axis=-1)[None]
    np.save(ready.base.input / "rgba.npy", rgba)
    result = ready.run(probing(whole("rgba.npy"), picture=("6", 0)))
    found = read(ready, result, "picture")
    np.testing.assert_array_equal(found[..., 3], rgba[..., 3])
    assert not np.array_equal(found[..., :3], rgba[..., :3])


def test_an_upscaled_background_takes_the_faces(ready: HostProcess):
    prompt = staged("astronaut.png")
    prompt["7"] = node("ImageScale", image=["1", 0], upscale_method="lanczos", width=1024, height=1024, crop="disabled")
    prompt["6"]["inputs"]["background"] = ["7", 0]
    result = ready.run(probing(prompt, picture=("6", 0), background=("7", 0), mask=("6", 1)))
    found, background, mask = (read(ready, result, name) for name in ("picture", "background", "mask"))
    assert found.shape == (1, 1024, 1024, 3) and mask.max() == 1
    np.testing.assert_array_equal(found[mask == 0], background[mask == 0])


def test_a_parser_shapes_the_blend(ready: HostProcess, place_model: Callable[..., Path], tmp_path: Path):
    from facexlib.parsing.parsenet import ParseNet

    torch.manual_seed(0)
    torch.save(ParseNet(512, 512, parsing_ch=19).state_dict(), tmp_path / "parsing_parsenet.pth")
    place_model(tmp_path / "parsing_parsenet.pth", "facedetection")
    prompt = staged("astronaut.png")
    prompt["8"] = node("GPEN_LoadParser", parser_name="parsing_parsenet.pth")
    prompt["6"]["inputs"]["parser"] = ["8", 0]
    result = ready.run(probing(prompt, mask=("6", 1)))
    assert {model["model"] for model in ready.loaded_models()} >= {"ParseNet", "Gpen"}
    oval = ready.run(probing(staged("astronaut.png"), oval=("6", 1)))
    assert not np.array_equal(read(ready, result, "mask"), read(ready, oval, "oval"))


def test_progress_is_counted_and_previewed(ready: HostProcess):
    result = ready.run(saving(staged("astronaut.png")))
    full = {step["node"] for step in result.progress if step["value"] == step["max"]}
    assert full >= {"4", "5", "6"}
    assert result.previews and result.previews[0]["format"] == "JPEG"
    assert result.previews[0]["size"] == [64, 64] and result.previews[0]["max_size"] is None  # as the model makes it


def test_the_whole_job_has_one_bar_that_is_full_when_it_is_done(ready: HostProcess, portrait: Path):
    picture = frames_of(portrait)[0].movedim(0, -1).numpy()
    np.save(ready.base.input / "two.npy", np.stack([picture] * 2))
    steps = [step for step in ready.run(saving(whole("two.npy"))).progress if step["node"] == "6"]
    values = [step["value"] / step["max"] for step in steps]
    assert values == sorted(values) and values[-1] == 1 and max(values[:-1]) < 1
    assert {step["max"] for step in steps} == {steps[0]["max"]} and len(values) >= 5  # detection, faces, frames


def test_a_cancelled_run_stops_and_the_next_one_works(ready: HostProcess, portrait: Path):
    picture = frames_of(portrait)[0].movedim(0, -1).numpy()
    np.save(ready.base.input / "three.npy", np.stack([picture] * 3))
    result = ready.run_and_cancel(saving(staged("three.npy")), after=2)
    assert result.status == "interrupted" and "9" not in result.executed
    assert ready.run(saving(staged("three.npy"))).status == "success"
