"""Faces from other nodes and for them, in real ComfyUI."""

import ast
import json
from typing import Any

import numpy as np
import pytest
from host_harness.graphs import SETTINGS, Prompt, load, node, probing
from host_harness.host_process import HostProcess, RunResult

ASTRONAUT = ((204, 102), (245, 104), (224, 128), (203, 139), (244, 141))  # marked by hand
BOX = {"x": 175, "y": 64, "width": 97, "height": 124}


def fine(result: RunResult) -> RunResult:
    assert result.status == "success", "\n".join((result.error or {}).get("traceback", [str(result.node_errors)]))
    return result


def read(host: HostProcess, result: RunResult, name: str) -> np.ndarray:
    return np.load(host.base.output / fine(result).outputs[f"probe_{name}"]["probe"][0]["filename"])


def said(result: RunResult, name: str) -> str:
    return fine(result).outputs[f"probe_{name}"]["probe"][0]["repr"]


def from_boxes(**changes: Any) -> Prompt:
    """Faces from boxes 4, with the detector 3 and the picture 1."""
    prompt = load("astronaut.png")
    settings = {"text": "", "threshold": 0.0} | changes
    return prompt | {"4": node("GPEN_FacesFromBoxes", image=["1", 0], detector=["3", 0], **settings)}


@pytest.mark.parametrize(
    "boxes",
    [BOX, [BOX], [[BOX]], [[BOX | {"label": "face", "score": 0.9}]]],
    ids=["one", "list", "per image", "labels"],
)
def test_boxes_of_every_shape_become_faces(ready: HostProcess, boxes: Any):
    prompt = from_boxes(boxes=["8", 0])
    prompt["8"] = node("Probe_Make", json=json.dumps(boxes))
    result = ready.run(probing(prompt, count=("4", 3), missed=("4", 1), faces=("4", 0)))
    assert said(result, "count") == "1" and said(result, "missed") == "[[]]"
    landmarks = np.array(
        ast.literal_eval(said(result, "faces").partition("landmarks=")[2].partition(", image_size")[0])
    )
    assert np.abs(landmarks - ASTRONAUT).max() < 8


def test_a_typed_box_is_restored_and_an_empty_one_is_named(ready: HostProcess):
    prompt = from_boxes(text="175, 64, 97, 124\n330, 20, 100, 100")
    prompt["6"] = node(
        "GPEN_RestoreImage", image=["1", 0], model=["2", 0], faces=["4", 0],
        **SETTINGS["blend"], protect="off", **SETTINGS["restore"],
    )  # fmt: skip
    result = ready.run(probing(prompt, mask=("6", 1), missed=("4", 1), count=("6", 3)))
    assert read(ready, result, "mask")[0, 122, 226] == pytest.approx(1)
    (missed,) = ast.literal_eval(said(result, "missed"))[0]
    assert (missed["x"], missed["y"], missed["width"], missed["height"]) == (330, 20, 100, 100)
    assert said(result, "count") == "1"
    (status,) = result.outputs["4"]["gpen_status"]
    assert status.startswith("1 face found in 2 boxes. No face in the box 330, 20, 100×100 in image 1.")


@pytest.mark.parametrize(
    ("changes", "says"), [({}, "connect boxes or segs"), ({"text": "one two"}, "is no box"), ({"text": "[[1]]"}, "box")]
)
def test_what_is_no_box_is_told(ready: HostProcess, changes: dict[str, str], says: str):
    result = ready.run(probing(from_boxes(**changes), count=("4", 3)))
    assert result.status == "error" and result.error["node_id"] == "4" and says in result.error["exception_message"]


def test_boxes_of_nobody_catch_the_eye_and_boxes_of_one_face_are_counted(ready: HostProcess):
    prompt = from_boxes(boxes=["8", 0])
    prompt["8"] = node("Probe_Make", json="[[]]")
    result = fine(ready.run(probing(prompt, count=("4", 3))))
    assert result.outputs["4"]["gpen_status"][0].startswith("0 faces found in 0 boxes.")
    assert result.outputs["4"]["gpen_notice"] == [True]
    thin = {"x": 330, "y": 20, "width": 0.01, "height": 0.01}
    prompt["8"] = node("Probe_Make", json=json.dumps([BOX, BOX, thin]))
    result = ready.run(probing(prompt, missed=("4", 1)))
    (missed,) = ast.literal_eval(said(result, "missed"))[0]
    assert (missed["width"], missed["height"]) == (1, 1)  # can be read as a box again
    status = result.outputs["4"]["gpen_status"][0]
    assert status.startswith("1 face found in 3 boxes. 1 box shows a face that another shows, too. No face in the box")


def test_segs_go_out_and_come_back(ready: HostProcess):
    """From faces to SEGS and to faces again: the same face, found in the box of the SEG."""
    prompt = from_boxes(text="175, 64, 97, 124")
    prompt["5"] = node("GPEN_FacesToBoxes", image=["1", 0], faces=["4", 0], image_index=0, crop_factor=2.0)
    prompt["7"] = node("GPEN_FacesFromBoxes", image=["1", 0], detector=["3", 0], segs=["5", 1], text="", threshold=0.0)
    places = {"segs": ("5", 1), "boxes": ("5", 0), "mask": ("5", 2), "first": ("4", 0), "again": ("7", 0)}
    result = ready.run(probing(prompt, **places))
    assert said(result, "segs").startswith("((512, 512), [SEG(cropped_image=tensor(")
    (box,) = ast.literal_eval(said(result, "boxes"))[0]
    assert abs(box["x"] - 175) < 20 and abs(box["y"] - 64) < 30
    assert read(ready, result, "mask").sum() == pytest.approx(box["width"] * box["height"], rel=0.1)
    assert said(result, "again").count("Face(") == 1


