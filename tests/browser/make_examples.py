"""Writes example_workflows/ anew, by ComfyUI's own page: `python -m pytest tests/browser/make_examples.py`.

Not among the tests (its name does not begin with test_). Run it after a change of nodes, and look at what it made.
"""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from browser_harness.comfy_page import ComfyPage, node
from PIL import Image

NOTE = (
    "This runs at once with **bundled**, the small model that comes with the pack. For the best quality choose "
    "*GPEN-BFR-512.pth* in *Load GPEN Model*: where it is not in `models/facerestore_models`, *Run* says in its details "
    "where to get it. The published weights are for **non-commercial use only**."
)
NOISE_NOTE = (
    "Faces come from a model whose generator was trained on **noise**: choose yours in *Load GPEN Model*. The published "
    "restoration models were not, so what they make of noise need not look like a face; connect a face as *image* to give "
    "them its structure. The published weights are for **non-commercial use only**."
)
THUMBNAIL_WIDTH = 640
MARGIN = 24  # around the graph, in pixels of the window


def photo() -> dict[str, Any]:
    return node("photo", "LoadImage", (0, 0), (300, 330), values={"image": "example.png"})


def model(*pos: int) -> dict[str, Any]:
    return node("model", "GPEN_LoadModel", pos, (300, 110), values={"model_name": "bundled"})


def note(*pos: int, text: str = NOTE, height: int = 170) -> dict[str, Any]:
    return node("note", "MarkdownNote", pos, (300, height), title="The model", values={"text": text})


def save(*pos: int, source: tuple[str, str], prefix: str = "restored") -> dict[str, Any]:
    values = {"filename_prefix": prefix}
    return node("save", "SaveImage", pos, (400, 450), inputs={"images": source}, values=values)


# Below nodes that work through faces there is room for 220 px more: LiteGraph shows the progress in there.
WORKFLOWS = {
    "restore_faces": [
        photo(),
        model(0, 390),
        note(0, 560),
        node(
            "restore", "GPEN_RestoreImage", (380, 0), (330, 450),
            inputs={"image": ("photo", "IMAGE"), "model": ("model", "model")},
        ),
        save(790, 0, source=("restore", "image")),
    ],
    "restore_faces_step_by_step": [
        photo(),
        node("detector", "GPEN_LoadDetector", (0, 390), (300, 60), values={"detector_name": "auto"}),
        note(0, 530),
        node(
            "detect", "GPEN_DetectFaces", (380, 160), (300, 240),
            inputs={"image": ("photo", "IMAGE"), "detector": ("detector", "detector")},
        ),
        model(380, 530),
        node(
            "restore", "GPEN_RestoreFaces", (760, 100), (300, 125),
            inputs={"image": ("photo", "IMAGE"), "faces": ("detect", "faces"), "model": ("model", "model")},
        ),
        node("found", "PreviewImage", (760, 520), (300, 330), title="Faces found", inputs={"images": ("detect", "preview")}),
        node(
            "blend", "GPEN_BlendFaces", (1140, 0), (300, 250),
            inputs={"image": ("photo", "IMAGE"), "restored_faces": ("restore", "restored faces")},
        ),
        node("crops", "PreviewImage", (1140, 520), (300, 330), title="Faces restored", inputs={"images": ("restore", "crops")}),
        save(1520, 0, source=("blend", "image")),
    ],
    "sample_faces": [
        model(0, 0),
        note(0, 180, text=NOISE_NOTE, height=220),
        node("sample", "GPEN_SampleFaces", (380, 0), (330, 260), inputs={"model": ("model", "model")}),
        save(790, 0, source=("sample", "image"), prefix="sampled"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("comfy_page", ["litegraph"], indirect=True)
@pytest.mark.parametrize("name", list(WORKFLOWS))
def test_make(comfy_page: ComfyPage, example_workflows: Path, name: str) -> None:
    comfy_page.build(WORKFLOWS[name])
    comfy_page.page.wait_for_timeout(500)
    made = comfy_page.workflow()
    made["id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, name))  # the same however often it is made
    made["extra"] = {}  # whoever made it looked from somewhere; without this, the page shows the whole graph
    path = example_workflows / f"{name}.json"
    path.write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n")
    _thumbnail(comfy_page, path)


def _thumbnail(comfy_page: ComfyPage, workflow: Path) -> None:
    comfy_page.open_workflow(workflow)
    extent, picture = comfy_page.fit(), workflow.with_suffix(".jpg")
    clip = {"x": extent["x"] - MARGIN, "y": extent["y"] - MARGIN}
    clip |= {"width": extent["width"] + 2 * MARGIN, "height": extent["height"] + 2 * MARGIN}
    comfy_page.page.screenshot(path=picture, type="jpeg", quality=95, clip=clip)
    with Image.open(picture) as large:
        small = large.resize((THUMBNAIL_WIDTH, large.height * THUMBNAIL_WIDTH // large.width), Image.Resampling.LANCZOS)
    small.save(picture, quality=85, optimize=True)
