"""The example workflows: they open cleanly, and mean what they seem to, in both renderers."""

import json
import re
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from browser_harness.comfy_page import ComfyPage
from host_harness.base_dir import BaseDir
from host_harness.http_server import HttpServer
from PIL import Image

FIRST = "GPEN 01 Restore faces"
NAMES = [
    FIRST,
    "GPEN 02 Restore faces and compare",
    "GPEN 03 Restore chosen faces",
    "GPEN 04 Restore bad faces and keep good ones",
    "GPEN 05 Restore parts of a face",
    "GPEN 06 Restore faces step by step",
    "GPEN 07 Colorize faces",
    "GPEN 08 Inpaint scratched faces",
    "GPEN 09 Paint faces as label maps",
    "GPEN 10 Restore faces in an upscaled image",
    "GPEN 11 Restore faces in an old film",
    "GPEN 12 Restore faces in a phone clip",
    "GPEN 13 Restore faces and protect what covers them",
]
# At least so many faces; others 1. The clips have 45 and 50 frames of one face.
RESTORED = {
    "GPEN 03 Restore chosen faces": 2,
    "GPEN 04 Restore bad faces and keep good ones": 4,
    "GPEN 11 Restore faces in an old film": 44,
    "GPEN 12 Restore faces in a phone clip": 49,
}
# What is said of tasks beside restoration, and their models, which do not come with the pack.
DONE = {
    "GPEN 07 Colorize faces": ("1 face colorized", "GPEN-Colorization-1024.pth"),
    "GPEN 08 Inpaint scratched faces": ("1 face filled", "GPEN-Inpainting-1024.pth"),
    "GPEN 09 Paint faces as label maps": ("1 face made of label maps", "GPEN-Seg2face-512.pth"),
}
WARNING = "error-overlay"  # what the page lays over the graph where nodes or models are missing
LOADERS = {"GPEN_ExampleImage": {}, "GPEN_LoadModel": {"model_name": "bundled"}}
PRINTS = LOADERS | {"GPEN_ExampleImage": {"picture": "contact sheet"}}
IMAGE_AND_MODEL = {"image": "GPEN_ExampleImage 0", "model": "GPEN_LoadModel 0"}
COMPARE = {"original": "GPEN_ExampleImage 0", "restored": "GPEN_RestoreImage 0", "faces": "GPEN_RestoreImage 4"}
SAVE = {"images": "GPEN_RestoreImage 0", "filename_prefix": "restored"}
SAVE_VIDEO = {"filename_prefix": "restored", "format": "auto", "codec": "auto"}
# Links, and what differs from the nodes' defaults.
PROMPTS = {
    FIRST: {**LOADERS, "GPEN_RestoreImage": IMAGE_AND_MODEL, "SaveImage": SAVE},
    "GPEN 03 Restore chosen faces": {
        **PRINTS,
        "GPEN_DetectFaces": {"image": "GPEN_ExampleImage 0"},
        "GPEN_SelectFaces": {"image": "GPEN_ExampleImage 0", "faces": "GPEN_DetectFaces 0", "picks": "2 picked"},
        "GPEN_RestoreImage": IMAGE_AND_MODEL | {"faces": "GPEN_SelectFaces 0"},
        "SaveImage": SAVE,
    },
    "GPEN 02 Restore faces and compare": {
        **LOADERS,
        "GPEN_RestoreImage": IMAGE_AND_MODEL,
        "GPEN_CompareFaces": COMPARE,
    },
    "GPEN 04 Restore bad faces and keep good ones": {
        **PRINTS,
        "GPEN_RestoreImage": IMAGE_AND_MODEL | {"protect": "auto"},
        "GPEN_CompareFaces": COMPARE,
        "MaskToImage": {"mask": "GPEN_RestoreImage 5"},
        "Protected": {"images": "MaskToImage 0"},
        "SaveImage": SAVE,
    },
    "GPEN 05 Restore parts of a face": {
        **LOADERS,
        "GPEN_FaceRegions": {"skin": 0.3, "hair": 0.0, "neck": 0.0, "ears": 0.0},
        "GPEN_RestoreImage": IMAGE_AND_MODEL | {"regions": "GPEN_FaceRegions 0"},
        "GPEN_CompareFaces": COMPARE,
    },
    "GPEN 06 Restore faces step by step": {
        **LOADERS,
        "GPEN_LoadDetector": {},
        "GPEN_DetectFaces": {"image": "GPEN_ExampleImage 0", "detector": "GPEN_LoadDetector 0"},
        "GPEN_RestoreFaces": IMAGE_AND_MODEL | {"faces": "GPEN_DetectFaces 0"},
        "GPEN_BlendFaces": {"image": "GPEN_ExampleImage 0", "restored_faces": "GPEN_RestoreFaces 0"},
        "SaveImage": SAVE | {"images": "GPEN_BlendFaces 0"},
        "Faces found": {"images": "GPEN_DetectFaces 3"},
        "Faces restored": {"images": "GPEN_RestoreFaces 1"},
    },
    "GPEN 07 Colorize faces": {
        "GPEN_ExampleImage": {"picture": "gray portrait"},
        "GPEN_LoadModel": {"model_name": "GPEN-Colorization-1024.pth"},
        "GPEN_Colorize": IMAGE_AND_MODEL,
        "GPEN_CompareFaces": {
            "original": "GPEN_ExampleImage 0",
            "restored": "GPEN_Colorize 0",
            "faces": "GPEN_Colorize 2",
        },
        "SaveImage": {"images": "GPEN_Colorize 0", "filename_prefix": "colorized"},
    },
    "GPEN 08 Inpaint scratched faces": {
        "GPEN_ExampleImage": {"picture": "scratched portrait"},
        "GPEN_LoadModel": {"model_name": "GPEN-Inpainting-1024.pth"},
        "GPEN_InpaintFaces": IMAGE_AND_MODEL | {"mask": "GPEN_ExampleImage 1"},
        "GPEN_CompareFaces": {
            "original": "GPEN_ExampleImage 0",
            "restored": "GPEN_InpaintFaces 0",
            "faces": "GPEN_InpaintFaces 2",
        },
        "MaskToImage": {"mask": "GPEN_ExampleImage 1"},
        "Mask": {"images": "MaskToImage 0"},
        "SaveImage": {"images": "GPEN_InpaintFaces 0", "filename_prefix": "filled"},
    },
    "GPEN 09 Paint faces as label maps": {
        "GPEN_ExampleImage": {"picture": "label map"},
        "GPEN_LoadModel": {"model_name": "GPEN-Seg2face-512.pth"},
        "GPEN_FacesFromLabelMaps": {"label_maps": "GPEN_ExampleImage 0", "model": "GPEN_LoadModel 0"},
        "SaveImage": {"images": "GPEN_FacesFromLabelMaps 0", "filename_prefix": "face"},
    },
    "GPEN 10 Restore faces in an upscaled image": {
        **LOADERS,
        "ImageScaleBy": {"image": "GPEN_ExampleImage 0", "upscale_method": "lanczos", "scale_by": 2.0},
        "GPEN_RestoreImage": IMAGE_AND_MODEL | {"background": "ImageScaleBy 0"},
        "SaveImage": SAVE,
    },
    "GPEN 13 Restore faces and protect what covers them": {
        **LOADERS,
        "GPEN_ExampleImage": {"picture": "covered portrait"},
        "GPEN_FaceRegions": {"mask": "GPEN_ExampleImage 1", "mask_mode": "subtract"},
        "GPEN_RestoreImage": IMAGE_AND_MODEL | {"regions": "GPEN_FaceRegions 0"},
        "GPEN_CompareFaces": COMPARE,
        "MaskToImage": {"mask": "GPEN_RestoreImage 1"},
        "Changed": {"images": "MaskToImage 0"},
        "SaveImage": SAVE,
    },
    "GPEN 11 Restore faces in an old film": {
        "GPEN_ExampleVideo": {"clip": "old film"},
        "GPEN_LoadModel": {"model_name": "bundled"},
        "GPEN_RestoreVideo": {"video": "GPEN_ExampleVideo 0", "model": "GPEN_LoadModel 0"},
        "SaveVideo": SAVE_VIDEO | {"video": "GPEN_RestoreVideo 0"},
    },
    "GPEN 12 Restore faces in a phone clip": {
        "GPEN_ExampleVideo": {"clip": "phone clip"},
        "GPEN_LoadModel": {"model_name": "bundled"},
        "GetVideoComponents": {"video": "GPEN_ExampleVideo 0"},
        "GPEN_DetectFaces": {"image": "GetVideoComponents 0"},
        "GPEN_TrackFaces": {"image": "GetVideoComponents 0", "faces": "GPEN_DetectFaces 0"},
        "ImageFromBatch": {"image": "GPEN_TrackFaces 1", "batch_index": 0, "length": 1},
        "Tracks": {"images": "ImageFromBatch 0"},
        "GPEN_RestoreImage": {
            "image": "GetVideoComponents 0",
            "model": "GPEN_LoadModel 0",
            "faces": "GPEN_TrackFaces 0",
        },
        "CreateVideo": {
            "images": "GPEN_RestoreImage 0",
            "audio": "GetVideoComponents 1",
            "fps": "GetVideoComponents 2",
            "bit_depth": 8,
        },
        "SaveVideo": SAVE_VIDEO | {"video": "CreateVideo 0"},
    },
}


