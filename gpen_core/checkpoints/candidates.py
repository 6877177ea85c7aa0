"""Which of a file's tables are GPEN generators, however they are wrapped: in tables of any name, or in longer names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from torch import Tensor

from ..commands import gpen
from ..errors import CheckpointError, OptionError, one_line
from ..weights.tables import Group, check_count, distinct, listed, tables_of, without_moments, without_raw

# What a generator's weights begin with, of which the first group only is found nowhere else.
_MARK = re.compile(r"(?:^|(?<=\.))(?:ecd\d+\.\d|generator\.(?:input|conv1|convs|to_rgb1|to_rgbs|style)\.)")
_OWN = re.compile(r"(?:ecd\d+|encoder|generator|final_linear)\.")
_SPREAD = re.compile(r"((?:^|(?<=\.))(?:ecd\d+|generator|final_linear))\.module\.")
_DISCRIMINATOR_MARK = re.compile(r"(.+\.)(?:final_conv\.0\.weight|scales\.\d+\.0\.0\.weight)")


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
        CheckpointError: Several different ones are there, or none.
        OptionError: None of those that are there is called ``part``.
    """
    groups = without_moments({place or ".": group for place, group in _groups(content, name)})
    if part is not None:
        if part not in groups:
            if groups:
                raise OptionError(one_line(f"{name}: no GPEN generator '{part:.60}' in it. There is {listed(groups)}."))
            raise CheckpointError(f"{name}: no GPEN generator '{part:.60}' in it. There is none at all.")
        return groups[part]
    if len(groups) < 2:
        return next(iter(groups.values()), None)
    averaged = without_raw(groups)
    whole = {place: group for place, group in averaged.items() if is_whole(group)} or {
        place: group for place, group in groups.items() if place not in averaged and is_whole(group)
    }
    found = distinct(whole or averaged)
    if len(found) > 1 and whole:
        raise CheckpointError(
            f"{name}: holds {len(found)} different GPEN generators: {listed(found)}. Choose one: "
            f"{gpen('convert --part NAME')} makes a file of it; in Python, load_checkpoint takes it as part."
        )
    return next(iter(found.values()))


def _groups(content: Group, name: str) -> Iterator[tuple[str, Group]]:
    """Where generators may lie ("a.b"; "" for the top) → the table of that level, without the names of wrappers."""
    count = 0
    for place, found in tables_of(content):
        table = _without_module(found)
        names = [key for key in table if isinstance(key, str)]
        prefixes = {key[: mark.start()] for key in names if (mark := _MARK.search(key))}
        count += len(prefixes)
        check_count(count, name)
        for prefix in sorted(prefixes):
            others = tuple(other for other in prefixes if len(other) > len(prefix) and other.startswith(prefix))
            group = {
                key[len(prefix) :]: value
                for key, value in table.items()
                if isinstance(key, str) and key.startswith(prefix) and not (others and key.startswith(others))
            }
            if not prefix:  # what has no name is refused where the weights are
                group |= {key: value for key, value in table.items() if not isinstance(key, str)}
            yield f"{place}{prefix}".rstrip("."), _without_company(group, name)


def _without_module(table: Group) -> Group:
    """Without what each part of a network is called in where it was spread over GPUs by itself."""
    if not any(isinstance(key, str) and _SPREAD.search(key) for key in table):
        return table
    plain = {_SPREAD.sub(r"\1.", key) if isinstance(key, str) else key: value for key, value in table.items()}
    return plain if len(plain) == len(table) else table


def _without_company(group: Group, name: str) -> Group:
    """Without what lies beside weights and is none of them: tables, texts, counters, optimizers, discriminators."""
    others = {key: value for key, value in group.items() if not (isinstance(key, str) and _OWN.match(key))}
    discriminators = tuple(
        {mark[1] for key in others if isinstance(key, str) and (mark := _DISCRIMINATOR_MARK.fullmatch(key))}
    )
    check_count(len(discriminators), name)

    def is_company(key: object, value: object) -> bool:
        if not isinstance(key, str):
            return False
        if not isinstance(value, Tensor) or not value.is_floating_point() or value.numel() == 1:
            return True
        return "optim" in key.partition(".")[0] or bool(discriminators and key.startswith(discriminators))

    return {key: value for key, value in group.items() if key not in others or not is_company(key, value)}
