"""python -m gpen_core degrade-sheet"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import ImageError, OptionError
from ..geometry import size_of
from ..imaging.files import Picture, load_picture, save_picture
from ..imaging.warp import resize_filtered
from ..jobs import find_pictures
from ..jobs.checks import check_writable
from ..lab.degradation import RECIPES, DegradationRecipe, Weighted
from ..lab.degradation.sheet import contact_sheet, samples
from ..lab.training.reading import config_text, read_config
from .arguments import some_path, some_text

_ABOUT = """A contact sheet of the degradations used in training: each face, the degraded face, and the sampled parameters
(lengths in pixels of a 512 px face; they scale with its size). Images that are not square are center-cropped."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("degrade-sheet", help="preview the degradations used in training", description=_ABOUT)
    parser.set_defaults(run=run)
    parser.add_argument("faces", type=some_text, metavar="FOLDER_OR_PICTURE", help="aligned faces")
    parser.add_argument("-o", "--output", required=True, type=some_path, help="output image")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--recipe", choices=sorted(RECIPES), default="released", help="default: %(default)s")
    which.add_argument(
        "--config", type=some_text, metavar="CONFIG.toml", help="the recipe of a training configuration, or of a preset"
    )
    parser.add_argument(
        "--size", type=int, default=256, help="size of the faces in pixels, before degradation (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument(
        "--count", type=int, default=12, help="number of samples, cycling through the faces (default: %(default)s)"
    )
    parser.add_argument("--columns", type=int, help="samples per row")


def run(options: argparse.Namespace) -> int:
    """Write the sheet. → 0"""
    if options.count < 1 or options.size < 16 or options.seed < 0 or (options.columns or 1) < 1:
        raise OptionError("--count and --columns must be at least 1, --size at least 16, --seed at least 0")
    recipe = _recipe(options)
    paths = [source.path for source in find_pictures([options.faces]).sources[: options.count]]
    if any(options.output.exists() and options.output.samefile(path) for path in paths):
        raise ImageError(f"'{options.output}' is one of the faces. Choose another output.")
    check_writable(options.output.parent)
    faces = [_face(path, options.size) for path in paths]
    sheet = contact_sheet(samples(faces, recipe, options.seed, options.count), options.columns)
    save_picture(Picture(torch.from_numpy(sheet.copy()).permute(2, 0, 1).float() / 255), options.output)
    print(f"{options.output} ({sheet.shape[1]}×{sheet.shape[0]}): {options.count} samples", file=sys.stderr)
    return 0


def _recipe(options: argparse.Namespace) -> DegradationRecipe | Sequence[Weighted]:
    if options.config is None:
        return RECIPES[options.recipe]
    config = read_config(config_text(options.config), options.config)
    return config.mix or config.degradation


def _face(path: Path, size: int) -> NDArray[np.float32]:
    """The center crop of the image at ``path``, [size, size, 3] RGB in [0, 1], on white if it is transparent."""
    pixels = load_picture(path).pixels
    if len(pixels) == 4:
        pixels = pixels[:3] * pixels[3:] + (1 - pixels[3:])
    height, width = size_of(pixels)
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[None, :, top : top + side, left : left + side]
    face = resize_filtered(square, (size, size), "bicubic" if side < size else "bilinear")[0].clamp(0, 1)
    return np.ascontiguousarray(face.permute(1, 2, 0).numpy())
