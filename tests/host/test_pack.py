"""The pack in real ComfyUI: what it brings, what its nodes say of themselves, and what comes over HTTP."""

import json
from pathlib import Path

import pytest
from host_harness.graphs import SETTINGS, saving, staged, whole
from host_harness.host_process import HostProcess, PackReport
from host_harness.http_server import HttpServer
from PIL import Image

MOST_AT_START = 31  # modules of the core, of which each takes up to a millisecond of every start of ComfyUI
NODES = [
    "GPEN_AlignedFaces",
    "GPEN_BlendFaces",
    "GPEN_Colorize",
    "GPEN_CompareFaces",
    "GPEN_CropFaces",
    "GPEN_DetectFaces",
    "GPEN_ExampleImage",
    "GPEN_ExampleVideo",
    "GPEN_FaceRegions",
    "GPEN_FacesFromBoxes",
    "GPEN_FacesFromLabelMaps",
    "GPEN_FacesFromLandmarks",
    "GPEN_FacesToBoxes",
    "GPEN_InpaintFaces",
    "GPEN_LabelMap",
    "GPEN_LoadDetector",
    "GPEN_LoadModel",
    "GPEN_LoadParser",
    "GPEN_RestoreFaces",
    "GPEN_RestoreImage",
    "GPEN_RestoreVideo",
    "GPEN_SampleFaces",
    "GPEN_SelectFaces",
    "GPEN_TrackFaces",
]

# --- what the host sees


def test_the_pack_loads_with_all_its_nodes(pack_report: PackReport):
    assert pack_report.loaded and sorted(pack_report.node_ids) == NODES and pack_report.warnings == []


def test_importing_the_pack_brings_in_nothing_heavy(pack_report: PackReport):
    heavy = {"facexlib", "kornia", "mtcnn", "joblib", "torchvision", "cv2", "tifffile", "skimage", "numba", "scipy"}
    assert sorted({name for name in pack_report.new_modules if name.split(".")[0] in heavy}) == []


def test_importing_the_pack_builds_on_no_network_and_brings_in_nothing_but_itself(pack_report: PackReport):
    """ComfyUI's start waits for it: networks and pipeline are imported when a node first runs."""
    own = {name.partition("gpen_pack.")[2] for name in pack_report.new_modules if "gpen_pack" in name}
    assert "nodes.restore_image" in own
    assert own & {"gpen_core.model", "gpen_core.checkpoints.load", "gpen_core.pipeline.run"} == set()
    assert len([name for name in own if name.startswith("gpen_core")]) <= MOST_AT_START
    hosts = ("comfy_config", "dotenv", "pydantic")  # ComfyUI reads the first pack's pyproject.toml with them
    others = {name for name in pack_report.new_modules if "gpen_pack" not in name}
    assert sorted(name for name in others if not name.startswith(hosts)) == []


@pytest.mark.parametrize("node_id", NODES)
def test_every_node_explains_itself(pack_host: HostProcess, repo_root: Path, node_id: str):
    info = pack_host.object_info(node_id)
    assert info["category"].startswith("face restoration/GPEN") and len(info["description"]) > 40
    assert info["search_aliases"] and "gpen" in info["search_aliases"]
    widgets = {**info["input"]["required"], **info["input"].get("optional", {})}
    silent = [
        name for name, (kind, *rest) in widgets.items() if not (rest and rest[0].get("tooltip")) and not _wire(kind)
    ]
    assert silent == []
    page = repo_root / "web" / "docs" / node_id / "en.md"
    assert page.read_text().startswith("# ")


def _wire(kind: object) -> bool:
    return isinstance(kind, str) and (kind.startswith("GPEN_") or kind in ("IMAGE", "VIDEO", "FACE_LANDMARKS", "SEGS"))


