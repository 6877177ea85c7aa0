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
from browser_harness.comfy_page import ComfyPage, node
from browser_harness.picker import Picker
from PIL import Image

from gpen_core.imaging.files import as_image
from gpen_core.pipeline.label_maps import legend

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect

BEST = (
    "**Best quality:** choose *GPEN-BFR-512.pth* in *Load GPEN Model*; where it is not installed, *Run* says where to get it. "
    "The published weights are for **non-commercial use only**."
)
NOTE = (
    "*Run* works at once: the picture and the model **bundled** come with the pack. **Your own picture:** put *Load Image* in "
    f"the place of *Example Image*. {BEST}"
)
VIDEO_NOTE = (
    "*Run* works at once: the video and the model **bundled** come with the pack. **Your own video:** put *Load Video* in the "
    f"place of *Example Video*. {BEST}"
)
FILM_NOTE = (
    "Faces are followed and held steady, so that they do not flicker. The file is worked through a few frames at a time: a "
    "whole film takes no more memory than these two seconds. Frame times are kept, and the sound, where there is one."
)
STEPS_NOTE = (
    "Here all frames are in memory, so that other nodes can work on them, too; for a long video, use *Restore Faces in Video*. "
    "**Choose faces:** put *Select Faces* between *Track Faces* and *GPEN Face Fix*; what you choose in one frame is chosen in "
    "all. Sound and frame rate go around, straight to *Create Video*."
)
CHOOSE_NOTE = (
    "Two prints are chosen here. **Choose others:** click faces in *Select Faces* to restore them or to leave them out; "
    "*None* and *All* begin anew; then *Run* again. To look before anything is restored, select *Select Faces* and press the "
    "play button above it: it runs alone. Your choice is saved with the workflow."
)
COMPARE_NOTE = (
    "*Run*, then click into the picture of *Compare Faces*. **Arrow keys** go from face to face, **P** shows one pixel of "
    "the result on one of the screen, and dragging moves the divider."
)
PICTURE = "portraits.png"  # of the README: nine faces
README_PICTURE, FIRST_PICTURE = "choose_and_compare.jpg", "first_workflow.jpg"
README_WIDTH = 800
PROTECT_NOTE = (
    "With *protect* on **auto**, faces that are good already are left as they are, and others are changed as far as they need "
    "it; what a hand or a microphone covers keeps its original pixels. Two of the six prints are good: in *Protected*, white "
    "is what was kept. Choose **off** to see the difference."
)
TASK_NOTE = (
    "*{model}* does not come with the pack: *Run* says where to get it and where to put it. Its authors allow **non-commercial "
    "use only**. {more}"
)
COLOR_NOTE = TASK_NOTE.format(
    model="GPEN-Colorization-1024",
    more="For your own picture, put *Load Image* in the place of *Example Image*. To color more than faces, choose **whole "
    "picture** under *area*.",
)
FILL_NOTE = TASK_NOTE.format(
    model="GPEN-Inpainting-1024",
    more="For your own picture, put *Load Image* in the place of *Example Image*: right-click it, open the **mask editor** and "
    "paint over the damage.",
)
MAP_NOTE = TASK_NOTE.format(
    model="GPEN-Seg2face-512",
    more="To paint a map of your own, use the colors that *Label Map of a Face* shows, with a hard brush, and load it with "
    "*Load Image*.",
)
UPSCALED_NOTE = (
    "Faces are pasted into what is connected to *background*. Here that is the picture itself, twice as large; for the best "
    "result, put *Upscale Image (using Model)* in the place of *Upscale Image By*."
)
COVER_NOTE = (
    "The face is restored and the microphone keeps its pixels: the mask on it is connected to *Regions of a Face*, with *mask "
    "mode* on **subtract**. In *Changed*, white is what was restored. **Your own picture:** put *Load Image* in the place of "
    "*Example Image*; right-click it, open the **mask editor** and paint over the hand, the glass or the hair. *protect* on "
    "**auto** also keeps what the model would have painted over, without a mask."
)
REGIONS_NOTE = (
    "0 keeps the original of a region, 1 restores it. Here eyes, nose and mouth are restored, skin a little, and hair, ears "
    "and neck not at all. Connect *Load Face Parser* to follow exact outlines."
)
NOTE_COLORS = "#333", "#222"
THUMBNAIL, DIVIDER = (644, 320), 4  # pixels
MARGIN = 24  # around the graph, in pixels of the window


