"""Choose the model of a command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..weights.find import bundled_notice, is_bundled, resolve_model


def chosen_model(name: str | None, folders: Sequence[Path]) -> Path:
    """Like ``resolve_model``; prints a notice when falling back to the bundled model."""
    path = resolve_model(name, folders)
    if name is None and is_bundled(path):
        print(bundled_notice(), file=sys.stderr)
    return path
