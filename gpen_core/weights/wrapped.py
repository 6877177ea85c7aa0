"""Weights of a known network within whatever wraps them: tables of any name, longer names, other things beside them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import CheckpointError

_DEEPEST = 8


def state_with(content: Mapping[str, Any], marks: Sequence[str]) -> dict[str, Tensor] | None:
    """The first table of weights that has one of ``marks`` among its names, under the network's own names.

    Args:
        content: A file's.
        marks: Names of weights that only the networks in question have.

    Returns:
        Tensors by name; what lies beside them under other names, and what is no tensor, is left out. None where no table has
        any of these names.
    """
    waiting: deque[tuple[Mapping[Any, Any], int]] = deque([(content, 0)])
    seen = {id(content)}
    while waiting:
        table, depth = waiting.popleft()
        names = [key for key in table if isinstance(key, str)]
        for mark in marks:
            prefix = next((key.removesuffix(mark) for key in names if key == mark or key.endswith(f".{mark}")), None)
            if prefix is not None:
                found = {key.removeprefix(prefix): table[key] for key in names if key.startswith(prefix)}
                return {key: value for key, value in found.items() if isinstance(value, Tensor)}
        for value in table.values():
            if isinstance(value, Mapping) and id(value) not in seen and depth < _DEEPEST:
                seen.add(id(value))
                waiting.append((value, depth + 1))
    return None


def check_numbers(state: Mapping[str, Tensor], name: str) -> None:
    """Raise CheckpointError for weights that are NaN or infinite: a network of those finds nothing, and says so in silence."""
    for key, value in state.items():
        if value.is_floating_point() and not bool(torch.isfinite(value.sum(dtype=torch.float32))):
            raise CheckpointError(
                f"{name}: '{key:.80}' holds NaN or infinite values. The file is damaged: download it again."
            )