def photo(picture: str = "portrait") -> dict[str, Any]:
    return node("photo", "GPEN_ExampleImage", (0, 0), (300, 330), values={"picture": picture})


def clip(name: str, height: int) -> dict[str, Any]:
    return node("clip", "GPEN_ExampleVideo", (0, 0), (300, height), values={"clip": name})


def save_video(*pos: int, source: tuple[str, str], height: int) -> dict[str, Any]:
    values = {"filename_prefix": "restored"}
    return node("save", "SaveVideo", pos, (400, height), inputs={"video": source}, values=values)


def model(*pos: int, name: str = "bundled") -> dict[str, Any]:
    return node("model", "GPEN_LoadModel", pos, (300, 110), values={"model_name": name})


def compare(*pos: int, source: str, output: str = "face facts") -> dict[str, Any]:
    inputs = {"original": ("photo", "image"), "restored": (source, "image"), "faces": (source, output)}
    return node("compare", "GPEN_CompareFaces", pos, (480, 540), inputs=inputs)


def note(*pos: int, text: str = NOTE, height: int = 170, title: str = "The model") -> dict[str, Any]:
    return node(f"note {title}", "MarkdownNote", pos, (300, height), title=title, values={"text": text})


def save(*pos: int, source: tuple[str, str], prefix: str = "restored") -> dict[str, Any]:
    values = {"filename_prefix": prefix}
    return node("save", "SaveImage", pos, (400, 450), inputs={"images": source}, values=values)


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
# Below nodes that work through faces there is room for 220 px more: LiteGraph shows the progress in there.
WORKFLOWS = {
    "GPEN 01 Restore faces": [
        photo(),
        model(0, 390),
        note(0, 560),
        node(
            "restore", "GPEN_RestoreImage", (380, 0), (330, 450),
            inputs={"image": ("photo", "image"), "model": ("model", "model")},
        ),
        save(790, 0, source=("restore", "image")),
    ],
    "GPEN 06 Restore faces step by step": [
        photo(),
        node("detector", "GPEN_LoadDetector", (0, 390), (300, 60), values={"detector_name": "auto"}),
        note(0, 530),
        node(
            "detect", "GPEN_DetectFaces", (380, 160), (300, 240),
            inputs={"image": ("photo", "image"), "detector": ("detector", "detector")},
        ),
        model(380, 530),
        node(
            "restore", "GPEN_RestoreFaces", (760, 100), (300, 125),
            inputs={"image": ("photo", "image"), "faces": ("detect", "faces"), "model": ("model", "model")},
        ),
        node("found", "PreviewImage", (760, 520), (300, 330), title="Faces found", inputs={"images": ("detect", "preview")}),
        node(
            "blend", "GPEN_BlendFaces", (1140, 0), (300, 250),
            inputs={"image": ("photo", "image"), "restored_faces": ("restore", "restored faces")},
        ),
        node("crops", "PreviewImage", (1140, 520), (300, 330), title="Faces restored", inputs={"images": ("restore", "crops")}),
        save(1520, 0, source=("blend", "image")),
    ],
    "GPEN 03 Restore chosen faces": [
        photo("contact sheet"),
        model(0, 390),
        note(0, 560),
        note(380, 310, text=CHOOSE_NOTE, height=220, title="How to choose"),
        node("detect", "GPEN_DetectFaces", (380, 0), (300, 240), inputs={"image": ("photo", "image")}),
        node(
            "select", "GPEN_SelectFaces", (760, 0), (420, 860),
            inputs={"image": ("photo", "image"), "faces": ("detect", "faces")},
        ),
        node(
            "restore", "GPEN_RestoreImage", (1260, 0), (330, 450),
            inputs={"image": ("photo", "image"), "model": ("model", "model"), "faces": ("select", "faces")},
        ),
        save(1670, 0, source=("restore", "image")),
    ],
    "GPEN 02 Restore faces and compare": [
        photo(),
        model(0, 390),
        note(0, 560),
        node(
            "restore", "GPEN_RestoreImage", (380, 0), (330, 450),
            inputs={"image": ("photo", "image"), "model": ("model", "model")},
        ),
        node(
            "compare", "GPEN_CompareFaces", (790, 0), (480, 540),
            inputs={
                "original": ("photo", "image"), "restored": ("restore", "image"), "faces": ("restore", "face facts"),
            },
        ),
        note(790, 600, text=COMPARE_NOTE, height=130, title="How to compare"),
    ],
    "GPEN 04 Restore bad faces and keep good ones": [
        photo("contact sheet"),
        model(0, 390),
        note(0, 560),
        node(
            "restore", "GPEN_RestoreImage", (380, 0), (330, 500), values={"protect": "auto"},
            inputs={"image": ("photo", "image"), "model": ("model", "model")},
        ),
        note(380, 770, text=PROTECT_NOTE, height=170, title="What is protected"),
        node(
            "compare", "GPEN_CompareFaces", (790, 0), (480, 540),
            inputs={
                "original": ("photo", "image"), "restored": ("restore", "image"), "faces": ("restore", "face facts"),
            },
        ),
        node("kept", "MaskToImage", (790, 620), (300, 60), inputs={"mask": ("restore", "protected")}),
        node("mask", "PreviewImage", (1350, 0), (400, 440), title="Protected", inputs={"images": ("kept", "IMAGE")}),
        save(1350, 520, source=("restore", "image")),
    ],
    "GPEN 05 Restore parts of a face": [
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
            inputs={"image": ("photo", "image"), "model": ("model", "model"), "regions": ("regions", "regions")},
        ),
        node(
            "compare", "GPEN_CompareFaces", (1200, 0), (480, 540),
            inputs={
                "original": ("photo", "image"), "restored": ("restore", "image"), "faces": ("restore", "face facts"),
            },
        ),
    ],
    "GPEN 07 Colorize faces": [
        photo("gray portrait"),
        model(0, 390, name="GPEN-Colorization-1024.pth"),
        note(0, 560, text=COLOR_NOTE, height=200),
        node(
            "color", "GPEN_Colorize", (380, 0), (330, 260),
            inputs={"image": ("photo", "image"), "model": ("model", "model")},
        ),
        compare(790, 0, source="color"),
        save(1350, 0, source=("color", "image"), prefix="colorized"),
    ],
    "GPEN 08 Inpaint scratched faces": [
        photo("scratched portrait"),
        model(0, 390, name="GPEN-Inpainting-1024.pth"),
        note(0, 560, text=FILL_NOTE, height=200),
        node(
            "fill", "GPEN_InpaintFaces", (380, 0), (330, 240),
            inputs={"image": ("photo", "image"), "mask": ("photo", "mask"), "model": ("model", "model")},
        ),
        node("drawn", "MaskToImage", (380, 500), (300, 60), inputs={"mask": ("photo", "mask")}),
        compare(790, 0, source="fill"),
        node("mask", "PreviewImage", (790, 620), (480, 440), title="Mask", inputs={"images": ("drawn", "IMAGE")}),
        save(1350, 0, source=("fill", "image"), prefix="filled"),
    ],
    "GPEN 09 Paint faces as label maps": [
        photo("label map"),
        model(0, 390, name="GPEN-Seg2face-512.pth"),
        note(0, 560, text=MAP_NOTE, height=200),
        node(
            "face", "GPEN_FacesFromLabelMaps", (380, 0), (300, 90),
            inputs={"label_maps": ("photo", "image"), "model": ("model", "model")},
        ),
        save(760, 0, source=("face", "image"), prefix="face"),
    ],
    "GPEN 10 Restore faces in an upscaled image": [
        photo(),
        model(0, 390),
        note(0, 560),
        node(
            "large", "ImageScaleBy", (380, 0), (330, 90), values={"upscale_method": "lanczos", "scale_by": 2.0},
            inputs={"image": ("photo", "image")},
        ),
        note(380, 150, text=UPSCALED_NOTE, height=170, title="The background"),
        node(
            "restore", "GPEN_RestoreImage", (790, 0), (330, 450),
            inputs={"image": ("photo", "image"), "model": ("model", "model"), "background": ("large", "IMAGE")},
        ),
        save(1200, 0, source=("restore", "image")),
    ],
    "GPEN 11 Restore faces in an old film": [
        clip("old film", 330),
        model(0, 390),
        note(0, 560, text=VIDEO_NOTE),
        node(
            "restore", "GPEN_RestoreVideo", (380, 0), (330, 450),
            inputs={"video": ("clip", "video"), "model": ("model", "model")},
        ),
        note(380, 700, text=FILM_NOTE, height=170, title="Whole films"),
        save_video(790, 0, source=("restore", "video"), height=450),
    ],
    "GPEN 13 Restore faces and protect what covers them": [
        photo("covered portrait"),
        model(0, 390),
        note(0, 560),
        node(
            "regions", "GPEN_FaceRegions", (380, 0), (330, 470), values={"mask_mode": "subtract"},
            inputs={"mask": ("photo", "mask")},
        ),
        note(380, 660, text=COVER_NOTE, height=220, title="What covers a face"),
        node(
            "restore", "GPEN_RestoreImage", (790, 0), (330, 500),
            inputs={"image": ("photo", "image"), "model": ("model", "model"), "regions": ("regions", "regions")},
        ),
        compare(1200, 0, source="restore"),
        node("changed", "MaskToImage", (1200, 620), (300, 60), inputs={"mask": ("restore", "mask")}),
        node("mask", "PreviewImage", (1760, 0), (400, 440), title="Changed", inputs={"images": ("changed", "IMAGE")}),
        save(1760, 520, source=("restore", "image")),
    ],
    "GPEN 12 Restore faces in a phone clip": [
        clip("phone clip", 560),
        model(0, 620),
        note(0, 790, text=VIDEO_NOTE),
        node("parts", "GetVideoComponents", (380, 0), (300, 110), inputs={"video": ("clip", "video")}),
        node("detect", "GPEN_DetectFaces", (380, 170), (300, 240), inputs={"image": ("parts", "images")}),
        note(380, 680, text=STEPS_NOTE, height=220, title="Step by step"),
        node(
            "track", "GPEN_TrackFaces", (760, 0), (300, 150),
            inputs={"image": ("parts", "images"), "faces": ("detect", "faces")},
        ),
        node(
            "first", "ImageFromBatch", (760, 400), (300, 90), values={"batch_index": 0, "length": 1},
            inputs={"image": ("track", "preview")},
        ),
        node("tracks", "PreviewImage", (760, 550), (300, 500), title="Tracks", inputs={"images": ("first", "IMAGE")}),
        node(
            "restore", "GPEN_RestoreImage", (1140, 0), (330, 450),
            inputs={"image": ("parts", "images"), "model": ("model", "model"), "faces": ("track", "faces")},
        ),
        node(
            "create", "CreateVideo", (1140, 730), (330, 110),
            inputs={"images": ("restore", "image"), "audio": ("parts", "audio"), "fps": ("parts", "fps")},
        ),
        save_video(1550, 0, source=("create", "VIDEO"), height=760),
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
