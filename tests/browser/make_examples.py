"""Writes example_workflows/ anew, by ComfyUI's own page: `python -m pytest tests/browser/make_examples.py`.

Not among the tests (its name does not begin with test_). Run it after a change of nodes, and look at what it made. Workflows of
tasks beside restoration need models of the published names: GPEN_TASK_MODELS says in which folder they are.
"""

import json
import os
import uuid
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import pytest
from browser_harness.comfy_page import ComfyPage
from browser_harness.example_graphs import README_GRAPH, WORKFLOWS
from browser_harness.picker import Picker
from PIL import Image

from gpen_core.imaging.files import as_image
from gpen_core.pipeline.label_maps import legend

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect

README_PICTURE, FIRST_PICTURE = "choose_and_compare.jpg", "first_workflow.jpg"
README_WIDTH = 800
NOTE_COLORS = "#333", "#353535"
THUMBNAIL, DIVIDER = (644, 320), 4  # pixels
MARGIN = 24  # around the graph, in pixels of the window
FIRST = "GPEN 01 Restore faces"
PICKED = {
    "GPEN 03 Restore chosen faces": ((1.5 / 3, 1 / 4), (0.5 / 3, 3 / 4))
}  # places of faces, in shares of the picture
# What thumbnails show of a picture, in shares of it: left, top, right, bottom.
FACE, PRINTS = (0.22, 0.0, 0.66, 0.44), (0.0, 0.0, 2 / 3, 1.0)
CLOSE = {
    "GPEN 02 Restore faces and compare": (0.0, 0.0, 0.8, 0.8),
    "GPEN 05 Restore parts of a face": (0.34, 0.13, 0.56, 0.35),
    "GPEN 06 Restore faces step by step": (0.29, 0.05, 0.6, 0.36),
    "GPEN 08 Inpaint scratched faces": (0.32, 0.05, 0.56, 0.29),
    "GPEN 09 Paint faces as label maps": (0.0, 0.0, 1.0, 1.0),
    "GPEN 11 Restore faces in an old film": (0.25, 0.08, 0.75, 0.75),
    "GPEN 13 Restore faces and protect what covers them": (0.33, 0.1, 0.57, 0.34),
    "GPEN 12 Restore faces in a phone clip": (0.14, 0.05, 0.86, 0.45),
}
SHOWN_AT = 0.5  # of a clip: the frame in its thumbnail
TASK_MODELS = {
    "GPEN 07 Colorize faces": "GPEN-Colorization-1024.pth",
    "GPEN 08 Inpaint scratched faces": "GPEN-Inpainting-1024.pth",
    "GPEN 09 Paint faces as label maps": "GPEN-Seg2face-512.pth",
}


def _choose_two(comfy_page: ComfyPage) -> None:
    """And run again, so that the result has two restored faces."""
    picker = Picker(comfy_page)
    picker.press("None")
    for number in (2, 7):
        picker.face(number).click()
    comfy_page.run_to_end()


def _step_to_a_face(comfy_page: ComfyPage) -> None:
    comfy_page.page.get_by_role("button", name="Next face").click()


LOOK_AT = """types => {
  const nodes = app.rootGraph.nodes.filter(node => types.includes(node.type))
  app.canvas.deselectAll()
  app.canvas.ds.scale = 1.1
  app.canvas.ds.offset = [100 - Math.min(...nodes.map(node => node.pos[0])), 140 - Math.min(...nodes.map(node => node.pos[1]))]
  app.canvas.setDirty(true, true)
}"""


