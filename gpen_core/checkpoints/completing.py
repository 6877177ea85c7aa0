"""Files that hold only what differs from another one: a variant of a model takes no more room than what was changed.

Such a file names the other, which lies in its folder, and that one's checksum in its metadata. It is one model like any
other for whoever loads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from ..errors import CheckpointError, one_line
from ..files import file_sha256
from ..weights.catalog import last_name
from ..weights.reading import RawCheckpoint, read_checkpoint

REST_KEY = "gpen.rest"  # in the metadata: {"file": name, "sha256": checksum} as JSON
_LONGEST = 1 << 10  # of that text


def rest_text(path: Path) -> str:
    """The metadata of a file that is completed by the one at ``path``."""
    return json.dumps({"file": path.name, "sha256": file_sha256(path)})


def differing(state: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """What of a state dict the file at ``path``, whose tensors have the same names, does not hold. Raises CheckpointError."""
    rest = read_checkpoint(path).content
    return {key: value for key, value in state.items() if key not in rest or not value.equal(rest[key])}


def completed(raw: RawCheckpoint, path: Path) -> RawCheckpoint:
    """What the file at ``path`` holds, and what it has in common with the one that it names; most files name none.

    Raises:
        CheckpointError: The other is not beside it, or is another one than it was.
    """
    if REST_KEY not in raw.metadata:
        return raw
    name, checksum = _named(raw.metadata[REST_KEY], path.name)
    other = path.with_name(name)
    if not other.is_file():
        raise CheckpointError(
            f"{path.name} holds only what differs from {name}, which is not beside it. Put both into one folder."
        )
    if file_sha256(other) != checksum:
        raise CheckpointError(f"{path.name} belongs to another {name} than the one beside it. Get both anew.")
    rest = read_checkpoint(other)
    return replace(raw, content={**rest.content, **raw.content})


def _named(text: str, file: str) -> tuple[str, str]:
    """The other file's name, of this folder, and its checksum."""
    try:
        table = json.loads(text) if len(text) <= _LONGEST else None
        name, checksum = (table["file"], table["sha256"]) if isinstance(table, dict) else (None, None)
    except (ValueError, KeyError, RecursionError):
        name = checksum = None
    if not isinstance(name, str) or not isinstance(checksum, str) or not name.strip(". ") or last_name(name) != name:
        raise CheckpointError(
            f"{file}: it names no file that completes it ({one_line(text, 80)}). The file is malformed."
        )
    if name == file:
        raise CheckpointError(f"{file}: it is to be completed by itself. The file is malformed.")
    return name, checksum
