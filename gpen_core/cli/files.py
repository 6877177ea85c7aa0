"""Options on what is read and written."""

from __future__ import annotations

import argparse

from ..imaging.files import MOST_MEGAPIXELS
from .arguments import some_text

_BEST = 100


def add_files(parser: argparse.ArgumentParser) -> None:
    """Options on what is read and written."""
    parser.add_argument(
        "--recursive", action="store_true", help="also the images in folders within folders, kept in theirs"
    )
    there = parser.add_mutually_exclusive_group()
    there.add_argument("--overwrite", action="store_true", help="replace results that are already there")
    there.add_argument(
        "--skip-existing",
        action="store_true",
        help="make only what is not there yet, and replace nothing: resumes a long folder",
    )
    parser.add_argument(
        "--format",
        type=_format,
        help="of the results: png, jpg, webp, tif; of clips: mp4, mov, mkv, webm; of animations also gif, apng (default: the "
        "source's own)",
    )
    parser.add_argument(
        "--max-input-megapixels",
        type=_megapixels,
        default=MOST_MEGAPIXELS,
        metavar="MP",
        help="larger images are refused before any memory is taken (default: %(default)s)",
    )
    parser.add_argument("--quality", type=_quality, help="of JPEG and WebP files, 1 … 100 (default: 95)")


def _format(text: str) -> str:
    return some_text(text.strip().lower().removeprefix("."))


def _megapixels(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is no number above 0")
    return value


def _quality(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _BEST:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 1 to {_BEST}")
    return int(text)