BOXES = "app.rootGraph.nodes.map(node => [node.title, [...node.boundingRect]])"  # x, y, width, height, with the title


def overlapping(boxes: list[tuple[str, list[float]]]) -> list[tuple[str, str]]:
    """The nodes that lie over others."""

    def apart(one: list[float], other: list[float], axis: int) -> bool:
        return one[axis] + one[axis + 2] <= other[axis] or other[axis] + other[axis + 2] <= one[axis]

    return [
        (name, other_name)
        for (name, box), (other_name, other) in combinations(boxes, 2)
        if not apart(box, other, 0) and not apart(box, other, 1)
    ]


def expected(server: HttpServer, name: str) -> dict[str, dict[str, Any]]:
    """The prompt of an example, with the defaults of our nodes where it says nothing else."""
    return {kind: defaults(server, kind) | given for kind, given in PROMPTS[name].items()}


def defaults(server: HttpServer, kind: str) -> dict[str, Any]:
    if not kind.startswith("GPEN_"):
        return {}
    inputs = server.object_info(kind)["input"]
    options = {name: spec[1] for part in ("required", "optional") for name, spec in inputs.get(part, {}).items()}
    first = {name: found["options"][0] for name, found in options.items() if "options" in found}
    return first | {name: found["default"] for name, found in options.items() if "default" in found}