def test_input_names_and_their_order_are_promises(pack_host: HostProcess):
    """widgets_values in saved workflows is positional: a change here breaks every workflow in the world."""
    found = {
        node_id: [
            name
            for group in ("required", "optional")
            for name in pack_host.object_info(node_id)["input"].get(group, {})
        ]
        for node_id in NODES
    }
    blend, detect, restore, sample = (list(SETTINGS[name]) for name in ("blend", "detect", "restore", "sample"))
    texture = ["grain", "grain_seed", "whole_crop"]
    whole = [*blend[:2], "protect", *blend[2:], *restore]  # what a first-time user needs comes first
    assert found == {
        "GPEN_LoadModel": ["model_name", "precision", "task"],
        "GPEN_LoadDetector": ["detector_name"],
        "GPEN_LoadParser": ["parser_name"],
        "GPEN_DetectFaces": ["image", *detect, "detector"],
        "GPEN_RestoreFaces": ["image", "faces", "model", *restore, "protect", "min_similarity"],
        "GPEN_BlendFaces": ["image", "restored_faces", *blend, "crops", "parser", "regions", "background", *texture],
        "GPEN_RestoreImage": [
            "image",
            "model",
            *whole,
            "faces",
            "detector",
            "parser",
            "regions",
            "background",
            *texture,
            "video",
            "min_similarity",
        ],
        "GPEN_ExampleImage": ["picture"],
        "GPEN_ExampleVideo": ["clip"],
        "GPEN_RestoreVideo": [
            *("video", "model", *whole, *SETTINGS["video"], "detector", "parser", "regions", "min_similarity")
        ],
        "GPEN_TrackFaces": ["image", "faces", *SETTINGS["track"]],
        "GPEN_FaceRegions": [*SETTINGS["regions"], "mask", "face_landmarks"],
        "GPEN_AlignedFaces": ["image", "template"],
        "GPEN_CompareFaces": ["original", "restored", "faces"],
        "GPEN_CropFaces": ["image", "faces", "size", "template"],
        "GPEN_FacesFromBoxes": ["image", "text", "threshold", "detector", "boxes", "segs"],
        "GPEN_FacesFromLandmarks": ["image", "face_landmarks"],
        "GPEN_FacesToBoxes": ["image", "faces", "image_index", "crop_factor"],
        "GPEN_Colorize": ["image", "model", "area", "strength", "softness", "faces", "detector", "parser"],
        "GPEN_InpaintFaces": ["image", "mask", "model", "area", "strength", "faces", "detector"],
        "GPEN_FacesFromLabelMaps": ["label_maps", "model"],
        "GPEN_LabelMap": ["image", "parser", "faces", "detector"],
        "GPEN_SampleFaces": ["model", *sample, "image", "faces"],
        "GPEN_SelectFaces": ["image", "faces", *SETTINGS["select"], "mask", "reference", "reference_similarity"],
    }


# --- over HTTP


def test_over_http_from_upload_to_png(server: HttpServer, checkpoint: Path, portrait: Path):
    server.base.place_model(checkpoint)
    image = server.upload_image(portrait)
    done = server.run(saving(staged(image, scale=2.0)))
    assert done["status"]["status_str"] == "success"
    png = server.view(done["outputs"]["9"]["images"][0])
    path = server.base.output / "check.png"
    path.write_bytes(png)
    with Image.open(path) as picture:
        assert picture.size == (1024, 1024)
        shared = json.loads(picture.text["prompt"])  # the workflow as a user shares it: inside the picture
    again = server.run(shared)
    assert again["status"]["status_str"] == "success"


def test_help_pages_are_served(server: HttpServer):
    for node_id in NODES:
        assert server.get(f"/extensions/gpen_pack/docs/{node_id}/en.md").startswith(b"# ")


def test_an_error_reaches_the_user_over_http(server: HttpServer):
    image = next(server.base.input.glob("*.png")).name
    done = server.run(saving(whole(image, model="GPEN-BFR-1024.pth")))
    assert done["status"]["status_str"] == "error" and "non-commercial" in json.dumps(done["status"])
