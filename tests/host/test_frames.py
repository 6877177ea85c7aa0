"""Frames of any kind in a graph: another picture, other channels, values that are none, and how faces read as text."""

from collections.abc import Callable
from json import dumps
from pathlib import Path

import numpy as np
import pytest
from host_harness.graphs import SETTINGS, Prompt, node, probing, saving, staged, whole
from host_harness.host_process import HostProcess, RunResult
from PIL import Image


@pytest.fixture
def ready(pack_host: HostProcess, place_model: Callable[..., Path], checkpoint: Path, portrait: Path) -> HostProcess:
    """The host with our pack, the tiny model, and the portrait as file and as exact arrays."""
    place_model(checkpoint, name="tiny.pth")
    pack_host.base.place_input(portrait)
    with Image.open(portrait) as image:
        pixels = np.asarray(image.convert("RGB"), dtype=np.float32) / 255
    arrays = {
        "mirrored": pixels[:, ::-1],
        "darker": pixels**2,
        "rgba": np.concatenate((pixels, pixels[..., :1]), -1),
        "gray": pixels.mean(-1, keepdims=True),
        "bytes": pixels * 255,
        "wide": pixels * 1.6 - 0.3,
        "large": np.kron(pixels, np.ones((2, 2, 1), np.float32)),
        "nan": np.full_like(pixels, np.nan),
    }
    for name, array in arrays.items():
        np.save(pack_host.base.input / f"{name}.npy", array[None])
    return pack_host


def told(result: RunResult) -> str:
    assert result.error is not None, result.status
    return result.error["exception_message"]


def with_other(prompt: Prompt, name: str, *places: str) -> Prompt:
    """The image inputs of these nodes come from another array."""
    prompt["20"] = node("Probe_Load", name=name)
    for place in places:
        prompt[place]["inputs"]["image"] = ["20", 0]
    return prompt


def test_faces_of_another_picture_are_said_on_every_node_that_takes_them(ready: HostProcess):
    prompt = with_other(staged("astronaut.png"), "mirrored", "5", "6")
    prompt["7"] = node("GPEN_CropFaces", image=["20", 0], faces=["4", 0], size=64, template="ffhq")
    prompt["8"] = node("GPEN_FacesToBoxes", image=["20", 0], faces=["4", 0], image_index=0, crop_factor=3.0)
    prompt["10"] = node("GPEN_TrackFaces", image=["20", 0], faces=["4", 0], **SETTINGS["track"])
    result = ready.run(probing(saving(prompt), crops=("7", 0), boxes=("8", 2), tracks=("10", 2)))
    assert result.status == "success"
    for place in ("5", "6", "7", "8", "10"):
        assert "not the one in which the faces were found" in result.outputs[place]["gpen_status"][0], place
        assert result.outputs[place]["gpen_notice"] == [True], place
    chosen = whole("astronaut.png", faces=["4", 0]) | {"4": staged("astronaut.png")["4"]}
    result = ready.run(saving(with_other(chosen, "mirrored", "6")))
    assert "not the one in which the faces were found" in result.outputs["6"]["gpen_status"][0]


def test_a_processed_copy_of_the_picture_is_no_other_one(ready: HostProcess):
    result = ready.run(saving(with_other(staged("astronaut.png"), "darker", "5", "6")))
    assert result.status == "success"
    assert not any("not the one" in result.outputs[place]["gpen_status"][0] for place in ("5", "6"))


@pytest.mark.parametrize(("image", "background", "channels"), [("rgba", "large", 4), ("gray", "large", 3)])
def test_images_of_other_channels_than_their_background_are_joined(
    ready: HostProcess, image: str, background: str, channels: int
):
    prompt = whole(f"{image}.npy", protect="off") | {"20": node("Probe_Load", name=background)}
    prompt["6"]["inputs"]["background"] = ["20", 0]
    result = ready.run(probing(prompt, picture=("6", 0)))
    assert result.status == "success", result.error
    found = np.load(ready.base.output / result.outputs["probe_picture"]["probe"][0]["filename"])
    assert found.shape == (1, 1024, 1024, channels)
    if channels == 4:
        alpha = np.load(ready.base.input / "rgba.npy")[0, ..., 3]
        assert np.abs(found[0, ::2, ::2, 3] - alpha).mean() < 0.02


def test_values_beyond_the_range_are_the_same_at_every_scale_and_said(ready: HostProcess):
    for scale in (1.0, 1.5):
        result = ready.run(probing(whole("wide.npy", scale=scale), picture=("6", 0)))
        found = np.load(ready.base.output / result.outputs["probe_picture"]["probe"][0]["filename"])
        assert found.min() == 0 and found.max() == 1
        assert "cut off" in result.outputs["6"]["gpen_status"][0] and result.outputs["6"]["gpen_notice"] == [True]


def test_what_is_no_picture_is_an_error_in_words(ready: HostProcess):
    for name, words in (("bytes", "from 0 to 255"), ("nan", "NaN")):
        message = told(ready.run(saving(whole(f"{name}.npy"))))
        assert words in message and "[" not in message and "torch" not in message


def test_boxes_of_a_batch_with_a_broken_frame_are_looked_at_in_the_others(ready: HostProcess):
    prompt = {
        "1": node("ImageBatch", image1=["20", 0], image2=["21", 0]),
        "3": node("GPEN_LoadDetector", detector_name="mtcnn"),
        "4": node("GPEN_FacesFromBoxes", image=["1", 0], detector=["3", 0], text="150 20 150 200", threshold=0.0),
        "20": node("Probe_Load", name="nan"),
        "21": node("LoadImage", image="astronaut.png"),
    }
    result = ready.run(probing(prompt, count=("4", 3)))
    assert result.outputs["probe_count"]["probe"][0]["repr"] == "1"
    assert "Image 1 of 2 holds NaN" in result.outputs["4"]["gpen_status"][0]


@pytest.mark.parametrize("points", [[[0]] * 468, [[1, 2], [3]] * 234, [None] * 468, "text"])
def test_odd_landmarks_of_other_nodes_are_an_error_in_words(ready: HostProcess, points: object):
    given = node("Probe_Make", json=dumps({"frames": [[{"landmarks_xy": points}]], "image_size": [512, 512]}))
    image = {"1": node("LoadImage", image="astronaut.png"), "8": given}
    faces = image | {"4": node("GPEN_FacesFromLandmarks", image=["1", 0], face_landmarks=["8", 0])}
    regions = image | {"4": node("GPEN_FaceRegions", face_landmarks=["8", 0], **SETTINGS["regions"])}
    for prompt in (faces, regions):
        message = told(ready.run(probing(prompt, made=("4", 0))))
        assert "landmarks_xy" in message and "MediaPipe" in message and "[" not in message


def test_faces_read_as_text(ready: HostProcess):
    ready.load_extra("nodes_preview_any")
    prompt = staged("astronaut.png") | {
        "11": node("PreviewAny", source=["4", 0]),
        "12": node("PreviewAny", source=["5", 0]),
    }
    outputs = ready.run(saving(prompt)).outputs
    heading, line = outputs["11"]["text"][0].splitlines()
    assert heading == "1 face" and line.startswith("1. image 1 at ") and "score 100 %" in line
    assert "model tiny (64 px)" in outputs["12"]["text"][0] and "tensor" not in outputs["12"]["text"][0]
