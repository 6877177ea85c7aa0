"""Read weight files without executing any code in them.

Safetensors files hold numbers only. A ``.pth``/``.pt`` file is a pickle, which ``torch_file`` interprets: torch's own
unpickler, whose constructors can be made to take any memory and to end the process, is not reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ..errors import CheckpointError
from .malformed import Malformed, Refused
from .regular import RegularFile, opened
from .safetensors_header import check_header
from .torch_file import stream, zipped

OWN_KEYS = "gpen."  # what a metadata key of ours begins with
_HEAD = 512  # bytes
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
        path: A regular file, or a link to one.

    Returns:
        The content; tensors may be memory-mapped. What is neither a tensor nor plain data is an ``Unread``.

    Raises:
        CheckpointError: The file is damaged, unsafe, or not a weight file.
    """
    path = Path(path)
    try:
        with opened(path) as file:
            return _read(file, path)
    except Refused as error:
        raise CheckpointError(f"{path.name}: {error}") from error
    except Malformed as error:
        raise CheckpointError(f"{path.name}: the file is damaged or cut short ({error}). {_ASK}") from error


def _read(file: RegularFile | None, path: Path) -> RawCheckpoint:
    head = b"" if file is None else file.map[:_HEAD]
    if file is not None and head.startswith(zipped.MAGIC):
        return _split(zipped.read_zip(file))
    if file is not None and head.startswith(stream.MAGIC):
        return _split(stream.read_stream(file))
    if file is not None and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        check_header(file.map)
        return _read_safetensors(path)
    raise Refused(_what_else(head))


def _what_else(head: bytes) -> str:
    """Recognize what is often mistaken for a checkpoint."""
    text = head.lstrip().lower()
    if not head:
        return f"the file is empty. {_ASK}"
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return f"this is a web page, not a weight file: the download went wrong. {_ASK}"
    if text.startswith(b"version https://git-lfs"):
        return f"this is a Git LFS pointer, not the file itself. {_ASK}"
    if head[:1] == b"\x08" and (b"pytorch" in head or b"onnx" in head.lower() or head[2:3] in (b"\x12", b"B", b":")):
        return "this is an ONNX graph, not a PyTorch checkpoint. Get the .pth file of the same model instead."
    if head[:1] == b"\x80":
        return "this is a bare pickle, which can hold any code, and was not opened. Save it again with torch.save."
    if head[257:262] == b"ustar":
        return "this is a tar archive. Unpack it; if torch of 2016 wrote it, save it again with a newer one."
    return f"this is neither a PyTorch checkpoint (.pth, .pt) nor a safetensors file. {_ASK}"


def _split(content: object) -> RawCheckpoint:
    """Separate strings under our own keys, which a safetensors file would have as metadata, from the weights."""
    if not isinstance(content, Mapping):
        raise Refused(f"holds a {type(content).__name__}, not a state dict.")
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
    except (SafetensorError, OSError, ValueError, RuntimeError, TypeError) as error:
        raise Malformed(str(error) or type(error).__name__) from error
