"""The graphs of the example workflows and of the README's picture, as ``ComfyPage.build`` takes them."""

from typing import Any

from browser_harness.comfy_page import node
from browser_harness.example_notes import (
    CHOOSE_NOTE,
    COLOR_NOTE,
    COMPARE_NOTE,
    COVER_NOTE,
    FILL_NOTE,
    FILM_NOTE,
    MAP_NOTE,
    NOTE,
    PROTECT_NOTE,
    REGIONS_NOTE,
    STEPS_NOTE,
    UPSCALED_NOTE,
    VIDEO_NOTE,
)

PICTURE = "portraits.png"  # of the README: nine faces


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
