"""The table at the beginning of a safetensors file, looked at before the library that reads it takes memory for it."""

from __future__ import annotations

import json
import mmap
from typing import Any

from .malformed import LONGEST_KEY, Malformed

_LARGEST = 4 << 20  # bytes; that of a network of a thousand layers has 200 KiB
_MOST_TENSORS = 1 << 16


def check_header(file: mmap.mmap) -> None:
    """Raise Malformed for a table that is larger than any network's, no JSON, or names something twice."""
    length = int.from_bytes(file[:8], "little")
    if length > _LARGEST or length > len(file) - 8:
        raise Malformed(f"its table of contents would have {length:,} bytes")
    try:
        table = json.loads(file[8 : 8 + length], object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise Malformed("its table of contents is not valid JSON") from error
    if not isinstance(table, dict) or len(table) > _MOST_TENSORS:
        raise Malformed(f"its table of contents is no table of at most {_MOST_TENSORS:,} tensors")
    if any(len(key) > LONGEST_KEY for key in table):
        raise Malformed(f"a key in its table of contents has more than {LONGEST_KEY:,} characters")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise Malformed("its table of contents names a tensor twice")
    return table
