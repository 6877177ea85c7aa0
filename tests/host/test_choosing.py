"""Choosing faces in real ComfyUI: the node runs alone, and says what it decided."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from host_harness.graphs import SETTINGS, Prompt, node, probing, selecting, staged, whole
from host_harness.host_process import HostProcess, RunResult
from PIL import Image


@pytest.fixture
def ready(pack_host: HostProcess, place_model: Callable[..., Path], checkpoint: Path, portrait: Path) -> HostProcess:
    """The host with our pack, the small model, and a picture of two faces side by side, the right one smaller."""
    place_model(checkpoint)
    face = Image.open(portrait).convert("RGB").crop((110, 0, 350, 260))
    both = Image.new("RGB", (512, 288), (90, 110, 120))
    both.paste(face, (0, 14))
    both.paste(face.resize((156, 169), Image.Resampling.LANCZOS), (300, 60))
    both.save(portrait.with_name("two.png"))
    pack_host.base.place_input(portrait.with_name("two.png"))
    return pack_host


def told(result: RunResult, node_id: str = "7") -> dict:
    assert result.status == "success", "\n".join((result.error or {}).get("traceback", [str(result.node_errors)]))
    return result.outputs[node_id]["gpen_selection"][0]


def restoring(prompt: Prompt) -> Prompt:
    """Select 7 put between detect 4 and restore 5."""
    picked = staged("two.png")
    picked["7"] = prompt["7"]
    picked["5"]["inputs"]["faces"] = ["7", 0]
    return picked


def test_it_runs_alone_and_tells_what_the_picker_draws(ready: HostProcess):
    result = ready.run(selecting("two.png", order="left_to_right"))
    report = told(result)
    assert result.executed[-1] == "7" and report["version"] == 1 and report["frames"] == 1
    first, second = report["faces"]
    assert (first["index"], second["index"]) == (0, 1) and first["width"] > second["width"]
    assert first["chosen"] and second["chosen"] and first["box"][2] < second["box"][0]
    (picture,) = report["pictures"]
    assert (picture["frame"], picture["width"], picture["height"], picture["type"]) == (0, 512, 288, "temp")
    with Image.open(ready.base.output_file(picture)) as saved:
        assert saved.size == (512, 288)
        drawn = np.asarray(saved.convert("RGB"), dtype=float)
    given = np.asarray(Image.open(ready.base.input / "two.png").convert("RGB"), dtype=float)
    assert np.abs(drawn - given).mean() < 3  # the picture itself, without boxes: those the picker draws


def test_a_pick_of_the_report_excludes_its_face_and_the_other_one_is_restored(ready: HostProcess):
    report = told(ready.run(selecting("two.png", order="left_to_right")))
    picks = json.dumps({"version": 1, "include": [], "exclude": [report["faces"][0]["pick"]]})
    prompt = restoring(selecting("two.png", order="left_to_right", picks=picks))
    result = ready.run(probing(prompt, mask=("6", 1), count=("7", 3), preview=("7", 2)))
    assert [face["state"] for face in told(result)["faces"]] == ["excluded", "chosen"]
    mask = np.load(ready.base.output / result.outputs["probe_mask"]["probe"][0]["filename"])
    assert mask[0, :, :260].max() == 0 and mask[0, :, 300:].max() == 1
    assert result.outputs["probe_count"]["probe"][0]["repr"] == "1"


def test_numbers_and_a_mask_choose(ready: HostProcess):
    report = told(ready.run(selecting("two.png", order="largest", indices="-1, 5")))
    assert [face["chosen"] for face in report["faces"]] == [False, True]
    assert "no face 5" in report["text"]
    prompt = selecting("two.png", order="left_to_right", mask=["8", 0])
    left = Image.new("L", (256, 144))  # half as large as the picture
    left.paste(255, (0, 0, 128, 144))
    left.save(ready.base.input / "left.png")
    prompt["8"] = node("LoadImageMask", image="left.png", channel="red")
    assert [face["state"] for face in told(ready.run(prompt))["faces"]] == ["chosen", "limits"]
    prompt["7"]["inputs"]["mask_mode"] = "outside"
    assert [face["state"] for face in told(ready.run(prompt))["faces"]] == ["limits", "chosen"]


def test_choosing_nothing_returns_the_picture_unchanged(ready: HostProcess):
    prompt = restoring(selecting("two.png", max_size=10))
    result = ready.run(probing(prompt, picture=("6", 0), given=("1", 0)))
    assert "nothing will be restored" in told(result)["text"]
    found, given = (
        np.load(ready.base.output / result.outputs[f"probe_{name}"]["probe"][0]["filename"])
        for name in ("picture", "given")
    )
    np.testing.assert_array_equal(found, given)


def test_the_all_in_one_node_restores_the_chosen_faces_only_and_needs_no_detector(ready: HostProcess):
    prompt = whole("two.png", detector=None, faces=["7", 0], protect="off")
    prompt |= {
        name: made for name, made in selecting("two.png", order="left_to_right", indices="1").items() if name != "1"
    }
    alone = ready.run(probing(prompt, picture=("6", 0), mask=("6", 1), count=("6", 3)))
    prompt = restoring(selecting("two.png", order="left_to_right", indices="1"))
    prompt["5"]["inputs"]["protect"] = "off"
    staged_run = ready.run(probing(prompt, steps=("6", 0)))
    picture, mask, steps = (
        np.load(ready.base.output / run.outputs[f"probe_{name}"]["probe"][0]["filename"])
        for run, name in ((alone, "picture"), (alone, "mask"), (staged_run, "steps"))
    )
    assert alone.outputs["probe_count"]["probe"][0]["repr"] == "1"
    assert mask[0, :, :260].max() == 0 and mask[0, :, 300:].max() == 1
    np.testing.assert_allclose(picture, steps, atol=1e-5)


def test_the_all_in_one_node_shows_a_first_time_user_what_is_needed(ready: HostProcess):
    required = ready.object_info("GPEN_RestoreImage")["input"]["required"]
    shown = [name for name, (_, *more) in required.items() if not (more and more[0].get("advanced"))]
    assert shown == ["image", "model", "strength", "scale", "protect", "color_match"]


def test_only_the_person_of_a_reference_is_chosen(ready: HostProcess, portrait: Path):
    if importlib.util.find_spec("dlib") is None or importlib.util.find_spec("face_recognition_models") is None:
        pytest.skip("dlib's face recognition is not installed: pip install dlib-bin face_recognition_models")
    ready.base.place_input(portrait)
    prompt = selecting("two.png", order="left_to_right", reference=["8", 0])
    prompt["8"] = node("LoadImage", image="astronaut.png")
    assert [face["state"] for face in told(ready.run(prompt))["faces"]] == ["chosen", "chosen"]  # she is in it twice
    prompt["7"]["inputs"]["reference_similarity"] = 1.0
    report = told(ready.run(prompt))
    assert [face["state"] for face in report["faces"]] == ["limits", "limits"]
    assert "to the reference, below 1" in report["faces"][0]["why"]
    Image.new("RGB", (64, 64)).save(ready.base.input / "nobody.png")
    prompt["8"] = node("LoadImage", image="nobody.png")
    result = ready.run(prompt)
    assert result.error["node_id"] == "7" and "no face was found in the reference" in result.error["exception_message"]


def test_picks_that_cannot_be_read_are_one_clear_error(ready: HostProcess):
    result = ready.run(selecting("two.png", picks="[]"))
    assert result.status == "error" and result.error["node_id"] == "7"
    assert result.error["exception_type"] == "gpen_core.errors.OptionError"
    assert "picks cannot be read" in result.error["exception_message"]


def test_picks_are_a_widget_without_a_socket(ready: HostProcess):
    kind, options = ready.object_info("GPEN_SelectFaces")["input"]["required"]["picks"]
    assert kind == "STRING" and options["socketless"] and options["default"] == ""
    assert list(SETTINGS["select"])[-1] == "picks"
