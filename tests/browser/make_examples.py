"""Writes example_workflows/ anew, by ComfyUI's own page: `python -m pytest tests/browser/make_examples.py`.

Not among the tests (its name does not begin with test_). Run it after a change of nodes, and look at what it made.
"""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser_harness.comfy_page import ComfyPage, node
from browser_harness.picker import SET_IMAGE, Picker
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect

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
CHOOSE_NOTE = (
    "**1.** *Run*: the faces appear in *Select Faces*. **2.** Press *None*, then click the faces to restore; or click those "
    "to leave out. **3.** *Run* again. To look before anything is restored, select *Select Faces* and press the play button "
    "above it: it runs alone. Your choice is saved with the workflow."
)
COMPARE_NOTE = (
    "*Run*, then click into the picture of *Compare Faces*. **Arrow keys** go from face to face, **P** shows one pixel of "
    "the result on one of the screen, and dragging moves the divider."
)
PICTURE, COVERED = (
    "portraits.png",
    "covered.png",
)  # what pictures of workflows are made with: nine faces; one behind a thing
README_PICTURE = "choose_and_compare.jpg"
README_WIDTH = 800
PROTECT_NOTE = (
    "With *protect* on **auto**, a hand, a microphone or hair before a face keeps its original pixels: what the model would "
    "have painted over is left alone. Good faces are changed little. The mask shows what was kept: white = original."
)
REGIONS_NOTE = (
    "0 keeps the original of a region, 1 restores it. Here eyes, nose and mouth are restored, skin a little, and hair, ears "
    "and neck not at all. Connect *Load Face Parser* to follow exact outlines."
)
THUMBNAIL_WIDTH = 640
MARGIN = 24  # around the graph, in pixels of the window


def photo() -> dict[str, Any]:
    return node("photo", "LoadImage", (0, 0), (300, 330), values={"image": "example.png"})


def model(*pos: int) -> dict[str, Any]:
    return node("model", "GPEN_LoadModel", pos, (300, 110), values={"model_name": "bundled"})


def note(*pos: int, text: str = NOTE, height: int = 170, title: str = "The model") -> dict[str, Any]:
    return node(f"note {title}", "MarkdownNote", pos, (300, height), title=title, values={"text": text})


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
    "choose_faces": [
        photo(),
        model(0, 390),
        note(0, 560),
        note(380, 310, text=CHOOSE_NOTE, height=220, title="How to choose"),
        node("detect", "GPEN_DetectFaces", (380, 0), (300, 240), inputs={"image": ("photo", "IMAGE")}),
        node(
            "select", "GPEN_SelectFaces", (760, 0), (420, 860),
            inputs={"image": ("photo", "IMAGE"), "faces": ("detect", "faces")},
        ),
        node(
            "restore", "GPEN_RestoreImage", (1260, 0), (330, 450),
            inputs={"image": ("photo", "IMAGE"), "model": ("model", "model"), "faces": ("select", "faces")},
        ),
        save(1670, 0, source=("restore", "image")),
    ],
    "compare_faces": [
        photo(),
        model(0, 390),
        note(0, 560),
        node(
            "restore", "GPEN_RestoreImage", (380, 0), (330, 450),
            inputs={"image": ("photo", "IMAGE"), "model": ("model", "model")},
        ),
        node(
            "compare", "GPEN_CompareFaces", (790, 0), (480, 540),
            inputs={
                "original": ("photo", "IMAGE"), "restored": ("restore", "image"), "faces": ("restore", "face facts"),
            },
        ),
        note(790, 600, text=COMPARE_NOTE, height=130, title="How to compare"),
    ],
    "protect_a_hand": [
        photo(),
        model(0, 390),
        note(0, 560),
        node(
            "restore", "GPEN_RestoreImage", (380, 0), (330, 500), values={"protect": "auto"},
            inputs={"image": ("photo", "IMAGE"), "model": ("model", "model")},
        ),
        note(380, 770, text=PROTECT_NOTE, height=170, title="What is protected"),
        node(
            "compare", "GPEN_CompareFaces", (790, 0), (480, 540),
            inputs={
                "original": ("photo", "IMAGE"), "restored": ("restore", "image"), "faces": ("restore", "face facts"),
            },
        ),
        node("kept", "MaskToImage", (790, 620), (300, 60), inputs={"mask": ("restore", "protected")}),
        node("mask", "PreviewImage", (1350, 0), (400, 440), title="Protected", inputs={"images": ("kept", "IMAGE")}),
        save(1350, 520, source=("restore", "image")),
    ],
    "restore_regions": [
        photo(),
        model(0, 390),
        note(0, 560),
        node(
            "regions", "GPEN_FaceRegions", (380, 0), (330, 470),
            values={"skin": 0.3, "hair": 0.0, "neck": 0.0, "ears": 0.0},
        ),
        note(380, 660, text=REGIONS_NOTE, height=170, title="Regions"),
        node(
            "restore", "GPEN_RestoreImage", (790, 0), (330, 500),
            inputs={"image": ("photo", "IMAGE"), "model": ("model", "model"), "regions": ("regions", "regions")},
        ),
        node(
            "compare", "GPEN_CompareFaces", (1200, 0), (480, 540),
            inputs={
                "original": ("photo", "IMAGE"), "restored": ("restore", "image"), "faces": ("restore", "face facts"),
            },
        ),
    ],
    "sample_faces": [
        model(0, 0),
        note(0, 180, text=NOISE_NOTE, height=220),
        node("sample", "GPEN_SampleFaces", (380, 0), (330, 260), inputs={"model": ("model", "model")}),
        save(790, 0, source=("sample", "image"), prefix="sampled"),
    ],
}  # fmt: skip


