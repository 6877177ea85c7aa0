"""Our nodes in real ComfyUI: what a user wires, sees and is told."""

import ast
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from host_harness.graphs import SETTINGS, node, probing, saving, staged, whole
from host_harness.host_process import HostProcess, PackReport, RunResult
from host_harness.http_server import HttpServer
from PIL import Image

from gpen_core import Gpen, GpenConfig, load_checkpoint
from gpen_core.faces.detectors import load_detector
from gpen_core.pipeline import BlendOptions, ProtectOptions, Settings, restore_image

MOST_AT_START = 33  # modules of the core, of which each takes up to a millisecond of every start of ComfyUI
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


@pytest.fixture
def ready(pack_host: HostProcess, place_model: Callable[..., Path], checkpoint: Path, portrait: Path) -> HostProcess:
    """The host with our pack, the small model and the portrait."""
    place_model(checkpoint)
    pack_host.base.place_input(portrait)
    return pack_host


def read(host: HostProcess, result: RunResult, name: str) -> np.ndarray:
    assert result.status == "success", "\n".join(
        [*(result.error or {}).get("traceback", []), str(result.node_errors), *result.warnings]
    )
    return np.load(host.base.output / result.outputs[f"probe_{name}"]["probe"][0]["filename"])


def seen(result: RunResult, name: str) -> dict:
    assert result.status == "success", "\n".join(
        [*(result.error or {}).get("traceback", []), str(result.node_errors), *result.warnings]
    )
    return result.outputs[f"probe_{name}"]["probe"][0]


def frames_of(*paths: Path) -> torch.Tensor:
    pictures = [np.asarray(Image.open(path).convert("RGB"), dtype=np.float32) / 255 for path in paths]
    return torch.from_numpy(np.stack(pictures)).movedim(-1, 1)


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
        "GPEN_RestoreFaces": ["image", "faces", "model", *restore, "protect"],
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
        ],
        "GPEN_ExampleImage": ["picture"],
        "GPEN_ExampleVideo": ["clip"],
        "GPEN_RestoreVideo": ["video", "model", *whole, *SETTINGS["video"], "detector", "parser", "regions"],
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


# --- what a user runs


def test_the_graph_of_nodes_gives_what_the_core_gives(ready: HostProcess, checkpoint: Path, portrait: Path):
    result = ready.run(probing(staged("astronaut.png", scale=2.0), picture=("6", 0), mask=("6", 1)))
    settings = Settings(blend=BlendOptions(scale=2.0), protect=ProtectOptions("off"))
    expected = restore_image(frames_of(portrait), load_checkpoint(checkpoint), load_detector("mtcnn"), settings)
    np.testing.assert_allclose(read(ready, result, "picture"), expected.frames.movedim(1, -1).numpy(), atol=2e-3)
    np.testing.assert_allclose(read(ready, result, "mask"), expected.mask[:, 0].numpy(), atol=2e-3)
    assert expected.frames.shape[-1] == 1024 and len(expected.faces) == 1


def test_detection_emits_what_other_packs_know(ready: HostProcess):
    places = {"boxes": ("4", 1), "mask": ("4", 2), "preview": ("4", 3), "count": ("4", 4)}
    result = ready.run(probing(staged("astronaut.png"), crops=("5", 1), **places))
    boxes = ast.literal_eval(seen(result, "boxes")["repr"])
    assert len(boxes) == 1 and len(boxes[0]) == 1
    assert set(boxes[0][0]) == {"x", "y", "width", "height", "label", "score"}
    assert seen(result, "count")["repr"] == "1"
    mask, preview = read(ready, result, "mask"), read(ready, result, "preview")
    assert mask.shape == (1, 512, 512) and preview.shape == (1, 512, 512, 3)
    box = boxes[0][0]
    assert mask.sum() == pytest.approx(box["width"] * box["height"], rel=0.1)
    assert read(ready, result, "crops").shape == (1, 64, 64, 3)


