"""install.py as ComfyUI's manager runs it: quick, repeatable, offline."""

import shutil
import subprocess
import sys

import pytest

CODE_WITHOUT_NETWORK = """
import runpy, sys
def hook(event, arguments):
    if event.startswith(("socket.", "urllib.", "subprocess.")):
        raise SystemExit(f"install.py did {event}")
sys.addaudithook(hook)
sys.argv = ["install.py"]
try:
    runpy.run_path("install.py", run_name="__main__")
finally:
    print("torch" in sys.modules)
"""


@pytest.fixture
def pack(tmp_path, repo_root):
    """The pack as it lies in ComfyUI's custom_nodes."""
    folder = tmp_path / "ComfyUI" / "custom_nodes" / "gpen"
    shutil.copytree(repo_root / "gpen_core", folder / "gpen_core", ignore=shutil.ignore_patterns("lab", "__pycache__"))
    shutil.copy(repo_root / "install.py", folder)
    return folder


def run(pack):
    return subprocess.run([sys.executable, "-c", CODE_WITHOUT_NETWORK], cwd=pack, capture_output=True, text=True)


def test_it_makes_the_folders_lists_the_files_and_may_run_again(pack):
    models = pack.parent.parent / "models"
    models.mkdir()
    first = run(pack)
    assert first.returncode == 0, first.stderr
    assert sorted(path.name for path in models.iterdir()) == ["facedetection", "facerestore_models"]
    for part in (
        "GPEN-BFR-2048.pth",
        "detection_Resnet50_Final.pth",
        "parsing_parsenet.pth",
        "non-commercial",
        "absent",
    ):
        assert part in first.stdout
    assert first.stdout.endswith("False\n")  # a list of names needs no torch
    mine = models / "facerestore_models" / "GPEN-BFR-2048.pth"
    mine.write_bytes(b"x")
    again = run(pack)
    assert again.returncode == 0 and f"present  {mine}" in again.stdout and mine.read_bytes() == b"x"


@pytest.mark.parametrize("name", ["gpen-bfr-2048.PTH", "GPEN-BFR-2048.safetensors", "faces/GPEN-BFR-2048.pth"])
def test_a_file_that_the_nodes_find_is_present(pack, name):
    models = pack.parent.parent / "models"
    mine = models / "facerestore_models" / name
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"x")
    done = run(pack)
    assert done.returncode == 0 and f"present  {mine}" in done.stdout, done.stderr


def test_outside_of_comfyui_it_says_so_and_makes_nothing(pack):
    done = run(pack)
    assert done.returncode == 0 and "does not lie in ComfyUI's custom_nodes" in done.stdout
    assert not (pack.parent.parent / "models").exists()
