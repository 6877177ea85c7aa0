"""Which of a file's tables are GPEN generators, however they are wrapped: in tables of any name, or in longer names."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ..commands import gpen
from ..errors import CheckpointError

# What a generator's weights begin with, of which the first group only is found nowhere else.
_MARK = re.compile(r"(?:^|(?<=\.))(?:ecd\d+\.\d|generator\.(?:input|conv1|convs|to_rgb1|to_rgbs|style)\.)")
_OWN = re.compile(r"(?:ecd\d+|encoder|generator|final_linear)\.")
_DISCRIMINATOR_MARK = re.compile(r"(.+\.)(?:final_conv\.0\.weight|scales\.\d+\.0\.0\.weight)")
# What trainers call averaged weights: "ema", or a name with it ("g_ema", "ema_g").
_AVERAGED = re.compile(r"(?:^|_)ema(?=_|$)", re.IGNORECASE)
_WRAPPERS = frozenset(["module", "_orig_mod", "model", "net", "network", "params", "state_dict", "weights"])
# Names of tables that have a model's keys, and none of its weights: an optimizer's moments, gradients.
_MOMENTS = re.compile(
    r"(?:max_)?exp_avg(?:_sq)?|momentum(?:_buffer)?|grads?|gradients?|(?:.*_)?optim(?:izer)?s?(?:_.*)?"
)
_DEEPEST = 8
_SHOWN = 3

Group = Mapping[str, Any]


def generator_group(
    content: Group, name: str, is_whole: Callable[[Group], bool], part: str | None = None
) -> Group | None:
    """What holds a generator in ``content``, under a generator's own names; None where nothing does.

    Averaged weights ("…_ema") stand for raw ones, and what is whole for what is not.

    Args:
        content: A file's.
        name: What messages call the file.
        is_whole: Whether a group is a complete generator.
        part: Which one is wanted, by the name under which it lies; None where only one can be meant.

    Raises:
        CheckpointError: Several different ones are there, or none is called ``part``.
    """
    groups = _models({place or ".": group for place, group in _groups(content)})
    if part is not None:
        if part not in groups:
            there = _listed(groups) if groups else "none at all"
            raise CheckpointError(f"{name}: no GPEN generator '{part:.60}' in it. There is {there}.")
        return groups[part]
    if len(groups) < 2:
        return next(iter(groups.values()), None)
    averaged = _without_raw(groups)
    whole = {place: group for place, group in averaged.items() if is_whole(group)} or {
        place: group for place, group in groups.items() if place not in averaged and is_whole(group)
    }
    found = _distinct(whole or averaged)
    if len(found) > 1 and whole:
        raise CheckpointError(
            f"{name}: holds {len(found)} different GPEN generators: {_listed(found)}. Choose one: "
            f"{gpen('convert --part NAME')} makes a file of it; in Python, load_checkpoint takes it as part."
        )
    return next(iter(found.values()))


def _groups(content: Group) -> Iterator[tuple[str, Group]]:
    """Where generators may lie ("a.b"; "" for the top) → the table of that level, without the names of wrappers."""
    for place, table in _tables(content):
        names = [key for key in table if isinstance(key, str)]
        prefixes = {key[: mark.start()] for key in names if (mark := _MARK.search(key))}
        for prefix in sorted(prefixes):
            others = tuple(other for other in prefixes if len(other) > len(prefix) and other.startswith(prefix))
            group = {
                key[len(prefix) :]: value
                for key, value in table.items()
                if isinstance(key, str) and key.startswith(prefix) and not (others and key.startswith(others))
            }
            if not prefix:  # what has no name is refused where the weights are
                group |= {key: value for key, value in table.items() if not isinstance(key, str)}
            yield f"{place}{prefix}".rstrip("."), _without_company(group)


def _tables(content: Group) -> Iterator[tuple[str, Group]]:
    """Every table within tables and lists, once, and what its place begins with."""
    waiting: deque[tuple[str, Any, int]] = deque([("", content, 0)])
    seen = {id(content)}
    while waiting:
        place, table, depth = waiting.popleft()
        if isinstance(table, Mapping):
            yield place, table
        for key, value in table.items() if isinstance(table, Mapping) else enumerate(table):
            if isinstance(value, Mapping | list | tuple) and id(value) not in seen and depth < _DEEPEST:
                seen.add(id(value))
                waiting.append((f"{place}{key}.", value, depth + 1))


def _without_company(group: Group) -> Group:
    """Without what lies beside weights and is none of them: tables, texts, counters, optimizers, discriminators."""
    others = {key: value for key, value in group.items() if not (isinstance(key, str) and _OWN.match(key))}
    discriminators = tuple(
        {mark[1] for key in others if isinstance(key, str) and (mark := _DISCRIMINATOR_MARK.fullmatch(key))}
    )

    def is_company(key: object, value: object) -> bool:
        if not isinstance(key, str):
            return False
        if not isinstance(value, Tensor) or not value.is_floating_point() or value.numel() == 1:
            return True
        return "optim" in key.partition(".")[0] or bool(discriminators and key.startswith(discriminators))

    return {key: value for key, value in group.items() if key not in others or not is_company(key, value)}


def _models(groups: Mapping[str, Group]) -> dict[str, Group]:
    """Without what belongs to an optimizer, unless there is nothing else."""
    models = {place: group for place, group in groups.items() if not any(map(_MOMENTS.fullmatch, place.split(".")))}
    return models or dict(groups)


def _without_raw(groups: Mapping[str, Group]) -> dict[str, Group]:
    """Without those of which the file holds the average."""
    averages = [place for place in groups if _AVERAGED.search(place.replace(".", "_"))]
    raw = {place: _subject(place) for place in groups if place not in averages}
    averaged = set()
    for place in averages:
        of = _subject(place)
        same = {other for other, subject in raw.items() if subject == of}
        if not same and "ema" in place.lower().split(
            "."
        ):  # a name that says nothing else: it is that of what is beside it
            near = {other: groups[other] for other, subject in raw.items() if subject[: len(of)] == of}
            same = set(near) if len(_distinct(near)) == 1 else set()
        averaged |= same
    return {place: group for place, group in groups.items() if place not in averaged}


def _subject(place: str) -> tuple[str, ...]:
    """Whose weights a place holds, averaged or not: ("a", "g") of "a.g_ema.module" and of "a.G"."""
    parts = (_AVERAGED.sub("", part).strip("_") for part in place.lower().split("."))
    return tuple(part for part in parts if part and part not in _WRAPPERS)


def _distinct(groups: Mapping[str, Group]) -> dict[str, Group]:
    """The first of those that hold the same numbers."""
    found: dict[str, Group] = {}
    for place, group in groups.items():
        if not any(_are_same(group, other) for other in found.values()):
            found[place] = group
    return found


def _are_same(one: Group, other: Group) -> bool:
    return one.keys() == other.keys() and all(_are_equal(one[key], other[key]) for key in one)


def _are_equal(one: object, other: object) -> bool:
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        return one is other
    return one.shape == other.shape and one.dtype == other.dtype and torch.equal(one, other)


def _listed(groups: Mapping[str, Group]) -> str:
    places = [f"'{place:.60}'" for place in groups]
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return ", ".join(places[:_SHOWN]) + more