def test_the_second_run_is_cached_and_another_detector_is_not(
    ready: HostProcess, place_model: Callable[..., Path], shared_weights: Path
):
    place_model(shared_weights / "detection_mobilenet0.25_Final.pth", "facedetection")
    first, again = ready.run(saving(staged("astronaut.png"))), ready.run(saving(staged("astronaut.png")))
    other = ready.run(saving(staged("astronaut.png", detector="retinaface_mobile0.25")))
    back = ready.run(saving(staged("astronaut.png", detector="auto")))
    assert first.status == again.status == other.status == back.status == "success"
    assert again.executed == []
    assert other.executed == ["3", "4", "5", "6", "9"] and "3" in back.executed


def test_a_replaced_checkpoint_is_loaded_anew(ready: HostProcess, checkpoint: Path, place_model: Callable[..., Path]):
    assert ready.run(saving(staged("astronaut.png"))).status == "success"
    torch.manual_seed(1)
    config = GpenConfig.published(32, narrow=1 / 32, style_dim=32, mapping_layers=2)
    other = checkpoint.with_name("other.pth")
    torch.save(Gpen(config).state_dict(), other)
    place_model(other, name="tiny.pth")
    result = ready.run(probing(staged("astronaut.png"), crops=("5", 1)))
    assert "2" in result.executed and read(ready, result, "crops").shape == (1, 32, 32, 3)


@pytest.mark.parametrize("protect", ["auto", "off"])
def test_the_all_in_one_node_gives_what_the_graph_gives_and_needs_no_detector(ready: HostProcess, protect: str):
    graph = ready.run(probing(staged("astronaut.png", protect=protect, scale=1.5), picture=("6", 0)))
    expected = read(ready, graph, "picture")
    alone = whole("astronaut.png", detector=None, scale=1.5, protect=protect)
    single = ready.run(probing(alone, picture=("6", 0), count=("6", 3)))
    np.testing.assert_allclose(read(ready, single, "picture"), expected, atol=1e-5)
    assert seen(single, "count")["repr"] == "1"


def test_a_batch_of_frames_keeps_its_order(ready: HostProcess, portrait: Path):
    picture = frames_of(portrait)[0].movedim(0, -1).numpy()
    batch = np.stack([np.zeros_like(picture), picture, picture[:, ::-1]])
    np.save(ready.base.input / "batch.npy", batch)
    result = ready.run(probing(staged("batch.npy"), picture=("6", 0), mask=("6", 1), count=("4", 4)))
    found, mask = read(ready, result, "picture"), read(ready, result, "mask")
    assert seen(result, "count")["repr"] == "2" and found.shape == batch.shape
    np.testing.assert_array_equal(found[0], batch[0])
    assert mask[0].max() == 0 and mask[1].max() == 1 and mask[2].max() == 1
    np.testing.assert_array_equal(found[mask == 0], batch[mask == 0])


def test_a_picture_without_a_face_comes_back_as_it_was(ready: HostProcess):
    picture = np.random.default_rng(0).random((1, 96, 80, 3), dtype=np.float32) * 0.1
    np.save(ready.base.input / "noise.npy", picture)
    result = ready.run(probing(staged("noise.npy"), picture=("6", 0), count=("4", 4), crops=("5", 1)))
    np.testing.assert_array_equal(read(ready, result, "picture"), picture)
    assert seen(result, "count")["repr"] == "0"
    assert "probe_crops" not in result.outputs  # there are no crops: what hangs on them doesn't run


def test_alpha_travels_along(ready: HostProcess, portrait: Path):
    picture = frames_of(portrait)[0].movedim(0, -1).numpy()
    rgba = np.concatenate((picture, picture[..., :1]), axis=-1)[None]
    np.save(ready.base.input / "rgba.npy", rgba)
    result = ready.run(probing(whole("rgba.npy"), picture=("6", 0)))
    found = read(ready, result, "picture")
    np.testing.assert_array_equal(found[..., 3], rgba[..., 3])
    assert not np.array_equal(found[..., :3], rgba[..., :3])


