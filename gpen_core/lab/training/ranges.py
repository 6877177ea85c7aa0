"""Values that settings may have. Each check raises OptionError, naming the setting."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import OptionError


def choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise OptionError for a value that is none of the choices."""
    if value not in choices:
        raise OptionError(f"{name} is one of {', '.join(choices)}, not '{value}'")


def at_least(low: float, **values: float) -> None:
    """Raise OptionError, by name, for a value below ``low`` or that is no number."""
    for name, value in values.items():
        if not low <= value < float("inf"):
            raise OptionError(f"{name} is a number of at least {low:g}, not {value}")


def share(**values: float) -> None:
    """Raise OptionError, by name, for a value that is not in 0 … below 1."""
    for name, value in values.items():
        if not 0 <= value < 1:
            raise OptionError(f"{name} is a share, 0 … below 1, not {value}")
