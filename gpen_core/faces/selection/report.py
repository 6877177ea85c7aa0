"""A selection as plain data, for whoever draws it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ...types import Face
from .decisions import Choice, Selection
from .picks import pick_of

REPORT_VERSION = 1


def selection_report(selection: Selection) -> dict[str, Any]:
    """What a face picker draws, as JSON data.

    Args:
        selection: From ``choose_faces``.

    Returns:
        ::

            {
              "version": 1,
              "faces": [{
                "index": 0,             # number in its frame: what the index list counts
                "id": 1,                # which face of the run
                "frame": 0,             # which picture of the batch
                "box": [x0, y0, x1, y1],        # in shares of the picture's width and height; may leave [0, 1]
                "landmarks": [[x, y], …],       # five, in the same shares
                "width": 97, "height": 124,     # of the box, in pixels of the picture
                "score": 0.99,
                "quality": 0.4,         # or null
                "chosen": true,
                "state": "chosen",      # "included", "excluded", "limits", "left_out"
                "why": "",              # a few words
                "rules": {"state": "chosen", "why": ""},  # the same if nothing had been picked
                "pick": {"x": …, "y": …, "size": …, "frame": 0}  # to be put into include or exclude as it is
              }, …],
              "lost": [{"list": "include", "x": …, "y": …, "size": …, "frame": 0}, …],
              "absent": [7],            # numbers of the index list that no picture has
              "text": "1 of 2 faces chosen."
            }
    """
    return {
        "version": REPORT_VERSION,
        "faces": [_face(choice) for choice in selection.choices],
        "lost": [{"list": name, **asdict(pick)} for name, pick in selection.lost],
        "absent": list(selection.absent),
        "text": selection.summary(),
    }


def _face(choice: Choice) -> dict[str, Any]:
    face = choice.face
    return {
        "index": choice.index,
        "id": face.id,
        "frame": face.frame,
        "box": [*_shares(face, face.box[0], face.box[1]), *_shares(face, face.box[2], face.box[3])],
        "landmarks": [_shares(face, x, y) for x, y in face.landmarks],
        "width": round(face.width),
        "height": round(face.height),
        "score": round(face.score, 4),
        "quality": None if face.quality is None else round(face.quality, 4),
        "chosen": choice.chosen,
        "state": choice.state,
        "why": choice.why,
        "rules": dict(zip(("state", "why"), choice.rules, strict=True)),
        "pick": {name: round(value, 5) for name, value in asdict(pick_of(face)).items()},
    }


def _shares(face: Face, x: float, y: float) -> list[float]:
    height, width = face.image_size
    return [round((x + 0.5) / width, 5), round((y + 0.5) / height, 5)]
