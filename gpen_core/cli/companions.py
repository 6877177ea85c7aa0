"""Options for tasks beside restoration, and for images that go with the inputs."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import OptionError
from ..jobs import Companions
from ..jobs.options import MASKS
from ..modes import AUTO
from .arguments import some_path, some_text


def add_companions(parser: argparse.ArgumentParser) -> None:
    """Add --mask, --mask-shape, --whole-picture, --background and --upscaler."""
    tasks = parser.add_argument_group("colorizing, inpainting, other backgrounds (docs/tasks.md)")
    tasks.add_argument(
        "--mask",
        type=some_text,
        metavar="FILE",
        help="for inpainting models: white where to fill. An image, or a folder of masks with the names of the inputs",
    )
    tasks.add_argument(
        "--whole-picture",
        action="store_true",
        help="for colorizing and inpainting: give the model the whole image, not only its faces; nothing is detected",
    )
    tasks.add_argument(
        "--background",
        type=some_path,
        metavar="FOLDER",
        help="paste faces into these images, which another program enlarged: an image, or a folder of images with the names of "
        "the inputs. --scale is then ignored",
    )
    tasks.add_argument(
        "--upscaler",
        type=some_path,
        metavar="FILE",
        help="enlarge the whole image with this network before faces are pasted: any that spandrel knows, such as "
        "RealESRGAN_x4plus.pth. --memory limits its tiles",
    )
    parser.add_argument(
        "--mask-shape", choices=list(MASKS), help="of the blend mask (auto: parsing if the weights of ParseNet or BiSeNet "
        "are installed)",
    )  # fmt: skip


def mask_shape(options: argparse.Namespace) -> str:
    """Of the blend mask. "--mask ellipse", as it was said before there were masks in files, still means that."""
    before: str = options.mask if options.mask in MASKS else AUTO
    return options.mask_shape or before


def companions(options: argparse.Namespace) -> Companions:
    """Where masks and backgrounds are. Raises OptionError."""
    mask = None if options.mask is None or options.mask in MASKS else Path(options.mask)
    if options.background is not None and options.upscaler is not None:
        raise OptionError("--background gives enlarged images, --upscaler makes them: choose one of them")
    return Companions(mask, options.background, options.max_input_megapixels)
