"""Models in real ComfyUI: where they are found, which are named, what is said of bad ones, and whose memory they take."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from host_harness.graphs import node, probing, saving, staged
from host_harness.host_process import HostProcess
from host_harness.results import read, seen

from gpen_core import load_checkpoint


def test_weights_live_in_the_hosts_memory_manager(ready: HostProcess):
    result = ready.run(probing(staged("astronaut.png"), model=("2", 0), detector=("3", 0), picture=("6", 0)))
    assert "patcher" in seen(result, "model")["attributes"] and "patcher" in seen(result, "detector")["attributes"]
    loaded = {model["model"]: model for model in ready.loaded_models()}
    assert "Gpen" in loaded and loaded["Gpen"]["patcher"] == "ModelPatcher" and len(loaded) == 2
    assert all(model["on_load_device"] for model in loaded.values())
    assert seen(result, "picture")["dtype"] == "torch.float32" and seen(result, "picture")["device"] == "cpu"
    ready.reset()
    assert ready.loaded_models() == []


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
    own = ["bundled", "bundled-perceptual"]
    assert listed[:5] == ["GPEN-BFR-256.pth", *own, "tiny.pth", "GPEN-BFR-512.pth (not installed)"]
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
    assert "GPEN-BFR-512.pth" in told and "The published file is at https://" in told
    assert told.lower().count("download it again") == 1


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