def _choose_two(comfy_page: ComfyPage) -> None:
    """And run again, so that the result has two restored faces."""
    picker = Picker(comfy_page)
    picker.press("None")
    for number in (2, 7):
        picker.face(number).click()
    comfy_page.run_to_end()


def _step_to_a_face(comfy_page: ComfyPage) -> None:
    comfy_page.page.get_by_role("button", name="Next face").click()


# Workflows that are shown at work: on which picture, and what is done after the run. Others are shown as they open.
SHOWN: dict[str, tuple[str, Callable[[ComfyPage], None]]] = {
    "choose_faces": (PICTURE, _choose_two),
    "compare_faces": (PICTURE, _step_to_a_face),
    "protect_a_hand": (COVERED, _step_to_a_face),
    "restore_regions": (COVERED, _step_to_a_face),
}


FAR = -3000  # left of what is looked at
README_GRAPH = [
    node("photo", "LoadImage", (FAR, 0), (300, 330), values={"image": PICTURE}),
    model(FAR, 390),
    node("detect", "GPEN_DetectFaces", (FAR, 700), (300, 240), inputs={"image": ("photo", "IMAGE")}),
    node(
        "select", "GPEN_SelectFaces", (0, 0), (440, 640),
        inputs={"image": ("photo", "IMAGE"), "faces": ("detect", "faces")},
    ),
    node(
        "restore", "GPEN_RestoreImage", (FAR, 1100), (330, 450),
        inputs={"image": ("photo", "IMAGE"), "model": ("model", "model"), "faces": ("select", "faces")},
    ),
    node(
        "compare", "GPEN_CompareFaces", (480, 0), (440, 640),
        inputs={"original": ("photo", "IMAGE"), "restored": ("restore", "image"), "faces": ("restore", "face facts")},
    ),
]  # fmt: skip
LOOK_AT = """types => {
  const nodes = app.rootGraph.nodes.filter(node => types.includes(node.type))
  app.canvas.deselectAll()
  app.canvas.ds.scale = 1.1
  app.canvas.ds.offset = [100 - Math.min(...nodes.map(node => node.pos[0])), 140 - Math.min(...nodes.map(node => node.pos[1]))]
  app.canvas.setDirty(true, true)
}"""


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
    if workflow.stem in SHOWN:
        image, act = SHOWN[workflow.stem]
        comfy_page.page.evaluate(SET_IMAGE, image)
        comfy_page.run_to_end()
        act(comfy_page)
        comfy_page.page.wait_for_timeout(500)
        comfy_page.page.evaluate("app.canvas.deselectAll()")
    _photograph(comfy_page, comfy_page.fit(), workflow.with_suffix(".jpg"), THUMBNAIL_WIDTH)


def _photograph(comfy_page: ComfyPage, extent: "FloatRect", picture: Path, width: int) -> None:
    """A part of the window, with a margin, as a JPEG of this width."""
    clip = {"x": extent["x"] - MARGIN, "y": extent["y"] - MARGIN}
    clip |= {"width": extent["width"] + 2 * MARGIN, "height": extent["height"] + 2 * MARGIN}
    comfy_page.page.screenshot(path=picture, type="jpeg", quality=95, clip=clip)
    with Image.open(picture) as large:
        small = large.resize((width, large.height * width // large.width), Image.Resampling.LANCZOS)
    small.save(picture, quality=85, optimize=True)


@pytest.mark.parametrize("comfy_page", ["nodes2"], indirect=True)
def test_make_the_picture_of_the_readme(comfy_page: ComfyPage, repo_root: Path) -> None:
    """The face picker and the comparison, side by side; the other nodes lie outside of the window."""
    comfy_page.build(README_GRAPH)
    comfy_page.run_to_end()
    _choose_two(comfy_page)
    _step_to_a_face(comfy_page)
    comfy_page.page.evaluate(LOOK_AT, ["GPEN_SelectFaces", "GPEN_CompareFaces"])
    comfy_page.page.wait_for_timeout(500)
    boxes = [comfy_page.extent(kind) for kind in ("GPEN_SelectFaces", "GPEN_CompareFaces")]
    left, top = min(box["x"] for box in boxes), min(box["y"] for box in boxes)
    right, bottom = (max(box[at] + box[size] for box in boxes) for at, size in (("x", "width"), ("y", "height")))
    extent: FloatRect = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    _photograph(comfy_page, extent, repo_root / "web" / "docs" / "images" / README_PICTURE, README_WIDTH)
