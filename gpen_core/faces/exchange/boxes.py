"""Boxes that somebody else says: ComfyUI's BOUNDING_BOX in all its shapes, or typed."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import OptionError
from ...types import Box

_LONGEST_TEXT, _MOST_BOXES = 1 << 20, 10_000
_SHAPES = (
    "a box is {x, y, width, height} in pixels; several are a list of those (for every image), or a list of such lists "
    "(one for each image)"
)


@dataclass(frozen=True)
class GivenBox:
    """Where somebody says that a face is.

    Attributes:
        box: x0, y0, x1, y1 in pixels of the frame.
        frame: Index of that frame in its batch.
        label: What it was called, such as "face"; may be empty.
    """

    box: Box
    frame: int = 0
    label: str = ""

    def __str__(self) -> str:
        x0, y0, x1, y1 = self.box
        return f"{x0:.0f}, {y0:.0f}, {x1 - x0:.0f}×{y1 - y0:.0f} in image {self.frame + 1}"


def read_boxes(value: object, frames: int) -> tuple[GivenBox, ...]:
    """Read ComfyUI's BOUNDING_BOX.

    Args:
        value: One box {x, y, width, height[, label]} or a list of boxes, which are for every frame; or a list of such lists,
            one for each frame, or a single one for all of them.
        frames: Number of frames in the batch.

    Returns:
        The boxes, in the order of the frames.

    Raises:
        OptionError: The value is something else, a box has no area, or there are lists for another number of frames.
    """
    lists = _lists(value)
    if len(lists) == 1:
        lists = lists * frames
    if len(lists) != frames:
        raise OptionError(f"the boxes are for {len(lists)} images, but there are {frames}: connect the same images")
    if sum(map(len, lists)) > _MOST_BOXES:
        raise OptionError(f"there are more than {_MOST_BOXES} boxes")
    return tuple(_box(entry, index) for index, entries in enumerate(lists) for entry in entries)


def parse_boxes(text: str, frames: int) -> tuple[GivenBox, ...]:
    """Read typed boxes.

    Args:
        text: One box a line, "x, y, width, height" in pixels, for every frame; or JSON as ``read_boxes`` takes it.
        frames: Number of frames in the batch.

    Returns:
        The boxes, in the order of the frames; none for an empty text.

    Raises:
        OptionError: Something else was typed.
    """
    if len(text) > _LONGEST_TEXT:
        raise OptionError(f"the text of the boxes is longer than {_LONGEST_TEXT} characters")
    if text.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise OptionError("the boxes look like JSON, but are not: check brackets and commas") from error
        return read_boxes(value, frames)
    return read_boxes([_line(line) for line in re.split(r"[\n;；]", text) if line.strip()], frames)


def _line(line: str) -> dict[str, float]:
    plain = unicodedata.normalize("NFKC", line).replace(
        "、", ","
    )  # wide digits and commas of Chinese and Japanese keyboards
    words = [word for word in re.split(r"[\s,]+", plain.strip()) if word]
    try:
        x, y, width, height = map(float, words)
    except ValueError as error:
        raise OptionError(
            f"'{line.strip()[:40]}' is no box. Write x, y, width, height in pixels, one box a line"
        ) from error
    return {"x": x, "y": y, "width": width, "height": height}


def _lists(value: object) -> list[Sequence[object]]:
    if isinstance(value, dict):
        return [[value]]
    if not isinstance(value, list | tuple):
        raise OptionError(f"these are no boxes, but {type(value).__name__}: {_SHAPES}")
    if all(isinstance(entry, dict) for entry in value):
        return [value]
    if all(isinstance(entry, list | tuple) for entry in value):
        return list(value)
    raise OptionError(f"these are no boxes: {_SHAPES}")


def _box(entry: object, frame: int) -> GivenBox:
    if not isinstance(entry, dict):
        raise OptionError(f"one of the boxes is {type(entry).__name__}: {_SHAPES}")
    x, y, width, height = (_number(entry, name) for name in ("x", "y", "width", "height"))
    if width <= 0 or height <= 0:
        raise OptionError(f"a box at {x:g}, {y:g} is {width:g}×{height:g} pixels: width and height must be above 0")
    label = entry.get("label", "")
    return GivenBox((x, y, x + width, y + height), frame, label if isinstance(label, str) else "")


def _number(entry: dict[object, object], name: str) -> float:
    value = entry.get(name)
    if isinstance(value, bool) or not hasattr(value, "__float__"):  # NumPy's numbers and tensors of one are numbers too
        raise OptionError(f"a box has no number '{name}': {_SHAPES}")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        number = math.nan
    if not math.isfinite(number) or abs(number) > 1e9:
        raise OptionError(f"'{name}' of a box is not a number of pixels: {str(value)[:40]}")
    return number
