"""Why a file of weights is not read, before it is known to the person by its name (see ``reading``)."""

from __future__ import annotations


class Malformed(Exception):
    """The file's bytes contradict its format: damaged, cut short, or made to deceive. The message is a few words."""


class Refused(Malformed):
    """The file is well formed but is not read. The message is whole sentences."""
