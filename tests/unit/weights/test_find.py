"""Files of weights are found where they are, however a person or another machine writes their names."""

import os
import threading
from pathlib import Path

import pytest
from unit_harness.privileges import permissions_count

from gpen_core import load_checkpoint, load_parser
from gpen_core.cli import main
from gpen_core.errors import CheckpointError, MissingWeightsError
from gpen_core.faces.detectors.load import detector_file
from gpen_core.faces.detectors.retinaface import load_retinaface
from gpen_core.faces.parsing import load_parser as load_parser_file
from gpen_core.jobs.options import ToolOptions
from gpen_core.jobs.tools import upscaler_file
from gpen_core.pipeline.upscaling import load_upscaler
from gpen_core.weights.catalog import entry_named
from gpen_core.weights.find import find_file, find_named, find_within, missing_message, resolve_model


@pytest.fixture
def folder(tmp_path):
    for name in (
        "GPEN-BFR-512.pth",
        "mine/Selfies.ckpt",
        "detection_Resnet50_Final.pth",
        "parsing_parsenet.safetensors",
        "niqe.NPZ",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


NAMES = {
    "GPEN-BFR-512.pth": "GPEN-BFR-512.pth",
    "GPEN-BFR-512": "GPEN-BFR-512.pth",
    "gpen-bfr-512.PTH": "GPEN-BFR-512.pth",
    "gpen_bfr_512.safetensors": "GPEN-BFR-512.pth",
    "GPEN-BFR-512.ckpt": "GPEN-BFR-512.pth",
    "GPEN-BFR-512.onnx": "GPEN-BFR-512.pth",
    "models\\gpen_bfr_512.ONNX": "GPEN-BFR-512.pth",
    "gpen\\GPEN-BFR-512.pth": "GPEN-BFR-512.pth",
    "faces/gpen-bfr-512.pt": "GPEN-BFR-512.pth",
    "C:\\ComfyUI\\models\\facerestore_models\\GPEN-BFR-512.pth": "GPEN-BFR-512.pth",
    " GPEN-BFR-512.pth\n": "GPEN-BFR-512.pth",
    "mine\\Selfies.ckpt": "mine/Selfies.ckpt",
    "MINE/selfies.ckpt": "mine/Selfies.ckpt",
    "selfies": "mine/Selfies.ckpt",
    "other\\selfies.ckpt": "mine/Selfies.ckpt",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_found_by_any_of_its_names(folder, name):
    assert resolve_model(name, [folder / "absent", folder]) == folder / NAMES[name]
    assert find_within(name, [folder]) == folder / NAMES[name]


@pytest.mark.parametrize(
    "name", ["GPEN-BFR-1024", "gpen-bfr-1024.pth", "GPEN_BFR_1024.safetensors", "gpen-bfr-1024.onnx", None]
)
def test_an_onnx_file_stands_in_for_a_model_that_is_there_in_no_other_form(tmp_path, name):
    (tmp_path / "gpen-bfr-1024.onnx").touch()
    assert resolve_model(name, [tmp_path]) == tmp_path / "gpen-bfr-1024.onnx"


@pytest.mark.parametrize("name", ["GPEN-BFR-512", "GPEN-BFR-512.safetensors", None])
def test_a_file_of_weights_is_preferred_to_an_onnx_file_of_the_same_model(folder, name):
    (folder / "GPEN-BFR-512.onnx").touch()
    assert resolve_model(name, [folder]) == folder / "GPEN-BFR-512.pth"
    assert resolve_model("GPEN-BFR-512.onnx", [folder]) == folder / "GPEN-BFR-512.onnx"


def test_an_onnx_file_that_is_nowhere_is_said_where_to_get(tmp_path):
    with pytest.raises(
        MissingWeightsError, match=r"(?s)GPEN-BFR-512\.pth is not installed.*download GPEN-BFR-512.*https://"
    ):
        resolve_model("GPEN-BFR-512.onnx", [tmp_path])


@pytest.mark.parametrize(
    "name",
    ["retinaface_resnet50", "RetinaFace_ResNet50", "detection_resnet50_final.PTH", "x\\detection_Resnet50_Final.pt"],
)
def test_a_detector_is_found_by_any_of_its_names(folder, name):
    assert detector_file(name, folders=[folder]) == folder / "detection_Resnet50_Final.pth"


def test_a_detector_that_is_nowhere_is_said_where_to_get(tmp_path):
    for name in ("RetinaFace_MobILE0.25", "models\\detection_mobilenet0.25_Final.safetensors"):
        with pytest.raises(
            MissingWeightsError, match=r"(?s)detection_mobilenet0\.25_Final\.pth is not installed.*https://"
        ):
            detector_file(name, folders=[tmp_path])
    assert detector_file("MTCNN") is None


@pytest.mark.parametrize("name", ["X4.pth", "up\\x4.pth", "x4", "models\\up\\x4.PTH"])
def test_an_upscaler_is_found_by_any_of_its_names(folder, name):
    (folder / "up").mkdir()
    (folder / "up/x4.pth").touch()
    assert upscaler_file(ToolOptions(Path("m.pth"), upscaler=Path(name), folders=(folder,))) == folder / "up/x4.pth"


@pytest.mark.parametrize(
    "load", [load_checkpoint, load_parser_file, load_retinaface, load_upscaler], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("name", ["a" * 5000, "m\0.pth", "folder.pth", "circle.pth"])
def test_a_name_that_is_no_file_s_is_one_of_our_errors(tmp_path, load, name):
    (tmp_path / "folder.pth").mkdir()
    (tmp_path / "circle.pth").symlink_to(tmp_path / "circle.pth")
    with pytest.raises(CheckpointError, match=r"cannot be read|this is a folder"):
        load(tmp_path / name)


@pytest.mark.parametrize("name", ["parsing_parsenet.pth", "x\\Parsing_ParseNet.pth", "parsenet", None])
def test_a_parser_is_found_by_any_of_its_names(folder, name):
    with pytest.raises(CheckpointError, match=r"parsing_parsenet\.safetensors: the file is empty"):
        load_parser(name, folders=[folder])


def test_other_files_are_found_in_any_case(folder):
    assert find_file("niqe.npz", [folder]) == folder / "niqe.NPZ"
    assert find_file("x\\NIQE.npz", [folder]) == folder / "niqe.NPZ"
    assert find_file("other.npz", [folder]) is None
    (folder / "deep/er").mkdir(parents=True)
    (folder / "deep/er/ArcFace.pth").touch()
    assert find_file("arcface.pth", [folder]) == folder / "deep/er/ArcFace.pth"
    assert find_file("a" * 5000, [folder]) is None


def test_of_two_that_differ_in_case_the_one_that_is_named_is_taken(tmp_path):
    (tmp_path / "a.pth").touch()
    (tmp_path / "A.pth").touch()
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system does not tell A from a")
    assert find_named("A.pth", [tmp_path]).name == "A.pth" and find_named("a.pth", [tmp_path]).name == "a.pth"


@pytest.mark.parametrize(
    "name",
    [
        "../secret.pth",
        "..\\secret.pth",
        "mine/../../secret.pth",
        "/etc/secret.pth",
        "\\\\host\\share\\secret.pth",
        "..",
        ".",
        "",
        "\0",
        "a" * 5000,
    ],
)
def test_no_name_leads_out_of_the_folder(folder, name):
    (folder.parent / "secret.pth").touch()
    assert find_within(name, [folder]) is None


def test_a_folder_that_cannot_be_read_is_an_error_and_not_an_empty_one(tmp_path):
    (tmp_path / "models").symlink_to(tmp_path / "models")  # a circle
    for search in (
        lambda: resolve_model("GPEN-BFR-512", [tmp_path / "models"]),
        lambda: resolve_model(None, [tmp_path / "models"]),
        lambda: find_file("x.npz", [tmp_path / "models"]),
        lambda: detector_file("retinaface_resnet50", folders=[tmp_path / "models"]),
        lambda: load_parser(folders=[tmp_path / "models"]),
    ):
        with pytest.raises(MissingWeightsError, match="models cannot be read"):
            search()
    assert "models cannot be read" in missing_message(entry_named("GPEN-BFR-512"), [tmp_path / "models"])


def test_a_folder_without_permission(folder):
    folder.chmod(0)
    try:
        with permissions_count(), pytest.raises(MissingWeightsError, match="Permission denied"):
            resolve_model("GPEN-BFR-512", [folder])
    finally:
        folder.chmod(0o700)


def test_folders_that_lead_in_circles_and_locked_ones_inside_end_no_search(folder):
    (folder / "circle").symlink_to(folder)
    (folder / "locked").symlink_to(folder / "locked")
    assert resolve_model("selfies", [folder]) == folder / "mine/Selfies.ckpt"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_fifo_under_a_models_name_is_refused_and_not_waited_for(tmp_path, capsys):
    os.mkfifo(tmp_path / "m.pth")
    assert find_named(tmp_path / "m.pth", []) == tmp_path / "m.pth"
    ended = []
    asked = threading.Thread(target=lambda: ended.append(main(["inspect", str(tmp_path / "m.pth")])), daemon=True)
    asked.start()
    asked.join(60)
    assert ended == [1] and "this is a FIFO" in capsys.readouterr().err
