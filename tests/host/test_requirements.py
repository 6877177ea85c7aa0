"""Installing the pack replaces nothing of a host's: pip's own resolver is asked, over the package index, and installs nothing.

A host is a virtual environment whose packages are known by their metadata alone (that of what runs these tests, with NumPy of
the line asked for): pip reads no more of what is installed.
"""

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NUMPY_LINES = ("1.26.4", "2.2.6")
HOSTS = {
    "ComfyUI": None,  # all of tests/host/requirements.txt, and what those ask for
    "ComfyUI with OpenCV 5": ("opencv-python-headless", "5.0.0"),
    "ComfyUI with OpenCV 4.11": ("opencv-contrib-python", "4.11.0.86"),
}
NEVER_LOADED = {"numba", "llvmlite", "filterpy", "facexlib"}


def normalized(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def host_packages(requirements: Path):
    """The distributions that a host's requirements come to on this machine."""
    waiting = [line.split("#")[0].strip() for line in requirements.read_text().splitlines()]
    found = {}
    while waiting:
        match = re.match(r"[\w.-]+", waiting.pop())
        if match is None or normalized(match[0]) in found:
            continue
        try:
            distribution = importlib.metadata.distribution(match[0])
        except importlib.metadata.PackageNotFoundError:
            continue
        found[normalized(match[0])] = distribution
        waiting += [line for line in distribution.requires or () if "extra ==" not in line]
    return found


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("host")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=300)
    python = next(folder.glob("bin/python")) if (folder / "bin").is_dir() else folder / "Scripts" / "python.exe"
    return python, next(folder.glob("[Ll]ib/**/site-packages"))


def known(site, name, version, metadata):
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        re.sub(r"(?m)^Version: .*", f"Version: {version}", metadata, count=1), encoding="utf-8"
    )
    (folder / "INSTALLER").write_text("pip\n")
    (folder / "RECORD").write_text("")
    return folder


def would_install(python, *arguments):
    """What pip would install → names and versions. Skips the test where there is no index."""
    command = [python, "-m", "pip", "install", "--dry-run", "--quiet", "--report", "-", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode and re.search(
        "No matching distribution|Could not find|connection|Temporary failure", done.stderr
    ):
        pytest.skip(f"pip reaches no package index: {done.stderr.strip().splitlines()[-1][:200]}")
    assert done.returncode == 0, done.stderr[-1000:]
    found = json.loads(done.stdout[done.stdout.index("{") :])["install"]
    return {normalized(item["metadata"]["name"]): item["metadata"]["version"] for item in found}


@pytest.fixture
def host(environment, repo_root, request):
    """A host with this NumPy, and this package more → its Python, and what it has."""
    python, site = environment
    numpy, more = request.param
    made = []
    packages = host_packages(repo_root / "tests" / "host" / "requirements.txt")
    assert {"torch", "numpy", "pillow", "safetensors"} <= packages.keys()
    for name, distribution in packages.items():
        metadata = distribution.read_text("METADATA") or ""
        made.append(known(site, name, numpy if name == "numpy" else distribution.version, metadata))
    if more is not None:
        made.append(known(site, *more, f"Metadata-Version: 2.1\nName: {more[0]}\nVersion: {more[1]}\n"))
    yield python, {*packages, *([normalized(more[0])] if more else [])}
    for folder in made:
        shutil.rmtree(folder)


EVERY_HOST = pytest.mark.parametrize(
    "host",
    [pytest.param((numpy, more), id=f"{name}, NumPy {numpy}") for numpy in NUMPY_LINES for name, more in HOSTS.items()],
    indirect=True,
)


@EVERY_HOST
def test_the_packs_requirements_replace_nothing_of_a_host(host, repo_root):
    python, there = host
    installed = would_install(python, "-r", repo_root / "requirements.txt")
    assert "mtcnn" in installed  # it is not the test that sees nothing
    assert not installed.keys() & there, installed
    assert not installed.keys() & NEVER_LOADED, installed


@EVERY_HOST
def test_the_command_for_facexlib_replaces_nothing_of_a_host(host):
    python, there = host
    has_opencv = any("opencv" in name for name in there)
    packages = ["facexlib"] if has_opencv else ["facexlib", "opencv-python-headless==4.11.0.86"]
    installed = would_install(python, "--no-deps", *packages)
    assert "facexlib" in installed and not installed.keys() & there, installed


@pytest.mark.parametrize("host", [("1.26.4", None)], ids=["NumPy 1.26.4"], indirect=True)
def test_what_facexlib_lists_would_replace_numpy(host):
    """Why it is no requirement. If this fails, it may become one again."""
    assert would_install(host[0], "facexlib")["numpy"] >= "2"
