"""Arguments shared by several commands."""

from __future__ import annotations

import argparse
from pathlib import Path


def some_text(text: str) -> str:
    """What a script hands over for a variable that is not set names nothing: neither this folder nor the usual model."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return text


def some_path(text: str) -> Path:
    """A file or folder; see ``some_text``."""
    return Path(some_text(text))


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add --model, for commands that default to the best installed model."""
    parser.add_argument(
        "--model",
        type=some_text,
        help="checkpoint file, or the name of a published model (default: the best one installed)",
    )


def add_weight_folders(parser: argparse.ArgumentParser) -> None:
    """Add --models, which may be repeated: ``options.models`` is a list of folders."""
    parser.add_argument(
        "--models",
        type=some_path,
        action="append",
        default=[],
        help="additional folder to search for weights; may be repeated",
    )
