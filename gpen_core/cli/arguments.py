"""Arguments that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_model(parser: argparse.ArgumentParser) -> None:
    """--model, for the commands that take one and choose the best present without it."""
    parser.add_argument(
        "--model", help="checkpoint file, or the name of a published model (default: the best one present)"
    )


def add_weight_folders(parser: argparse.ArgumentParser) -> None:
    """--models, as often as wanted: ``options.models``, a list of folders."""
    parser.add_argument(
        "--models", type=Path, action="append", default=[], help="another folder to look for weights in"
    )
