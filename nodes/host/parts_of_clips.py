"""Batches that are parts of a longer clip: Video Helper Suite's meta-batch manager runs a workflow once for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MANAGER = "VHS_BatchManager"
ONE_OF_SEVERAL = (
    "This batch is one part of a clip: faces are followed and held steady within it, and numbered anew in the next one. "
    "Restore Faces in Video works through the whole clip."
)


def is_part_of_a_clip(prompt: Mapping[str, Mapping[str, Any]] | None) -> bool:
    """Whether a manager of batches is in the running prompt."""
    return any(node.get("class_type") == _MANAGER for node in (prompt or {}).values())
