"""Files that hold only what differs from another one: a variant of a model takes no more room than what was changed.

Such a file names the other, which lies in its folder, with that one's size and checksum in its metadata. It is one model like
any other for whoever loads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from torch import Tensor

from ..commands import gpen
from ..errors import CheckpointError, one_line
from ..files import file_sha256
from ..weights.catalog import last_name
from ..weights.reading import RawCheckpoint, read_checkpoint

REST_KEY = "gpen.rest"  # in the metadata: {"file": name, "bytes": size, "sha256": checksum} as JSON
_LONGEST = 1 << 10  # of that text


@dataclass(frozen=True)
class Rest:
    """The other file: its name in the same folder, and what it is known by."""

    file: str
    bytes: int
    sha256: str


def rest_text(path: Path) -> str:
    """The metadata of a file that is completed by the one at ``path``."""
    return json.dumps(asdict(Rest(path.name, path.stat().st_size, file_sha256(path))))


def differing(state: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """What of a state dict the file at ``path``, whose tensors have the same names, does not hold. Raises CheckpointError."""
    rest = read_checkpoint(path).content

    def is_same(value: Tensor, other: Tensor) -> bool:
        return value.dtype == other.dtype and value.equal(other)

    return {key: value for key, value in state.items() if key not in rest or not is_same(value, rest[key])}


def completed(raw: RawCheckpoint, rest: Rest, path: Path) -> RawCheckpoint:
    """What the file at ``path`` holds, and what it has in common with the one that completes it (see ``rest_of``).

    Raises:
        CheckpointError: The other is not beside it, cannot be read, or is another one than it was.
    """
    other = path.with_name(rest.file)
    try:
        if not other.is_file():
            raise CheckpointError(
                f"{path.name} holds only what differs from {_told(rest)}, which is not beside it. Put both into one folder, or "
                f"use a file that stands alone: {gpen('convert')} makes it where both are."
            )
        if other.stat().st_size != rest.bytes or file_sha256(other) != rest.sha256:
            raise CheckpointError(
                f"{path.name} belongs to another {_told(rest)} than the one beside it. Get both anew."
            )
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CheckpointError(f"{path.name} needs {_told(rest)}, which cannot be read ({reason}).") from error
    return replace(raw, content={**read_checkpoint(other).content, **raw.content})


def rest_of(raw: RawCheckpoint, file: str) -> Rest | None:
    """The file that completes this one, called ``file``; most files name none.

    Raises CheckpointError where it names one, and none that could be.
    """
    if REST_KEY not in raw.metadata:
        return None
    text = raw.metadata[REST_KEY]
    try:
        table = json.loads(text) if len(text) <= _LONGEST else None
        rest = Rest(**table) if isinstance(table, dict) else None
    except (ValueError, TypeError, RecursionError):
        rest = None
    if rest is None or not _is_possible(rest):
        raise CheckpointError(
            f"{file}: it names no file that completes it ({one_line(text, 80)}). The file is malformed."
        )
    if rest.file == file:
        raise CheckpointError(f"{file}: it is to be completed by itself. The file is malformed.")
    return rest


def _is_possible(rest: Rest) -> bool:
    """A file's name, and nothing that leads out of the folder."""
    kinds = isinstance(rest.file, str) and isinstance(rest.sha256, str) and type(rest.bytes) is int
    return kinds and bool(rest.file.strip(". ")) and last_name(rest.file) == rest.file


def _told(rest: Rest) -> str:
    return one_line(rest.file, 80)