def test_landmarks_of_the_hosts_own_detector_become_faces(ready: HostProcess):
    mesh = [list(ASTRONAUT[2])] * 478
    for vertex, point in zip((468, 473, 4, 61, 291), ASTRONAUT, strict=True):
        mesh[vertex] = list(point)
    payload = {
        "frames": [[{"landmarks_xy": mesh, "bbox_xyxy": [175, 64, 272, 188], "score": 0.9}]],
        "image_size": [512, 512],
    }
    prompt = load("astronaut.png")
    del prompt["2"], prompt["3"]
    prompt["8"] = node("Probe_Make", json=json.dumps(payload))
    prompt["4"] = node("GPEN_FacesFromLandmarks", image=["1", 0], face_landmarks=["8", 0])
    result = ready.run(probing(prompt, faces=("4", 0), preview=("4", 1), count=("4", 2)))
    assert said(result, "count") == "1" and str(tuple(map(float, ASTRONAUT[0]))) in said(result, "faces")
    assert read(ready, result, "preview").shape == (1, 512, 512, 3)


def test_crops_edited_by_another_node_are_pasted_back(ready: HostProcess):
    prompt = from_boxes(text="175, 64, 97, 124")
    prompt["5"] = node("GPEN_CropFaces", image=["1", 0], faces=["4", 0], size=256, template="ffhq")
    prompt["7"] = node("ImageInvert", image=["5", 0])
    prompt["8"] = node("ImageScale", image=["7", 0], upscale_method="lanczos", width=400, height=400, crop="disabled")
    blend = SETTINGS["blend"] | {"color_match": "off"}
    prompt["6"] = node("GPEN_BlendFaces", image=["1", 0], restored_faces=["5", 1], crops=["8", 0], **blend)
    prompt["9"] = node("GPEN_BlendFaces", image=["1", 0], restored_faces=["5", 1], **blend)
    places = {"given": ("1", 0), "crops": ("5", 0), "edited": ("6", 0), "mask": ("6", 1), "same": ("9", 0)}
    result = ready.run(probing(prompt, **places))
    given, edited, mask = (read(ready, result, name) for name in ("given", "edited", "mask"))
    assert read(ready, result, "crops").shape == (1, 256, 256, 3)
    np.testing.assert_allclose(edited[0, 122, 226], 1 - given[0, 122, 226], atol=0.1)
    np.testing.assert_array_equal(edited[mask == 0], given[mask == 0])
    np.testing.assert_array_equal(read(ready, result, "same"), given)  # crops that nobody edited


def test_too_many_edited_crops_are_told(ready: HostProcess):
    prompt = from_boxes(text="175, 64, 97, 124")
    prompt["5"] = node("GPEN_CropFaces", image=["1", 0], faces=["4", 0], size=64, template="ffhq")
    prompt["7"] = node("ImageBatch", image1=["5", 0], image2=["5", 0])
    prompt["6"] = node("GPEN_BlendFaces", image=["1", 0], restored_faces=["5", 1], crops=["7", 0], **SETTINGS["blend"])
    result = ready.run(probing(prompt, picture=("6", 0)))
    assert result.error["node_id"] == "6" and "there is 1 face, but 2 edited crops" in result.error["exception_message"]


def test_aligned_pictures_are_restored_whole_without_a_detector(ready: HostProcess):
    pictures = np.random.default_rng(0).random((2, 64, 64, 3), dtype=np.float32)
    np.save(ready.base.input / "aligned.npy", pictures)
    prompt = load("aligned.npy")
    del prompt["3"]
    prompt["4"] = node("GPEN_AlignedFaces", image=["1", 0], template="gpen")
    settings = SETTINGS["blend"] | {"whole_crop": True, "color_match": "off"}
    prompt["6"] = node(
        "GPEN_RestoreImage",
        image=["1", 0],
        model=["2", 0],
        faces=["4", 0],
        **settings,
        protect="off",
        **SETTINGS["restore"],
    )
    prompt["5"] = node(
        "GPEN_RestoreFaces", image=["1", 0], faces=["4", 0], model=["2", 0], **SETTINGS["restore"], protect="off"
    )
    result = ready.run(probing(prompt, picture=("6", 0), mask=("6", 1), crops=("5", 1)))
    assert read(ready, result, "mask").min() == 1
    np.testing.assert_allclose(read(ready, result, "picture"), read(ready, result, "crops"), atol=1e-3)


def test_what_is_not_there_is_told(ready: HostProcess):
    prompt = load("astronaut.png")
    del prompt["2"], prompt["3"]
    wide = np.zeros((1, 40, 60, 3), dtype=np.float32)
    np.save(ready.base.input / "wide.npy", wide)
    prompt["1"] = node("Probe_Load", name="wide")
    prompt["4"] = node("GPEN_AlignedFaces", image=["1", 0], template="gpen")
    result = ready.run(probing(prompt, faces=("4", 0)))
    assert "square image, but this one is 60×40" in result.error["exception_message"]
