"""The errors a user can act on. Every message says what is wrong, which file or value, and what to do next."""

from dataclasses import fields
from numbers import Integral, Real
from typing import Any

LONGEST_LINE = 300  # characters of a message
_JOINING = "\u200c\u200d"  # parts of words and of emoji


def one_line(text: str, most: int = LONGEST_LINE) -> str:
    """Text that others wrote, fit for a message: no line breaks, no control characters, at most ``most`` characters."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(printable.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def visible(text: str, kept: str = "") -> str:
    """What may have a file's name in it, for a terminal: what would move the cursor, color or turn the text is an escape.

    Args:
        text: The text.
        kept: Characters that stay as they are.
    """
    kept += _JOINING
    return "".join(
        char if char.isprintable() or char in kept else char.encode("unicode_escape").decode() for char in text
    )


class GpenError(Exception):
    """Base of every error this package raises on purpose."""

    def __init_subclass__(cls) -> None:
        # ComfyUI shows an exception under its module's name, which for a pack is the path it lies at.
        cls.__module__ = "gpen_core.errors"


class CheckpointError(GpenError):
    """A weight file that cannot be used: damaged, of another network, or unsafe. Its message is one line (``one_line``)."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class MissingWeightsError(GpenError):
    """Weights that are not on this machine. The message names the file, where to put it and where to get it."""


class DownloadError(GpenError):
    """A download that could not be finished or whose content is not what the catalog says."""


class ImageError(GpenError):
    """A picture that cannot be read or written, or a tensor that is not a picture."""


class OptionError(GpenError, ValueError):
    """A setting outside its range."""


class RestorationError(GpenError):
    """The network ran but its result cannot be used, or it could not run in the memory there is."""


class TrainingError(GpenError):
    """Training cannot go on: it diverged, its data is gone, or its saved state does not fit."""


def check_numbers(options: Any, *names: str) -> None:
    """Raise OptionError unless these settings are numbers: whole ones, or None, where their annotations say so."""
    kinds = {field.name: str(field.type) for field in fields(options)}
    for name in names:
        value = getattr(options, name)
        if value is None and "None" in kinds[name]:
            continue
        if isinstance(value, bool) or not isinstance(value, Real):
            raise OptionError(f"{name} must be a number, not {one_line(repr(value), 40)}")
        if kinds[name].startswith("int") and not isinstance(value, Integral):  # 2.0 is none where torch counts
            raise OptionError(f"{name} must be a whole number, not {value}")


def check_kind(options: object, name: str, kind: type) -> None:
    """Raise OptionError unless this setting is of a kind."""
    value = getattr(options, name)
    if not isinstance(value, kind):
        raise OptionError(f"{name} must be {kind.__name__}, not {one_line(repr(value), 40)}")


def check_texts(options: object, *names: str) -> None:
    """Raise OptionError unless these settings are texts."""
    for name in names:
        value = getattr(options, name)
        if not isinstance(value, str):
            raise OptionError(f"{name} must be a text, not {one_line(repr(value), 40)}")
