"""What a file of weights holds: tables within tables and lists, and which of several networks is the one that is meant.

Trainers write a network, its average, an optimizer with moments under the same names, and more, under names of their own.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ..errors import CheckpointError

Group = Mapping[str, Any]

# What trainers call averaged weights: "ema", or a name with it ("g_ema", "ema_g", "params-ema", "netGEMA"), or an older word.
_AVERAGED = re.compile(
    r"(?:^|[-_])(?i:ema|swa|averaged|(?<!exp_)avg|polyak|shadow)(?=[-_]|$)|(?<=[a-z0-9G])(?:EMA|Ema)(?![a-z])"
)
_ONLINE = re.compile(r"(?:^|[-_])online(?=[-_]|$)")  # raw ones beside their average, also in a table called "ema"
_CURRENT, _AVERAGED_INSTEAD = "current_model_state", "state_dict"  # Lightning's WeightAveraging: the first are raw then
# What torch puts into the names of layers that it compiles, spreads or recomputes.
_OF_TORCH = re.compile(r"(?:^|(?<=\.))(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
_WRAPPERS = frozenset(
    ["module", "_orig_mod", "model", "net", "network", "params", "state_dict", "weights", "callbacks"]
)
# Names of tables that have a model's keys, and none of its weights: an optimizer's moments, gradients.
_MOMENTS = re.compile(
    r"(?:max_)?exp_avg(?:_sq)?|momentum(?:_buffer)?|grads?|gradients?|(?:.*_)?optim(?:izer)?s?(?:_.*)?"
)
_DEEPEST = 8
_SHOWN = 3
_MOST_NETWORKS = 64  # in a file: each is compared with all others


def tables_of(content: Group) -> Iterator[tuple[str, Group]]:
    """Every table within tables and lists, once, and what its place begins with."""
    waiting: deque[tuple[tuple[Any, ...], Any]] = deque([((), content)])
    seen = {id(content)}
    while waiting:
        keys, table = waiting.popleft()
        if isinstance(table, Mapping):
            yield "".join(f"{key}." for key in keys), _as_written(table)
        for key, value in table.items() if isinstance(table, Mapping) else enumerate(table):
            if isinstance(value, Mapping | list | tuple) and id(value) not in seen and len(keys) < _DEEPEST:
                seen.add(id(value))
                waiting.append(((*keys, key), value))


def _as_written(table: Group) -> Group:
    """Under the names that its layers have where the network is written, without what torch puts into them."""
    if not any(isinstance(key, str) and _OF_TORCH.search(key) for key in table):
        return table
    plain = {_OF_TORCH.sub("", key) if isinstance(key, str) else key: value for key, value in table.items()}
    return plain if len(plain) == len(table) else table


def check_count(count: int, name: str) -> None:
    """Raise CheckpointError for more networks in the file ``name`` than anybody saves in one."""
    if count > _MOST_NETWORKS:
        raise CheckpointError(
            f"{name}: holds more than {_MOST_NETWORKS} networks. Save the one that is meant in a file of its own."
        )


def without_moments(groups: Mapping[str, Group]) -> dict[str, Group]:
    """Without what belongs to an optimizer, unless there is nothing else."""
    models = {place: group for place, group in groups.items() if not any(map(_MOMENTS.fullmatch, place.split(".")))}
    return models or dict(groups)


def without_raw(groups: Mapping[str, Group]) -> dict[str, Group]:
    """Without those of which the file holds the average."""
    current = {place for place in groups if _CURRENT in place and place.replace(_CURRENT, _AVERAGED_INSTEAD) in groups}
    groups = {place: group for place, group in groups.items() if place not in current}
    averages = [place for place in groups if _is_average(place)]
    raw = {place: _subject(place) for place in groups if place not in averages}
    averaged = set()
    for place in averages:
        of = _subject(place)
        same = {other for other, subject in raw.items() if subject == of}
        if not same and "ema" in place.lower().split("."):  # and nothing else: it is that of what is beside it
            near = {other: groups[other] for other, subject in raw.items() if subject[: len(of)] == of}
            same = set(near) if len(distinct(near)) == 1 else set()
        averaged |= same
    return {place: group for place, group in groups.items() if place not in averaged}


def distinct(groups: Mapping[str, Group]) -> dict[str, Group]:
    """Of those that hold the same numbers, the first with the most bits."""
    found: dict[str, Group] = {}
    for place, group in groups.items():
        same = next((other for other in found if _are_same(group, found[other])), None)
        if same is not None and _bytes_in(group) <= _bytes_in(found[same]):
            continue
        if same is not None:
            del found[same]
        found[place] = group
    return found


def listed(groups: Mapping[str, Group]) -> str:
    """Their places, for a message."""
    places = [f"'{place:.60}'" for place in groups]
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return ", ".join(places[:_SHOWN]) + more


def _subject(place: str) -> tuple[str, ...]:
    """Whose weights a place holds, averaged or not: ("a", "g") of "a.g_ema.module" and of "a.G"."""
    parts = (_ONLINE.sub("", _AVERAGED.sub("", part)).strip("-_").lower() for part in place.split("."))
    return tuple(part for part in parts if part and part not in _WRAPPERS)


def _is_average(place: str) -> bool:
    name = place.replace(".", "_")
    return _AVERAGED.search(name) is not None and _ONLINE.search(name) is None


def _are_same(one: Group, other: Group) -> bool:
    return one.keys() == other.keys() and all(_are_equal(one[key], other[key]) for key in one)


def _are_equal(one: object, other: object) -> bool:
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        return one is other
    if one.shape != other.shape or one.is_floating_point() != other.is_floating_point():
        return False
    fewer = min(one.dtype, other.dtype, key=lambda dtype: dtype.itemsize)
    return torch.equal(one.to(fewer), other.to(fewer))


def _bytes_in(group: Group) -> int:
    return sum(value.nbytes for value in group.values() if isinstance(value, Tensor))
