"""python -m gpen_core doctor: what is installed or missing, and how to fix it."""

from __future__ import annotations

import argparse
import importlib.util
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import torch

from ..checkpoints.load import load_checkpoint
from ..checkpoints.verify import verify
from ..commands import gpen, install_facexlib, pip_install
from ..errors import GpenError, MissingWeightsError
from ..faces.detectors import load_detector
from ..weights.catalog import INCLUDED, ONNX, PUBLISHED, WeightFile
from ..weights.download import recorded_sha256, verify_file
from ..weights.find import FOLDERS_VARIABLE, bundled_file, find_weights, weight_folders
from .arguments import add_weight_folders

# Distribution → what it is needed for.
_NEEDED = {
    "numpy": "everything",
    "torch": "everything",
    "torchvision": "face detection",
    "safetensors": "reading and converting checkpoints",
    "pillow": "reading and writing images",
    "mtcnn": "the built-in face detector's weights",
    "tqdm": "progress bars",
    "filelock": "downloads",
}


@dataclass(frozen=True)
class Finding:
    """One line of the report; ``advice`` says how to fix a problem."""

    good: bool
    text: str
    advice: str = ""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("doctor", help="show what is installed or missing, and how to fix it")
    parser.set_defaults(run=run)
    add_weight_folders(parser)
    parser.add_argument(
        "--verify", action="store_true", help="also verify the checksums of the weights (takes a while)"
    )


def run(options: argparse.Namespace) -> int:
    """Print the report. → 1 if something required is missing, otherwise 0"""
    folders = (*options.models, *weight_folders())
    findings = [*_packages(), *_optional(), *_devices(), *_detector(folders), *_weights(folders, options.verify)]
    for finding in findings:
        print(f"{'ok     ' if finding.good else 'missing'} {finding.text}")
        if finding.advice:
            print(f"        → {finding.advice}")
    return 0 if all(finding.good for finding in findings) else 1


def _packages() -> Iterator[Finding]:
    yield Finding(True, f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    for name, purpose in _NEEDED.items():
        try:
            yield Finding(True, f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            yield Finding(False, f"{name} (for {purpose})", pip_install(name))


def _optional() -> Iterator[Finding]:
    """What only some networks need. OpenCV has several names on PyPI, any of which will do."""
    if importlib.util.find_spec("facexlib") is None or importlib.util.find_spec("cv2") is None:
        yield Finding(
            True, "facexlib: not installed (RetinaFace, face parsers and ArcFace need it)", install_facexlib()
        )
    else:
        yield Finding(True, f"facexlib {metadata.version('facexlib')} (RetinaFace, face parsers, ArcFace)")


def _devices() -> Iterator[Finding]:
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            memory = torch.cuda.get_device_properties(index).total_memory / 2**30
            yield Finding(True, f"cuda:{index}: {torch.cuda.get_device_name(index)}, {memory:.1f} GiB")
    elif torch.backends.mps.is_available():
        yield Finding(True, "mps: Apple GPU")
    else:
        yield Finding(True, f"no GPU that torch can use; the CPU has {torch.get_num_threads()} threads")


def _detector(folders: Sequence[Path]) -> Iterator[Finding]:
    try:
        yield Finding(True, f"face detector: {load_detector('auto', folders=folders).name}")
    except (GpenError, ImportError) as error:
        yield Finding(False, "no working face detector", str(error))


def _weights(folders: Sequence[Path], check_sums: bool) -> Iterator[Finding]:
    """The bundled models, every installed published file, and whether a better model than the bundled ones is installed."""
    for entry in INCLUDED:
        try:
            own = bundled_file(entry)
            yield _checked(entry, own) if check_sums else Finding(True, f"{entry.name}: {own}")
        except MissingWeightsError as error:
            yield Finding(False, f"{entry.name}: a small model bundled with this package", str(error))
    found = {entry: path for entry in PUBLISHED if (path := find_weights(entry, folders)) is not None}
    for entry, path in found.items():
        yield _checked(entry, path) if check_sums else Finding(True, f"{entry.name}: {path}")
    absent = [entry.name for entry in PUBLISHED if entry not in found]
    where = ", ".join(str(folder) for folder in folders)
    if not any(entry.kind == "gpen" for entry in found):
        advice = (
            f"for the best quality: {gpen('download GPEN-BFR-512')} (non-commercial use only), or set "
            f"{FOLDERS_VARIABLE}"
        )
        yield Finding(True, f"no published GPEN model in {where}; the bundled model is used", advice)
    if absent:
        yield Finding(True, f"not installed: {', '.join(absent)}")


def _checked(entry: WeightFile, path: Path) -> Finding:
    """Verify a published file by its checksum; a converted, exported, bundled or unknown one by loading it."""
    published = path.suffix.lower() not in (".safetensors", ONNX)
    known = published and (entry.sha256 or recorded_sha256(path))
    try:
        if published:
            verify_file(entry, path, verify)
        else:
            load_checkpoint(path)
    except GpenError as error:
        return Finding(False, f"{entry.name}: {path}", str(error))
    return Finding(True, f"{entry.name}: {path} ({'checksum verified' if known else 'loads; no known checksum'})")
