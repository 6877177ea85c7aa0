"""Weights of a known network within whatever wraps them: tables of any name, longer names, other things beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from ..errors import CheckpointError
from .tables import Group, check_count, distinct, listed, tables_of, without_moments, without_raw


def state_with(content: Group, marks: Sequence[str], name: str) -> dict[str, Tensor] | None:
    """The network in ``content`` that has one of ``marks`` among its weights, under its own names.

    Averaged weights stand for raw ones, and what is whole for what is not.

    Args:
        content: A file's.
        marks: Names of weights, each of one kind of network alone.
        name: What messages call the file.

    Returns:
        Tensors by name, without what lies beside them. None where no table has any of these names.

    Raises:
        CheckpointError: Several different ones are there.
    """
    whole: dict[str, Group] = {}
    for mark in marks:
        groups = without_moments(dict(_groups(content, mark, name)))
        most = max(map(_weights_in, groups.values()), default=0)
        whole |= {place: group for place, group in groups.items() if _weights_in(group) == most}
    found = distinct(without_raw(whole))
    if len(found) > 1:
        raise CheckpointError(
            f"{name}: holds {len(found)} different networks: {listed(found)}. Save the one that is meant in a file of its own."
        )
    return dict(next(iter(found.values()))) if found else None


def _groups(content: Group, mark: str, name: str) -> Iterator[tuple[str, Group]]:
    """Where such a network lies ("a.b"; "." for the top) → its tensors."""
    count = 0
    for place, table in tables_of(content):
        names = [key for key in table if isinstance(key, str)]
        prefixes = [key.removesuffix(mark) for key in names if key == mark or key.endswith(f".{mark}")]
        count += len(prefixes)
        check_count(count, name)
        for prefix in prefixes:
            others = tuple(other for other in prefixes if len(other) > len(prefix) and other.startswith(prefix))
            own = (key for key in names if key.startswith(prefix) and not (others and key.startswith(others)))
            found = {key.removeprefix(prefix): table[key] for key in own}
            yield (
                f"{place}{prefix}".rstrip(".") or ".",
                {key: value for key, value in found.items() if isinstance(value, Tensor) and _is_a_layer_s(key)},
            )


def _is_a_layer_s(key: str) -> bool:
    """Counters ("step") have no layer, and optimizers lie beside networks."""
    first, dot, _ = key.partition(".")
    return bool(dot) and "optim" not in first


def _weights_in(group: Group) -> int:
    """How many: averages often lack the counters of their layers, which are no weights."""
    return sum(value.is_floating_point() for value in group.values())


def check_numbers(state: Mapping[str, Tensor], name: str) -> None:
    """Raise CheckpointError for weights that are NaN or infinite: a network of those finds nothing, and says so in silence."""
    for key, value in state.items():
        if value.is_floating_point() and not bool(torch.isfinite(value.sum(dtype=torch.float32))):
            raise CheckpointError(
                f"{name}: '{key:.80}' holds NaN or infinite values. The file is damaged: download it again."
            )
