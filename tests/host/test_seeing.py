"""Compare Faces and what nodes say below themselves, in real ComfyUI."""

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from host_harness.graphs import Prompt, load, node, probing, staged, whole
from host_harness.host_process import HostProcess
from PIL import Image


@pytest.fixture
def ready(pack_host: HostProcess, place_model: Callable[..., Path], checkpoint: Path, portrait: Path) -> HostProcess:
    """The host with our pack, the tiny model, the portrait and a picture without a face."""
    place_model(checkpoint, name="tiny.pth")
    pack_host.base.place_input(portrait)
    Image.fromarray(np.full((96, 128, 3), 128, np.uint8)).save(pack_host.base.input / "gray.png")
    return pack_host


def comparing(prompt: Prompt, restored: tuple[str, int], faces: tuple[str, int] | None) -> Prompt:
    compare = node("GPEN_CompareFaces", original=["1", 0], restored=list(restored))
    if faces is not None:
        compare["inputs"]["faces"] = list(faces)
    return prompt | {"10": compare}


def drawn(host: HostProcess, prompt: Prompt) -> dict:
    result = host.run(prompt)
    assert result.status == "success", (result.error, result.node_errors)
    return result.outputs["10"]["gpen_compare"][0]


def picture(host: HostProcess, entry: dict) -> np.ndarray:
    with Image.open(host.base.output_file(entry)) as opened:
        return np.asarray(opened)


def test_before_and_after_are_kept_pixel_by_pixel_with_each_faces_facts(ready: HostProcess, portrait: Path):
    found = drawn(ready, comparing(staged("astronaut.png", scale=2.0), ("6", 0), ("5", 0)))
    (pair,) = found["pairs"]
    assert (pair["width"], pair["height"]) == (1024, 1024)
    with Image.open(portrait) as original:
        np.testing.assert_array_equal(picture(ready, pair["before"]), np.asarray(original.convert("RGB")))
    assert picture(ready, pair["after"]).shape == (1024, 1024, 3)
    (face,) = found["faces"]
    assert face["name"] == "Face 1 of 1" and face["pair"] == 0
    facts = dict(face["facts"])
    assert set(facts) >= {"size", "score", "strength before blending", "model"} and facts["model"] == "tiny (64 px)"
    box = face["box"]  # of the astronaut, left of the middle and in the upper half
    assert 0.3 < box["x"] < 0.5 and 0.05 < box["y"] < 0.3 and 0.1 < box["width"] < 0.3


@pytest.mark.parametrize("protect", ["off", "auto"])
def test_a_floor_of_similarity_holds_in_both_nodes(ready: HostProcess, protect: str):
    """Where a network is installed, strength is lowered; where none is, that is said."""
    steps = staged("astronaut.png", protect=protect)
    steps["5"]["inputs"]["min_similarity"] = 0.9
    for prompt, place in (
        (whole("astronaut.png", protect=protect, min_similarity=0.9), ("6", 4)),
        (steps, ("5", 0)),
    ):
        (face,) = drawn(ready, comparing(prompt, ("6", 0), place))["faces"]
        facts = {name.removesuffix(" before blending"): text for name, text in face["facts"]}
        notes = [text for name, text in face["facts"] if name == "note"]
        if importlib.util.find_spec("dlib") is None or importlib.util.find_spec("face_recognition_models") is None:
            assert any("was not measured" in note for note in notes) and "similarity" not in facts
        else:  # what an untrained model makes is like nobody
            assert float(facts["similarity"]) >= 0.9 and float(facts["strength"]) < 0.9
            assert any("Strength lowered" in note for note in notes)


def test_two_pictures_of_different_shapes_are_told(ready: HostProcess):
    prompt = comparing(load("astronaut.png"), ("8", 0), None) | {"8": node("LoadImage", image="gray.png")}
    result = ready.run({name: prompt[name] for name in ("1", "8", "10")})
    assert result.status == "success", (result.error, result.node_errors)
    (told,) = result.outputs["10"]["gpen_status"]
    assert told.startswith("original is 512×512, restored is 128×96") and result.outputs["10"]["gpen_notice"] == [True]