def test_an_upscaled_background_takes_the_faces(ready: HostProcess):
    prompt = staged("astronaut.png")
    prompt["7"] = node("ImageScale", image=["1", 0], upscale_method="lanczos", width=1024, height=1024, crop="disabled")
    prompt["6"]["inputs"]["background"] = ["7", 0]
    result = ready.run(probing(prompt, picture=("6", 0), background=("7", 0), mask=("6", 1)))
    found, background, mask = (read(ready, result, name) for name in ("picture", "background", "mask"))
    assert found.shape == (1, 1024, 1024, 3) and mask.max() == 1
    np.testing.assert_array_equal(found[mask == 0], background[mask == 0])


def test_a_parser_shapes_the_blend(ready: HostProcess, place_model: Callable[..., Path], tmp_path: Path):
    from facexlib.parsing.parsenet import ParseNet

    torch.manual_seed(0)
    torch.save(ParseNet(512, 512, parsing_ch=19).state_dict(), tmp_path / "parsing_parsenet.pth")
    place_model(tmp_path / "parsing_parsenet.pth", "facedetection")
    prompt = staged("astronaut.png")
    prompt["8"] = node("GPEN_LoadParser", parser_name="parsing_parsenet.pth")
    prompt["6"]["inputs"]["parser"] = ["8", 0]
    result = ready.run(probing(prompt, mask=("6", 1)))
    assert {model["model"] for model in ready.loaded_models()} >= {"ParseNet", "Gpen"}
    oval = ready.run(probing(staged("astronaut.png"), oval=("6", 1)))
    assert not np.array_equal(read(ready, result, "mask"), read(ready, oval, "oval"))


def test_progress_is_counted_and_previewed(ready: HostProcess):
    result = ready.run(saving(staged("astronaut.png")))
    full = {step["node"] for step in result.progress if step["value"] == step["max"]}
    assert full >= {"4", "5", "6"}
    assert result.previews and result.previews[0]["format"] == "JPEG"
    assert result.previews[0]["size"] == [64, 64] and result.previews[0]["max_size"] is None  # as the model makes it


def test_the_whole_job_has_one_bar_that_is_full_when_it_is_done(ready: HostProcess, portrait: Path):
    picture = frames_of(portrait)[0].movedim(0, -1).numpy()
    np.save(ready.base.input / "two.npy", np.stack([picture] * 2))
    steps = [step for step in ready.run(saving(whole("two.npy"))).progress if step["node"] == "6"]
    values = [step["value"] / step["max"] for step in steps]
    assert values == sorted(values) and values[-1] == 1 and max(values[:-1]) < 1
    assert {step["max"] for step in steps} == {steps[0]["max"]} and len(values) >= 5  # detection, faces, frames


def test_a_cancelled_run_stops_and_the_next_one_works(ready: HostProcess, portrait: Path):
    picture = frames_of(portrait)[0].movedim(0, -1).numpy()
    np.save(ready.base.input / "three.npy", np.stack([picture] * 3))
    result = ready.run_and_cancel(saving(staged("three.npy")), after=2)
    assert result.status == "interrupted" and "9" not in result.executed
    assert ready.run(saving(staged("three.npy"))).status == "success"


def test_weights_live_in_the_hosts_memory_manager(ready: HostProcess):
    result = ready.run(probing(staged("astronaut.png"), model=("2", 0), detector=("3", 0), picture=("6", 0)))
    assert "patcher" in seen(result, "model")["attributes"] and "patcher" in seen(result, "detector")["attributes"]
    loaded = {model["model"]: model for model in ready.loaded_models()}
    assert "Gpen" in loaded and loaded["Gpen"]["patcher"] == "ModelPatcher" and len(loaded) == 2
    assert all(model["on_load_device"] for model in loaded.values())
    assert seen(result, "picture")["dtype"] == "torch.float32" and seen(result, "picture")["device"] == "cpu"
    ready.reset()
    assert ready.loaded_models() == []


