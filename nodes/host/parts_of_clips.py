"""Batches that are parts of a longer clip: Video Helper Suite's meta-batch manager runs a workflow once for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from comfy_execution.utils import get_executing_context

if TYPE_CHECKING:
    from ...gpen_core.pipeline.clip import PartEnd

_MANAGER = "VHS_BatchManager"
_ROUND = "requeue"  # the input of the manager by which it counts the runs after the first


@dataclass(frozen=True)
class PartOfClip:
    """Which part of a clip a node is given.

    Attributes:
        node: Its id in the workflow.
        number: Of the batch, from 0.
    """

    node: str
    number: int

    @property
    def note(self) -> str:
        """What the node says of it."""
        went_on = "faces go on from the one before, and " if self.number else ""
        return f"Batch {self.number + 1} of a clip: {went_on}what comes after it is not known yet."


def part_of_clip(prompt: Mapping[str, Mapping[str, Any]] | None) -> PartOfClip | None:
    """Which part of a clip the running node is given; None where no manager of batches is in the running prompt."""
    managers = (node for node in (prompt or {}).values() if node.get("class_type") == _MANAGER)
    manager, context = next(managers, None), get_executing_context()
    if manager is None or context is None:
        return None
    number = manager.get("inputs", {}).get(_ROUND, 0)
    return PartOfClip(context.node_id, number if isinstance(number, int) else 0)


class PartEnds:
    """What each node remembers of its last batch until the next one comes, which is a prompt of its own."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, PartEnd]] = {}

    def before(self, part: PartOfClip | None) -> PartEnd | None:
        """The end of the batch before this one; None for the first, or where that was not restored."""
        if part is None:
            return None
        number, end = self._kept.get(part.node, (-1, None))
        return end if part.number and number == part.number - 1 else None

    def keep(self, part: PartOfClip | None, end: PartEnd) -> None:
        """Remember it, and let go of what other clips have left."""
        if part is None:
            return
        self._kept = {node: kept for node, kept in self._kept.items() if kept[0] in (part.number - 1, part.number)}
        self._kept[part.node] = (part.number, end)


@lru_cache(maxsize=1)
def part_ends() -> PartEnds:
    """Those of this process."""
    return PartEnds()
