"""Arguments that say which faces are worked on, shared by commands that detect faces."""

from __future__ import annotations

import argparse

from ..errors import OptionError
from ..faces.selection import ORDERS, SAME_PERSON, SelectOptions
from ..faces.selection.orders import CENTER
from .arguments import some_path, some_text

# Name, default, unit, help.
_LIMITS = (
    ("--max-face", 0.0, "PX", "skip faces larger than this"),
    ("--min-share", 0.0, "PERCENT", "skip faces that cover less of the image"),
    ("--max-share", 0.0, "PERCENT", "skip faces that cover more of the image"),
    ("--min-score", 0.0, None, "skip faces the detector is less sure of, 0 … 1"),
    ("--min-quality", 0.0, None, "skip faces worse than this: 0 = ruined, 1 = needs nothing"),
    ("--max-quality", 1.0, None, "skip faces better than this"),
)


def add_choosing(parser: argparse.ArgumentParser) -> None:
    """Add --faces, --order, the limits, --reference and --aligned."""
    chosen = parser.add_argument_group("which faces are restored")
    chosen.add_argument(
        "--faces",
        type=some_text,
        metavar="LIST",
        help="numbers of the faces in each image, in --order, such as 0,2-4,-1 (-1 = last; default: all). A list that begins "
        "with a minus is written --faces=-1",
    )
    chosen.add_argument(
        "--order",
        choices=list(ORDERS),
        default=SelectOptions().order,
        help="how faces are numbered, and which ones --max-faces keeps (default: %(default)s)",
    )
    chosen.add_argument(
        "--point",
        type=some_text,
        default="0.5,0.5",
        metavar="X,Y",
        help="for --order nearest_to_point: shares of width and height, 0 … 1",
    )
    chosen.add_argument(
        "--max-faces", type=int, default=0, metavar="N", help="maximum number of faces per image (default: no limit)"
    )
    chosen.add_argument(
        "--min-face",
        type=float,
        metavar="PX",
        help="skip faces smaller than this (shorter side, in pixels; default: 20, more in very large images)",
    )
    for name, default, unit, text in _LIMITS:
        chosen.add_argument(name, type=float, default=default, metavar=unit, help=text)
    chosen.add_argument(
        "--reference", type=some_path, metavar="FILE", help="restore only the person in this picture (its largest face)"
    )
    chosen.add_argument(
        "--reference-similarity",
        type=float,
        default=SAME_PERSON,
        metavar="S",
        help="how similar a face must be to --reference; 1 = the same picture (default: %(default)s)",
    )
    chosen.add_argument(
        "--aligned",
        action="store_true",
        help="each image is one face, cropped and aligned: nothing is detected, and the whole image is restored",
    )


def select_options(options: argparse.Namespace) -> SelectOptions:
    """The rules that were asked for. Raises OptionError, also for an option that would go unheard."""
    if options.reference is None and options.reference_similarity != SAME_PERSON:
        raise OptionError(
            "--reference-similarity says how similar to --reference a face must be: name a picture of the person"
        )
    point = _point(options.point)
    if point != CENTER and options.order != "nearest_to_point":
        raise OptionError("--point is for --order nearest_to_point: add that, or leave --point out")
    return SelectOptions(
        order=options.order,
        limit=options.max_faces,
        min_size=options.min_face or 0.0,
        max_size=options.max_face,
        min_share=options.min_share,
        max_share=options.max_share,
        min_score=options.min_score,
        min_quality=options.min_quality,
        max_quality=options.max_quality,
        indices=options.faces or "",
        point=point,
    )


def _point(text: str) -> tuple[float, float]:
    try:
        x, y = map(float, text.split(","))
    except ValueError as error:
        raise OptionError(f"--point {text}: write two shares of width and height, such as 0.3,0.5") from error
    return x, y
