"""Where a file of weights that cannot be used can be had again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import LONGEST_LINE, CheckpointError, one_line
from .catalog import published_named
from .find import is_bundled


@contextmanager
def source_named(path: Path) -> Iterator[None]:
    """Where a file cannot be used in the block, its error also says where to get it, as far as its name tells.

    Raises:
        CheckpointError: The block's, with the address of the published file of this name, if there is one.
    """
    try:
        yield
    except CheckpointError as error:
        source, text = _source(path), str(error)
        if not source or source in text:
            raise
        told = one_line(text, LONGEST_LINE - len(source) - 2)
        end = "" if told.endswith((".", "?", "!", "…")) else "."
        raise CheckpointError(f"{told}{end} {source}") from error


def _source(path: Path) -> str:
    """A sentence; empty for files that nobody publishes."""
    if is_bundled(path):
        return "It is part of this package: reinstall that."
    entry = published_named(path.name)
    return f"The published file is at {entry.urls[0]}" if entry is not None and entry.urls else ""