# --- what a user is told


def test_a_missing_model_is_named_with_folder_address_and_license(ready: HostProcess):
    result = ready.run(saving(staged("astronaut.png", model="GPEN-BFR-2048.pth")))
    assert result.status == "error" and result.error["node_id"] == "2" and "9" not in result.executed
    assert result.error["exception_type"] == "gpen_core.errors.MissingWeightsError"  # not the path the pack lies at
    told = result.error["exception_message"]
    for part in (
        "GPEN-BFR-2048.pth",
        "facerestore_models",
        "https://",
        "non-commercial",
        "download GPEN-BFR-2048 -o",
        "choose 'bundled'",
    ):
        assert part in told


def test_a_model_in_a_sub_folder_or_spelt_otherwise_is_found(
    ready: HostProcess, place_model: Callable[..., Path], checkpoint: Path
):
    place_model(checkpoint, "facerestore_models/portraits", "gpen-bfr-1024.PT")
    assert ready.run(saving(staged("astronaut.png", model="GPEN-BFR-1024.pth"))).status == "success"


def test_an_unknown_name_from_another_machine_is_named(ready: HostProcess):
    result = ready.run(saving(staged("astronaut.png", model="my_finetune.pth")))
    assert result.error["node_id"] == "2" and "my_finetune.pth is not installed" in result.error["exception_message"]


