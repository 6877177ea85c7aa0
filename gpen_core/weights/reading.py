"""Read weight files without executing any code in them.

Safetensors files hold numbers only. A ``.pth``/``.pt`` file is a pickle, read with ``weights_only=True``, after a look
at the archive around it: torch stores its tensors uncompressed, so an archive that would unpack to more than its own
size is not one of torch's.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from ..errors import CheckpointError

OWN_KEYS = "gpen."  # what a metadata key of ours begins with
_ZIP_MAGIC = b"PK\x03\x04"
_TORCH_LEGACY_MAGIC = (
    b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"  # pickle protocol 2, torch's magic number
)
_ARCHIVE_OVERHEAD = 1 << 20  # bytes that names and headers may add
_ASK = "Download it again from its official source."


@dataclass(frozen=True)
class RawCheckpoint:
    """The content of a file, not interpreted yet.

    Attributes:
        content: Usually names and tensors.
        metadata: A safetensors file's metadata, or the strings under keys like "gpen.config" in a training checkpoint.
    """

    content: Mapping[str, Any]
    metadata: Mapping[str, str] = field(default_factory=dict)


def read_checkpoint(path: str | Path) -> RawCheckpoint:
    """Read a ``.pth``, ``.pt`` or ``.safetensors`` file; the format is detected from the content.

    Args:
        path: The file.

    Returns:
        The content; tensors may be memory-mapped.

    Raises:
        CheckpointError: The file is damaged, unsafe, or not a weight file.
    """
    path = Path(path)
    head = _first_bytes(path)
    if head.startswith(_ZIP_MAGIC):
        _check_archive(path)
        return _split(_as_mapping(path, _load_torch(path, mmap=True)))
    if head.startswith(_TORCH_LEGACY_MAGIC):
        return _split(_as_mapping(path, _load_torch(path, mmap=False)))
    if _looks_like_safetensors(head, path.stat().st_size):
        return _read_safetensors(path)
    raise CheckpointError(f"{path.name}: {_what_else(head)}")


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(256)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not head:
        raise CheckpointError(f"{path.name}: the file is empty. {_ASK}")
    return head


def _looks_like_safetensors(head: bytes, size: int) -> bool:
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") < max(size, 1 << 27)


def _what_else(head: bytes) -> str:
    """Recognize what is often mistaken for a checkpoint."""
    text = head.lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return f"this is a web page, not a weight file: the download went wrong. {_ASK}"
    if text.startswith(b"version https://git-lfs"):
        return f"this is a Git LFS pointer, not the file itself. {_ASK}"
    if head[:1] == b"\x08" and (b"pytorch" in head or b"onnx" in head.lower() or head[2:3] in (b"\x12", b"B", b":")):
        return "this is an ONNX graph, not a PyTorch checkpoint. Get the .pth file of the same model instead."
    if head[:1] == b"\x80":
        return "this is a bare pickle, which can hold any code, and was not opened. Save it again with torch.save."
    return f"this is neither a PyTorch checkpoint (.pth, .pt) nor a safetensors file. {_ASK}"


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CheckpointError(f"{path.name}: the file is damaged or cut short ({error}). {_ASK}") from error
    unpacked = sum(entry.file_size for entry in entries)
    compressed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
    if compressed or unpacked > path.stat().st_size + _ARCHIVE_OVERHEAD:
        raise CheckpointError(
            f"{path.name}: this archive would unpack to {unpacked:,} bytes and was not made by torch.save. "
            "It was not opened; if it is a zip of a checkpoint, unpack it first."
        )
    names = [entry.filename.rpartition("/")[2] for entry in entries]
    if "constants.pkl" in names:
        raise CheckpointError(f"{path.name}: this is a TorchScript program, not a checkpoint, and was not run.")
    if "data.pkl" not in names:
        raise CheckpointError(f"{path.name}: a zip archive without a checkpoint in it. {_ASK}")


def _load_torch(path: Path, *, mmap: bool) -> object:
    try:
        # str: older torch maps only files named by one
        return torch.load(str(path), map_location="cpu", weights_only=True, mmap=mmap)
    except pickle.UnpicklingError as error:
        what = _first_line(error) if "GLOBAL" in str(error) else "no plain state dict"
        raise CheckpointError(
            f"{path.name}: the file holds something other than tensors ({what}), and nothing of it was run. "
            "Use a file that holds weights only."
        ) from error
    except Exception as error:  # damaged bytes make torch raise almost anything
        raise CheckpointError(
            f"{path.name}: the file is damaged or cut short ({_first_line(error)}). {_ASK}"
        ) from error


def _first_line(error: BaseException) -> str:
    """The reason, without torch's advice on disabling its protection."""
    if (refused := re.search(r"GLOBAL ([\w.]+)", str(error))) is not None:
        return f"it refers to {refused[1]}"
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]


def _as_mapping(path: Path, content: object) -> Mapping[str, Any]:
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path.name}: holds a {type(content).__name__}, not a state dict.")
    return content


def _split(content: Mapping[str, Any]) -> RawCheckpoint:
    """Separate strings under our own keys, which a safetensors file would have as metadata, from the weights."""
    texts = {
        key: value
        for key, value in content.items()
        if isinstance(key, str) and key.startswith(OWN_KEYS) and isinstance(value, str)
    }
    return RawCheckpoint({key: value for key, value in content.items() if key not in texts}, texts)


def _read_safetensors(path: Path) -> RawCheckpoint:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
            return RawCheckpoint(tensors, dict(file.metadata() or {}))
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{path.name}: the file is damaged or cut short ({_first_line(error)}). {_ASK}"
        ) from error