@pytest.mark.parametrize(("faces", "names"), [(("4", 0), ["Face 1 of 1"]), (None, [])])
def test_detected_faces_will_do_and_none_are_needed(
    ready: HostProcess, faces: tuple[str, int] | None, names: list[str]
):
    found = drawn(ready, comparing(staged("astronaut.png"), ("6", 0), faces))
    assert [face["name"] for face in found["faces"]] == names and len(found["pairs"]) == 1


def test_facts_of_the_node_that_does_it_all_will_do(ready: HostProcess):
    found = drawn(ready, comparing(whole("astronaut.png"), ("6", 0), ("6", 4)))
    assert dict(found["faces"][0]["facts"])["model"] == "tiny (64 px)"


def test_the_strength_of_blending_is_in_the_facts_that_come_after_it(ready: HostProcess):
    steps = staged("astronaut.png", strength=0.5)
    told = {}
    for place in (("5", 0), ("6", 3)):
        (face,) = drawn(ready, comparing(steps, ("6", 0), place))["faces"]
        told[place] = dict(face["facts"])
    before, after = told.values()
    assert "strength" not in before and "strength before blending" not in after
    assert float(after["strength"]) == pytest.approx(float(before["strength before blending"]) / 2, abs=0.011)


def test_batches_of_different_length_are_refused(ready: HostProcess):
    prompt = staged("astronaut.png") | {"8": node("ImageBatch", image1=["6", 0], image2=["6", 0])}
    result = ready.run(comparing(prompt, ("8", 0), None))
    assert result.error is not None and "original has 1 images, restored has 2" in result.error["exception_message"]


def test_nodes_say_what_they_found_and_restored_on_which_device_and_in_how_many_seconds(ready: HostProcess):
    prompt = staged("astronaut.png") | {"9": node("PreviewImage", images=["6", 0])}
    outputs = ready.run(prompt).outputs
    assert re.fullmatch(r"1 face found\. mtcnn on cpu, \d+\.\d s\.", outputs["4"]["gpen_status"][0])
    said = outputs["5"]["gpen_status"][0]
    assert said.startswith("1 face found, 1 restored.") and re.search(r"tiny on cpu, \d+\.\d s\.$", said)


def test_what_a_node_said_is_sent_again_where_its_result_comes_from_the_cache(ready: HostProcess):
    """To pages that were not open when it ran."""
    if "has_intermediate_output" not in ready.object_info("GPEN_DetectFaces"):
        pytest.skip("this ComfyUI sends nothing again")
    prompt = staged("astronaut.png")
    first = ready.run(prompt | {"9": node("PreviewImage", images=["6", 0])}).outputs
    again = ready.run(prompt | {"10": node("SaveImage", images=["6", 0], filename_prefix="again")}).outputs
    for name in ("4", "5"):
        assert again[name]["gpen_status"] == first[name]["gpen_status"]


def test_no_face_is_said_in_plain_sight(ready: HostProcess):
    prompt = staged("gray.png") | {"9": node("PreviewImage", images=["6", 0])}
    outputs = ready.run(prompt).outputs
    assert outputs["4"]["gpen_status"][0].startswith("No face found.")
    assert outputs["5"]["gpen_status"][0].startswith("No face to restore:")
    outputs = ready.run(whole("gray.png") | {"9": node("PreviewImage", images=["6", 0])}).outputs
    assert outputs["6"]["gpen_status"][0].startswith("No face found: the image is returned unchanged")


def test_the_mask_of_what_was_protected_has_the_size_of_the_input(ready: HostProcess):
    prompt = staged("astronaut.png", scale=2.0)
    result = ready.run(probing(prompt, kept=("5", 2)))
    assert result.status == "success"
    kept = np.load(ready.base.output / result.outputs["probe_kept"]["probe"][0]["filename"])
    assert kept.shape == (1, 512, 512) and kept.min() >= 0 and kept.max() <= 1
    result = ready.run(probing(whole("gray.png"), kept=("6", 5)))
    kept = np.load(ready.base.output / result.outputs["probe_kept"]["probe"][0]["filename"])
    assert kept.shape == (1, 96, 128) and kept.max() == 0
