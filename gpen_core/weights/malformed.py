"""Why a file of weights is not read, before it is known to the person by its name (see ``reading``)."""

from __future__ import annotations

LONGEST_KEY = 1024  # characters of a name in a file; a weight's has a hundred


class Malformed(Exception):
    """The file's bytes contradict its format: damaged, cut short, or made to deceive. The message is a few words."""


class Refused(Malformed):
    """The file is well formed but is not read. The message is whole sentences."""
