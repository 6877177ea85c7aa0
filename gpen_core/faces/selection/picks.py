"""Faces picked by hand, kept as positions, so that they are found again after a rerun, a resize or another detector.

As JSON, which is what a workflow saves and what the node ``GPEN_SelectFaces`` takes in its widget ``picks``::

    {
      "version": 1,
      "include": [{"frame": 0, "x": 0.41, "y": 0.30, "size": 0.12}],
      "exclude": [],
      "others": "rules"
    }

- ``x``, ``y``: the middle of the face's box, in shares of the picture's width and height.
- ``size``: root of the box's area, as a share of the root of the picture's area.
- ``frame``: which picture of the batch, from 0.
- ``include``: chosen whatever the rules say. ``exclude``: never chosen; wins where a face is in both.
- ``others``: what becomes of faces that no pick names: "rules" (the default), or "none" (they are left out).

``include``, ``exclude``, ``others`` and ``frame`` may be absent, and other keys are ignored. No text at all means no picks.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ...errors import OptionError
from ...types import Face
from .orders import center_of

PICKS_VERSION = 1
OTHERS = ("rules", "none")
_LONGEST_TEXT, _MOST_PICKS = 1 << 20, 10_000
_NEAREST = 0.6  # of the mean size: the middles of one face's boxes, from two detectors, are closer
_SIZE_RATIO = 2.5  # boxes of one face, from two detectors, differ by less


@dataclass(frozen=True)
class Pick:
    """Where a face was when it was picked; see the module for the units.

    Attributes:
        x: Middle of its box, as a share of the picture's width.
        y: Middle of its box, as a share of the picture's height.
        size: Root of its area, as a share of the root of the picture's.
        frame: Index of the picture in its batch.
    """

    x: float
    y: float
    size: float
    frame: int = 0


@dataclass(frozen=True)
class Picks:
    """What was picked by hand.

    Attributes:
        include: Chosen, whatever the rules say.
        exclude: Never chosen.
        others: "rules", or "none" where faces that no pick names are left out.
    """

    include: tuple[Pick, ...] = ()
    exclude: tuple[Pick, ...] = ()
    others: str = "rules"


def pick_of(face: Face) -> Pick:
    """The pick that finds this face again."""
    (height, width), (x, y) = face.image_size, center_of(face)
    size = math.sqrt(max(face.width * face.height, 0.0) / (height * width))
    return Pick((x + 0.5) / width, (y + 0.5) / height, size, face.frame)


def read_picks(text: str) -> Picks:
    """Read picks from JSON; nothing in it is trusted.

    Args:
        text: As this module describes it; "" for no picks.

    Returns:
        The picks.

    Raises:
        OptionError: The text is anything else.
    """
    if not text.strip():
        return Picks()
    if len(text) > _LONGEST_TEXT:
        raise _wrong(f"longer than {_LONGEST_TEXT} characters")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong("not JSON") from error
    if not isinstance(data, dict):
        raise _wrong("not an object with version, include and exclude")
    version = data.get("version")
    if isinstance(version, int) and version > PICKS_VERSION:
        raise OptionError(f"the picks are of version {version}, made by a newer version of this pack: update it")
    if version != PICKS_VERSION or isinstance(version, bool):
        raise _wrong(f"version is {str(version)[:20]}, not {PICKS_VERSION}")
    others = data.get("others", OTHERS[0])
    if others not in OTHERS:
        raise _wrong(f"others is {str(others)[:20]}, not one of {', '.join(OTHERS)}")
    return Picks(_picks(data, "include"), _picks(data, "exclude"), others)


def write_picks(picks: Picks) -> str:
    """The picks as JSON, which ``read_picks`` reads."""
    lists = {"include": [asdict(pick) for pick in picks.include], "exclude": [asdict(pick) for pick in picks.exclude]}
    return json.dumps({"version": PICKS_VERSION, **lists, "others": picks.others})


def find_picked(picks: Sequence[Pick], faces: Sequence[Face]) -> tuple[frozenset[int], tuple[Pick, ...]]:
    """Find picked faces among those detected now: the nearest of about the same size, each for one pick.

    Args:
        picks: What was picked.
        faces: From any number of frames.

    Returns:
        The places in ``faces`` of those found, and the picks that found none.
    """
    pairs = (
        (_apart(pick, face), number, place)
        for number, pick in enumerate(picks)
        for place, face in enumerate(faces)
        if face.frame == pick.frame
    )
    found: set[int] = set()
    done: set[int] = set()
    for _, number, place in sorted(pair for pair in pairs if pair[0] < math.inf):
        if number not in done and place not in found:
            done.add(number)
            found.add(place)
    return frozenset(found), tuple(pick for number, pick in enumerate(picks) if number not in done)


def _apart(pick: Pick, face: Face) -> float:
    """How far a face is from where the pick was, in sizes; infinite where it is another face."""
    now, (height, width) = pick_of(face), face.image_size
    if not now.size > 0:
        return math.inf
    ratio = max(now.size / pick.size, pick.size / now.size)
    distance = math.hypot((now.x - pick.x) * width, (now.y - pick.y) * height) / math.sqrt(height * width)
    apart = 2 * distance / (now.size + pick.size)
    return apart + math.log(ratio) if ratio <= _SIZE_RATIO and apart <= _NEAREST else math.inf


def _picks(data: dict[str, object], name: str) -> tuple[Pick, ...]:
    entries = data.get(name, [])
    if not isinstance(entries, list):
        raise _wrong(f"{name} is not a list")
    if len(entries) > _MOST_PICKS:
        raise _wrong(f"{name} has {len(entries)} picks; at most {_MOST_PICKS} are read")
    return tuple(_pick(entry, f"{name}[{number}]") for number, entry in enumerate(entries))


def _pick(entry: object, where: str) -> Pick:
    if not isinstance(entry, dict):
        raise _wrong(f"{where} is not an object with x, y and size")
    frame = entry.get("frame", 0)
    if not isinstance(frame, int) or isinstance(frame, bool) or not 0 <= frame < 1 << 31:
        raise _wrong(f"{where}.frame is not a whole number from 0")
    x, y = (_number(entry, name, -1.0, 2.0, where) for name in ("x", "y"))  # boxes may reach beyond the picture
    return Pick(x, y, _number(entry, "size", 1e-4, 4.0, where), frame)


def _number(entry: dict[str, object], name: str, least: float, most: float, where: str) -> float:
    value = entry.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise _wrong(f"{where}.{name} is not a number from {least:g} to {most:g}")
    return float(value)


def _wrong(what: str) -> OptionError:
    return OptionError(
        f"the picks cannot be read: {what}. Clear them in the face picker, or empty the field, and pick again."
    )
