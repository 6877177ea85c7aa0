"""A generator's configuration as text in its file, and back. What a file says is not believed until it is checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, asdict, fields
from types import MappingProxyType
from typing import Any

from ..errors import CheckpointError, OptionError
from ..model import GpenConfig
from ..weights.reading import OWN_KEYS as OWN_KEYS

CONFIG_KEY = "gpen.config"  # of the generator, as JSON
TASK_KEY = "gpen.task"

# Bounds on what is built, without memory, for a file that claims anything.
_LONGEST_TEXT = 1 << 16
_LARGEST = 16384  # a size or a width
_MOST_LEVELS = 16
MOST_MAPPING_LAYERS = 64


def config_text(config: GpenConfig) -> str:
    """A configuration as JSON."""
    return json.dumps(asdict(config))


def config_from_text(text: str, name: str) -> GpenConfig:
    """The configuration that ``config_text`` wrote; ``name`` is for messages. Fields that it lacks take their defaults.

    Raises CheckpointError for anything but a possible configuration of moderate size.
    """
    table = _parsed(text, name)
    known = {field.name: field for field in fields(GpenConfig)}
    for key, value in table.items():
        if key not in known:
            raise CheckpointError(
                f"{name}: its configuration has an unknown field {key!r:.40}. A newer version wrote it?"
            )
        if not _fits(known[key], value):
            raise CheckpointError(f"{name}: its configuration's '{key}' is {value!r:.40}. The file is malformed.")
    missing = [key for key, field in known.items() if field.default is MISSING and key not in table]
    if missing:
        raise CheckpointError(f"{name}: its configuration has no '{missing[0]}'. The file is malformed.")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    try:
        return GpenConfig(**values)
    except OptionError as error:
        raise CheckpointError(f"{name}: its configuration is of no possible network: {error}") from error


def _parsed(text: str, name: str) -> Mapping[str, Any]:
    try:
        table = json.loads(text) if len(text) <= _LONGEST_TEXT else None
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{name}: its configuration is not valid JSON. The file is malformed.") from error
    if not isinstance(table, dict):
        raise CheckpointError(f"{name}: its configuration is not a table of moderate size. The file is malformed.")
    return table


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST


# By a field's annotation, which is a string in the configuration's module.
_TYPES: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "int": _is_number,
        "bool": lambda value: isinstance(value, bool),
        "str": lambda value: isinstance(value, str),
        "tuple[int, ...]": lambda value: (
            isinstance(value, list) and len(value) <= _MOST_LEVELS and all(map(_is_number, value))
        ),
    }
)


def _fits(field: Field[Any], value: object) -> bool:
    if field.name == "mapping_layers" and _is_number(value) and value > MOST_MAPPING_LAYERS:  # type: ignore[operator]
        return False
    return _TYPES[str(field.type)](value)
