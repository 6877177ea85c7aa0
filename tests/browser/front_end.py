"""Where ComfyUI's web page comes from: its package on PyPI, fetched at test time, never committed (GPL-3)."""

import zipfile
from pathlib import Path

from host_harness.fetching import CACHE, Unavailable, cached, pip_download

PACKAGE = "comfyui-frontend-package"
VERSION = "1.58.1"  # works with the newest ComfyUI under test


def fetch(version: str = VERSION) -> Path:
    """The page's `static` folder, downloaded on first use. Whole or absent: other runs may look too."""
    return cached(CACHE / "front_ends" / version, lambda scratch: _unpack(_download(version, scratch), scratch))


def _download(version: str, scratch: Path) -> Path:
    otherwise = f"unpack the wheel's static folder as .cache/front_ends/{version}"
    return pip_download(f"{PACKAGE}=={version}", scratch, "*.whl", otherwise=otherwise)


def _unpack(wheel: Path, scratch: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(scratch / "wheel")
    static = scratch / "wheel" / PACKAGE.replace("-", "_") / "static"
    if not (static / "index.html").is_file():
        raise Unavailable(f"{wheel.name} holds no static/index.html: the package's layout has changed")
    return static