def in_words(prompt: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """A prompt without ids: each node by its class (previews by title), each link as "class output"; picks counted."""

    def value(key: str, found: Any) -> Any:
        if key == "picks" and found:
            return f"{len(json.loads(found)['include'])} picked"
        return f"{prompt[found[0]]['class_type']} {found[1]}" if isinstance(found, list) else found

    def name(node: dict[str, Any]) -> str:
        return node["_meta"]["title"] if node["class_type"] == "PreviewImage" else node["class_type"]

    return {name(node): {key: value(key, found) for key, found in node["inputs"].items()} for node in prompt.values()}


@pytest.mark.parametrize("name", NAMES)
def test_an_example_opens_without_complaint_and_sends_what_the_nodes_expect(
    comfy_page: ComfyPage, example_workflows: Path, name: str
) -> None:
    comfy_page.errors.clear()
    comfy_page.open_workflow(example_workflows / f"{name}.json")
    assert in_words(comfy_page.prompt()) == expected(comfy_page.server, name)
    if name in DONE:  # ComfyUI says by itself that its model is missing
        comfy_page.part(WARNING).wait_for()
        assert "model" in comfy_page.part(WARNING).inner_text().lower()
        comfy_page.part("error-overlay-dismiss").click()
    comfy_page.part(WARNING).wait_for(state="hidden")  # it may be fading
    assert comfy_page.errors == []


@pytest.mark.parametrize("name", NAMES)
def test_saving_an_opened_example_loses_nothing(comfy_page: ComfyPage, example_workflows: Path, name: str) -> None:
    path = example_workflows / f"{name}.json"
    comfy_page.open_workflow(path)
    kept, saved = json.loads(path.read_text()), comfy_page.workflow()
    assert saved["links"] == kept["links"]
    for now, then in zip(saved["nodes"], kept["nodes"], strict=True):
        values = then.get("widgets_values", [])
        assert now.get("widgets_values", [])[: len(values)] == values  # a newer node may have more


@pytest.mark.parametrize("name", NAMES)
def test_no_node_of_an_example_covers_another(comfy_page: ComfyPage, example_workflows: Path, name: str) -> None:
    comfy_page.open_workflow(example_workflows / f"{name}.json")
    boxes = comfy_page.ask(BOXES)
    assert len(boxes) > 3 and overlapping(boxes) == []


@pytest.fixture
def place_tiny(checkpoint: Path) -> Iterator[Callable[[BaseDir, str], None]]:
    """Puts the small model where ComfyUI finds it under a published name, for one test."""
    placed: list[Path] = []
    yield lambda base, name: placed.append(base.place_model(checkpoint, "facerestore_models", name))
    for path in placed:
        path.unlink()


@pytest.mark.parametrize("comfy_page", ["litegraph"], indirect=True)
@pytest.mark.parametrize("name", list(DONE))
def test_an_example_whose_model_is_missing_says_where_to_get_it(
    comfy_page: ComfyPage, example_workflows: Path, name: str
) -> None:
    comfy_page.server.post_json("/free", {"free_memory": True})
    comfy_page.open_workflow(example_workflows / f"{name}.json")
    with pytest.raises(Exception, match=r"is not installed[\s\S]*https://"):
        comfy_page.run_to_end()
    comfy_page.errors.clear()


@pytest.mark.parametrize("comfy_page", ["litegraph"], indirect=True)
@pytest.mark.parametrize("name", NAMES)
def test_an_example_restores_faces_on_its_first_run_and_leaves_the_users_pictures_alone(
    comfy_page: ComfyPage, example_workflows: Path, name: str, place_tiny: Callable[[BaseDir, str], None]
) -> None:
    own, (done, model) = comfy_page.server.base.input, DONE.get(name, (r"(\d+) restored|restored in (\d+) of them", ""))
    if model:
        place_tiny(comfy_page.server.base, model)
    before = sorted(own.iterdir())
    comfy_page.server.post_json("/free", {"free_memory": True})  # forget results: nodes that do not run say nothing
    comfy_page.open_workflow(example_workflows / f"{name}.json")
    comfy_page.run_to_end()
    said = " ".join(comfy_page.page.locator(".gpen-status").all_inner_texts())
    found = re.search(done, said)
    assert found and (model or int(found[1] or found[2]) >= RESTORED.get(name, 1))
    assert sorted(own.iterdir()) == before
    assert overlapping(comfy_page.ask(BOXES)) == []  # pictures and texts have made nodes grow
    assert comfy_page.errors == []


def test_a_node_that_is_gone_would_be_noticed(comfy_page: ComfyPage, example_workflows: Path, tmp_path: Path) -> None:
    """The warning that the tests above don't find is really called that."""
    renamed = tmp_path / "gone.json"
    text = (example_workflows / f"{FIRST}.json").read_text()
    renamed.write_text(text.replace("GPEN_RestoreImage", "GPEN_Gone"))
    comfy_page.open_workflow(renamed)
    warning = comfy_page.part(WARNING)
    warning.wait_for()
    assert "GPEN_Gone" in warning.inner_text()
    comfy_page.part("error-overlay-dismiss").click()


def test_examples_are_listed_among_the_templates_with_a_small_picture(
    web_server: HttpServer, example_workflows: Path
) -> None:
    # ComfyUI lists them as the disk does, by the letters of their names on many: 10 must not come before 2.
    assert sorted(web_server.get_json("/api/workflow_templates")["gpen_pack"]) == NAMES
    for name in NAMES:
        words = ("gpen", "face") if name in DONE else ("gpen", "face", "restore")
        assert all(word in name.lower() for word in words)  # a search looks at names alone
        path = example_workflows / f"{name}.jpg"
        assert web_server.get(f"/api/workflow_templates/gpen_pack/{quote(path.name)}") == path.read_bytes()
        assert path.stat().st_size < 60_000 and Image.open(path).format == "JPEG"


@pytest.mark.parametrize("name", NAMES)
def test_an_example_names_no_place_on_its_makers_machine(example_workflows: Path, name: str) -> None:
    text = (example_workflows / f"{name}.json").read_text()
    assert re.findall(r'"(?:/|[A-Z]:\\|~)[^"]*"|localhost|127\.0\.0\.1', text) == []