@pytest.mark.parametrize("comfy_page", ["litegraph"], indirect=True)
@pytest.mark.parametrize("name", list(WORKFLOWS))
def test_make(comfy_page: ComfyPage, example_workflows: Path, repo_root: Path, name: str) -> None:
    if name in TASK_MODELS:
        _place_model(comfy_page, TASK_MODELS[name])
    comfy_page.build(WORKFLOWS[name])
    comfy_page.run_to_end()
    if name in PICKED:
        _pick(comfy_page, PICKED[name])
    comfy_page.page.wait_for_timeout(500)
    made = comfy_page.workflow()
    made["id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, name))  # the same however often it is made
    for one in made["nodes"]:
        if one["type"] == "MarkdownNote":  # on its brown, Nodes 2.0 is hard to read; light themes lighten it
            one["color"], one["bgcolor"] = NOTE_COLORS
    made["extra"] = {}  # whoever made it looked from somewhere; without this, the page shows the whole graph
    path = example_workflows / f"{name}.json"
    path.write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n")
    _thumbnail(comfy_page, name).save(path.with_suffix(".jpg"), quality=88, optimize=True)
    if name == FIRST:
        _photograph(comfy_page, comfy_page.fit(), repo_root / "web" / "docs" / "images" / FIRST_PICTURE, README_WIDTH)


def _pick(comfy_page: ComfyPage, places: Sequence[tuple[float, float]]) -> None:
    """Choose the faces at these places, in shares of the picture, and run again."""
    picker = Picker(comfy_page)
    comfy_page.fit()
    picker.press("None")
    for x, y in places:
        (number,) = (
            face["index"]
            for face in picker.report()["faces"]
            if face["box"][0] < x < face["box"][2] and face["box"][1] < y < face["box"][3]
        )
        picker.face(number).click()
    comfy_page.run_to_end()


def _place_model(comfy_page: ComfyPage, name: str) -> None:
    folder = os.environ.get("GPEN_TASK_MODELS")
    if folder is None or not (Path(folder) / name).is_file():
        pytest.skip(f"GPEN_TASK_MODELS names no folder with {name}")
    comfy_page.server.base.place_model(Path(folder) / name)


def _thumbnail(comfy_page: ComfyPage, name: str) -> Image.Image:
    """Before | after."""
    (given,) = (one for one in WORKFLOWS[name] if one["type"] in ("GPEN_ExampleImage", "GPEN_ExampleVideo"))
    places = {node["type"]: str(node["id"]) for node in comfy_page.workflow()["nodes"]}
    before = _picture_at(comfy_page, comfy_page.ask("app.nodeOutputs")[places[given["type"]]]["images"][0])
    after = _shown_after(comfy_page, name)
    shown = Image.new("RGB", (THUMBNAIL[0], THUMBNAIL[1]), "white")
    half = ((THUMBNAIL[0] - DIVIDER) // 2, THUMBNAIL[1])
    for image, left in ((before, 0), (after, half[0] + DIVIDER)):
        box = CLOSE.get(name, PRINTS if "contact sheet" in given["values"].values() else FACE)
        box = [round(share * side) for share, side in zip(box, image.size * 2, strict=True)]
        shown.paste(image.crop(box).resize(half, Image.Resampling.LANCZOS), (left, 0))
    return shown


def _shown_after(comfy_page: ComfyPage, name: str) -> Image.Image:
    """The result; of tasks whose models nobody may ship, what a user draws instead."""
    if name == "GPEN 09 Paint faces as label maps":
        sheet = as_image(legend())
        square = Image.new("RGB", (sheet.height, sheet.height), "white")
        square.paste(sheet, ((sheet.height - sheet.width) // 2, 0))
        return square
    return _picture_at(comfy_page, _result(comfy_page, name))


def _picture_at(comfy_page: ComfyPage, place: dict[str, Any]) -> Image.Image:
    """What a node has saved; of a video, one frame."""
    content = BytesIO(comfy_page.server.view(place))
    if not place["filename"].endswith(".mp4"):
        return Image.open(content).convert("RGB")
    with av.open(content) as container:
        frames = [frame.to_image() for frame in container.decode(video=0)]
    return frames[round(SHOWN_AT * len(frames))]


def _result(comfy_page: ComfyPage, name: str) -> dict[str, Any]:
    """Where the restored picture lies: saved, or shown by Compare Faces."""
    outputs = comfy_page.ask("app.nodeOutputs")
    places = {node["type"]: str(node["id"]) for node in comfy_page.workflow()["nodes"]}
    if name == "GPEN 08 Inpaint scratched faces":
        return outputs[places["PreviewImage"]]["images"][0]
    for kind in ("SaveImage", "SaveVideo"):
        if kind in places:
            return outputs[places[kind]]["images"][0]
    return outputs[places["GPEN_CompareFaces"]]["gpen_compare"][0]["pairs"][0]["after"]


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
