"""TOML tables into frozen dataclasses: every name known, every value of its type, every error with its place."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from ...errors import OptionError

T = TypeVar("T")


def from_table(kind: type[T], table: Mapping[str, Any], where: str) -> T:
    """A dataclass from a table of its fields; tables within become dataclasses within. Raises OptionError."""
    if not isinstance(table, Mapping):
        raise OptionError(f"{where}: a table was expected, not {table!r}")
    hints = typing.get_type_hints(kind)
    fields = {item.name: item for item in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = [name for name in table if name not in fields]
    if unknown:
        raise OptionError(f"{where}: unknown '{unknown[0]}'. Known: {', '.join(fields)}.")
    missing = [
        name
        for name, item in fields.items()
        if name not in table and item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise OptionError(f"{where}: '{missing[0]}' is missing")
    values = {name: _value(hints[name], value, f"{where}.{name}") for name, value in table.items()}
    try:
        return kind(**values)
    except OptionError as error:
        raise OptionError(f"{where}: {error}") from error


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None:  # in a saved state's JSON; TOML has none
            return None
        return _value(next(item for item in arguments if item is not type(None)), value, where)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if isinstance(value, list):  # a range as [low, high]
            names = [item.name for item in dataclasses.fields(hint)]
            if len(value) != len(names):
                raise OptionError(f"{where}: {len(names)} values expected ({', '.join(names)}), not {len(value)}")
            value = dict(zip(names, value))
        return from_table(hint, value, where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise OptionError(f"{where}: a list was expected, not {value!r}")
        if arguments[-1] is Ellipsis:
            return tuple(_value(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value))
        if len(value) != len(arguments):
            raise OptionError(f"{where}: {len(arguments)} values expected, not {len(value)}")
        return tuple(_value(item, element, where) for item, element in zip(arguments, value))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise OptionError(f"{where}: {hint.__name__} expected, not {value!r}")
    return value
