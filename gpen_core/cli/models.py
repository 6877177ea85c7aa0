"""Which model a command works with."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..weights.find import bundled_notice, is_bundled, resolve_model


def chosen_model(name: str | None, folders: Sequence[Path]) -> Path:
    """As ``resolve_model``; says so on stderr where nobody chose and the bundled model is all there is."""
    path = resolve_model(name, folders)
    if name is None and is_bundled(path):
        print(bundled_notice(), file=sys.stderr)
    return path
