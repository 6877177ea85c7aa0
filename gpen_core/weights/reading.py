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
from .mistaken import DOWNLOAD_AGAIN, what_else
from .regular import RegularFile, opened
from .safetensors_header import check_header
from .torch_file import stream, zipped
from .torch_file.values import Unread

OWN_KEYS = "gpen."  # what a metadata key of ours begins with
_HEAD = 512  # bytes
_PAIR = 2


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
        raise CheckpointError(f"{path.name}: the file is damaged or cut short ({error}). {DOWNLOAD_AGAIN}") from error


def _read(file: RegularFile | None, path: Path) -> RawCheckpoint:
    head = b"" if file is None else file.map[:_HEAD]
    if file is not None and head.startswith(zipped.MAGIC):
        return _split(zipped.read_zip(file))
    if file is not None and stream.MAGIC.match(head):
        return _split(stream.read_stream(file))
    if file is not None and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        check_header(file.map)
        return _read_safetensors(path)
    raise Refused(what_else(head))


def _split(content: object) -> RawCheckpoint:
    """Separate strings under our own keys, which a safetensors file would have as metadata, from the weights."""
    if isinstance(content, list) and content and all(_is_named(item) for item in content):
        content = dict(content)  # a table's items
    if isinstance(content, list | tuple) and any(isinstance(item, Mapping) for item in content):
        content = {str(number): item for number, item in enumerate(content)}  # such as (epoch, state dict)
    if not isinstance(content, Mapping):
        raise Refused(f"holds {_named(content)}, not a state dict.")
    texts = {
        key: value
        for key, value in content.items()
        if isinstance(key, str) and key.startswith(OWN_KEYS) and isinstance(value, str)
    }
    return RawCheckpoint({key: value for key, value in content.items() if key not in texts}, texts)


def _is_named(item: object) -> bool:
    return isinstance(item, tuple) and len(item) == _PAIR and isinstance(item[0], str)


def _named(content: object) -> str:
    if isinstance(content, Unread):
        return content.what
    kinds = (
        (type(None), "nothing"),
        (int | float, "a number"),
        (str, "a text"),
        (bytes, "bytes"),
        (list, "a list"),
        (tuple, "a tuple"),
    )
    return next((what for kind, what in kinds if isinstance(content, kind)), "a tensor")


def _read_safetensors(path: Path) -> RawCheckpoint:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
            return RawCheckpoint(tensors, dict(file.metadata() or {}))
    except (SafetensorError, OSError, ValueError, RuntimeError, TypeError) as error:
        raise Malformed(str(error) or type(error).__name__) from error
