"""The upscaling network in a file, within whatever wraps it: tables of any name, longer names, other things beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from ..errors import CheckpointError
from ..weights.tables import Group, check_count, distinct, listed, tables_of, without_moments, without_raw

_DEEPEST = 6  # wrappers in a name


def network_in(content: Group, name: str) -> Any:
    """spandrel's description of a file's network, averaged weights before raw ones.

    Args:
        content: The file's.
        name: What messages call it.

    Raises:
        CheckpointError: There is none that enlarges color pictures, or several different ones.
    """
    import spandrel

    networks: dict[str, Any] = {}
    groups: dict[str, Group] = {}
    reasons: list[str] = []
    for place, group in _groups(content, name):
        if any(place == other or other == "." or place.startswith(f"{other}.") for other in networks):
            continue  # a part of one that was found
        try:
            found = spandrel.ModelLoader().load_from_state_dict(spandrel.canonicalize_state_dict(dict(group)))
        except spandrel.UnsupportedModelError:
            continue
        except (RuntimeError, KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
            reasons.append(f"the network cannot be built ({error})")
            continue
        if not isinstance(found, spandrel.ImageModelDescriptor) or (found.input_channels, found.output_channels) != (
            3,
            3,
        ):
            reasons.append(f"a network for {found.purpose}, which takes no plain color pictures")
            continue
        networks[place], groups[place] = found, group
    chosen = list(distinct(without_raw(without_moments(groups))))
    if len(chosen) > 1:
        raise CheckpointError(
            f"{name}: holds {len(chosen)} different networks: {listed({place: groups[place] for place in chosen})}. Save the "
            "one that is meant in a file of its own."
        )
    if not chosen:
        unknown = f"no upscaling network that spandrel {spandrel.__version__} knows"
        raise CheckpointError(f"{name}: {reasons[0] if reasons else unknown}")
    return networks[chosen[0]]


def _groups(content: Group, name: str) -> Iterator[tuple[str, Group]]:
    """Where networks may lie ("a.b"; "." for the top) → tensors: each table, then what its names have in common."""
    count = 0
    waiting = [(place.rstrip("."), _tensors_in(table), 0) for place, table in tables_of(content)]
    while waiting:
        place, group, depth = waiting.pop(0)
        if not any("." in key for key in group):
            continue
        count += 1
        check_count(count, name)
        yield place or ".", group
        if depth < _DEEPEST:
            parts: dict[str, dict[str, Any]] = {}
            for key, value in group.items():
                first, dot, rest = key.partition(".")
                if dot and not first.isdecimal():
                    parts.setdefault(first, {})[rest] = value
            waiting += [(f"{place}.{first}".strip("."), part, depth + 1) for first, part in parts.items()]


def _tensors_in(table: Mapping[Any, Any]) -> dict[str, Tensor]:
    """Without what has no layer and is no weight: counters, states of generators of numbers."""
    tensors = {key: value for key, value in table.items() if isinstance(key, str) and isinstance(value, Tensor)}
    return {key: value for key, value in tensors.items() if "." in key or value.is_floating_point()}