@pytest.fixture
def onnx_file(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small model as the ONNX file that other packs keep in the same folder."""
    pytest.importorskip("onnx", reason="writing ONNX files needs onnx: pip install onnx")
    from gpen_core.export import export_onnx

    return export_onnx(load_checkpoint(checkpoint), tmp_path / "GPEN-BFR-512.onnx")


@pytest.mark.parametrize("asked", ["GPEN-BFR-512.onnx", "GPEN-BFR-512.pth", "gpen-bfr-512.safetensors"])
def test_a_folder_with_nothing_but_an_onnx_file_is_a_folder_with_that_model(
    pack_host: HostProcess,
    place_model: Callable[..., Path],
    checkpoint: Path,
    onnx_file: Path,
    portrait: Path,
    asked: str,
):
    place_model(onnx_file)
    pack_host.base.place_input(portrait)
    options = pack_host.object_info("GPEN_LoadModel")["input"]["required"]["model_name"]
    names = options[0] if isinstance(options[0], list) else options[1]["options"]
    assert names[0] == "GPEN-BFR-512.onnx" and "GPEN-BFR-512.pth (not installed)" not in names
    by_graph = read(pack_host, pack_host.run(probing(staged("astronaut.png", model=asked), image=("6", 0))), "image")
    place_model(checkpoint)
    by_weights = read(pack_host, pack_host.run(probing(staged("astronaut.png"), image=("6", 0))), "image")
    np.testing.assert_allclose(by_graph, by_weights, atol=1e-4)


def test_a_damaged_onnx_file_is_called_by_its_name(
    ready: HostProcess, place_model: Callable[..., Path], tmp_path: Path
):
    (tmp_path / "GPEN-BFR-2048.onnx").write_bytes(b"\x08\x06\x12\x07pytorch")
    place_model(tmp_path / "GPEN-BFR-2048.onnx")
    result = ready.run(saving(staged("astronaut.png", model="GPEN-BFR-2048.pth")))
    assert "GPEN-BFR-2048.onnx: the file is damaged" in result.error["exception_message"]


def test_a_missing_detector_and_parser_are_named(ready: HostProcess):
    result = ready.run(saving(staged("astronaut.png", detector="retinaface_resnet50")))
    assert result.error["node_id"] == "3" and "detection_Resnet50_Final.pth" in result.error["exception_message"]
    prompt = saving(staged("astronaut.png"))
    prompt["8"] = node("GPEN_LoadParser", parser_name="parsing_parsenet.pth")
    prompt["6"]["inputs"]["parser"] = ["8", 0]
    result = ready.run(prompt)
    assert result.error["node_id"] == "8" and "parsing_parsenet.pth" in result.error["exception_message"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"quantize.embedding.weight": torch.zeros(1)}, "CodeFormer"),
        ({"final_conv.0.weight": torch.zeros(1), "final_linear.0.weight": torch.zeros(1)}, "discriminator"),
        (None, "empty"),
    ],
)
def test_a_bad_checkpoints_reason_reaches_the_user(
    ready: HostProcess, place_model: Callable[..., Path], tmp_path: Path, content: object, message: str
):
    bad = tmp_path / "bad.pth"
    bad.touch() if content is None else torch.save(content, bad)
    place_model(bad)
    result = ready.run(saving(staged("astronaut.png", model="bad.pth")))
    assert result.status == "error" and result.error is not None and result.error["node_id"] == "2"
    assert message in result.error["exception_message"] and "bad.pth" in result.error["exception_message"]


def test_model_lists_show_present_files_then_published_ones(
    ready: HostProcess, place_model: Callable[..., Path], tmp_path: Path
):
    for name in ("notes.txt", "codeformer.pth", "GPEN-BFR-256.pth"):
        (tmp_path / name).write_bytes(b"x")
        place_model(tmp_path / name)
    options = ready.object_info("GPEN_LoadModel")["input"]["required"]["model_name"]
    listed = options[0] if isinstance(options[0], list) else options[1]["options"]
    assert listed[:4] == ["GPEN-BFR-256.pth", "bundled", "tiny.pth", "GPEN-BFR-512.pth (not installed)"]
    assert listed[-1] == "codeformer.pth (not a GPEN model)" and "GPEN-BFR-2048.pth (not installed)" in listed
    assert not any("notes.txt" in name for name in listed) and sum("GPEN-BFR-256.pth" in name for name in listed) == 1


def test_an_entry_that_says_more_than_a_name_means_the_file(
    ready: HostProcess, place_model: Callable[..., Path], checkpoint: Path
):
    listed = "GPEN-BFR-1024.pth (not installed)"
    result = ready.run(saving(staged("astronaut.png", model=listed)))
    assert result.error["exception_message"].startswith("GPEN-BFR-1024.pth is not installed")
    place_model(checkpoint, name="GPEN-BFR-1024.pth")  # since the workflow was saved
    assert ready.run(saving(staged("astronaut.png", model=listed))).status == "success"


def test_a_damaged_published_file_is_named_with_its_address(
    ready: HostProcess, place_model: Callable[..., Path], checkpoint: Path, tmp_path: Path
):
    half = tmp_path / "GPEN-BFR-512.pth"
    half.write_bytes(checkpoint.read_bytes()[:5000])
    place_model(half)
    told = ready.run(saving(staged("astronaut.png", model="GPEN-BFR-512.pth"))).error["exception_message"]
    assert "GPEN-BFR-512.pth" in told and "download it again: https://" in told


# --- neighbors


def test_paths_that_users_and_other_packs_set_are_kept(
    start_host: Callable[..., HostProcess], tmp_path: Path, repo_root: Path, checkpoint: Path, portrait: Path
):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine.pth").write_bytes(checkpoint.read_bytes())
    config = tmp_path / "extra.yaml"
    config.write_text(f"mine:\n  base_path: {tmp_path}\n  facerestore_models: elsewhere\n")
    host = start_host("--cpu", "--extra-model-paths-config", str(config))
    before = host.folder("facerestore_models")
    assert host.load_pack(host.base.link_pack(repo_root, "gpen_pack")).loaded
    after = host.folder("facerestore_models")
    assert after["paths"][: len(before["paths"])] == before["paths"] and len(after["paths"]) == len(before["paths"]) + 1
    assert after["extensions"] == before["extensions"]
    host.base.place_input(portrait)
    assert host.run(saving(staged("astronaut.png", model="mine.pth"))).status == "success"


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
