"""Where ComfyUI's web page comes from: its package on PyPI, fetched at test time, never committed (GPL-3)."""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "front_ends"
PACKAGE = "comfyui-frontend-package"
VERSION = "1.58.1"  # works with the newest ComfyUI under test
FETCH_TIMEOUT_S = 300


class FrontEndUnavailable(Exception):
    """The page can't be had here; the message says why and what to do."""


def fetch(version: str = VERSION) -> Path:
    """The page's `static` folder, downloaded on first use. Whole or absent: other runs may look too."""
    static = CACHE / version
    if not static.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{version}-", dir=CACHE) as scratch:
            _publish(_unpack(_download(version, Path(scratch)), Path(scratch)), static)
    return static


def _download(version: str, scratch: Path) -> Path:
    """The wheel as a file in `scratch`, by this Python's own pip and its settings."""
    pinned = f"{PACKAGE}=={version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(scratch), pinned]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S)
        problem = done.stderr.strip().rpartition("\n")[2]  # pip ends with the reason
    except subprocess.TimeoutExpired:
        problem = f"no answer in {FETCH_TIMEOUT_S} s"
    wheels = sorted(scratch.glob("*.whl"))
    if not wheels:
        raise FrontEndUnavailable(
            f"can't fetch ComfyUI's page (`pip download {pinned}`): connect to a package index, "
            f"or unpack the wheel's static folder as .cache/front_ends/{version}. pip says: {problem}"
        )
    return wheels[0]


def _unpack(wheel: Path, scratch: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(scratch / "wheel")
    static = scratch / "wheel" / PACKAGE.replace("-", "_") / "static"
    if not (static / "index.html").is_file():
        raise FrontEndUnavailable(f"{wheel.name} holds no static/index.html: the package's layout has changed")
    return static


def _publish(unpacked: Path, place: Path) -> None:
    """Rename into place; a run that was quicker has left the same files."""
    try:
        unpacked.rename(place)
    except OSError:
        if not place.is_dir():
            raise
        shutil.rmtree(unpacked, ignore_errors=True)
