"""The options of ``restore``, and the settings they stand for."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import visible
from ..faces.detectors import DETECTOR_NAMES, DetectOptions
from ..faces.parts import REGIONS
from ..faces.regions import read_regions
from ..geometry import TEMPLATES
from ..imaging.color_methods import COLOR_METHODS
from ..jobs import FileOptions, Found, Output, Person, ToolOptions
from ..jobs.places import is_address, place
from ..modes import AUTO, PROTECT_MODES
from ..pipeline import BlendOptions, ProtectOptions, RestoreOptions, Settings
from ..precisions import PRECISIONS
from ..weights.find import weight_folders
from .arguments import add_weight_folders, some_text
from .choosing import add_choosing, select_options
from .clips import add_clips, encode_options, seconds_of, video_options
from .companions import add_companions, companions, mask_shape
from .files import add_files
from .models import chosen_model


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add every option of the command."""
    blend = BlendOptions()
    parser.add_argument(
        "inputs", type=some_text, nargs="+", metavar="INPUT", help="image, clip, folder of both, or glob pattern"
    )
    parser.add_argument("-o", "--output", type=some_text, required=True, help="output image, clip or folder")
    add_files(parser)
    add_clips(parser)
    parser.add_argument(
        "--model",
        type=some_text,
        help="checkpoint file, name of a published model, bundled or bundled-perceptual (default: the best one installed)",
    )
    add_weight_folders(parser)
    parser.add_argument("--detector", type=some_text, default=AUTO, help=f"{', '.join(DETECTOR_NAMES)}, or a file")
    parser.add_argument("--protect", choices=list(PROTECT_MODES), default=AUTO, help="auto: good faces are changed little, "
                        "and fine detail of the image is kept; off: neither (default: %(default)s)")  # fmt: skip
    parser.add_argument("--min-similarity", type=float, default=0.0, metavar="S", help="lower the strength until the "
                        "restored face is at least this similar to the original, 0 … 1 (default: any)")  # fmt: skip
    parser.add_argument("--scale", type=_scale, default=blend.scale, help="output size: a factor, or auto (default: 1)")
    parser.add_argument(
        "--strength", type=float, default=blend.strength, help="0 = original, 1 = fully restored (default: %(default)s)"
    )
    parser.add_argument(
        "--template",
        choices=[AUTO, *TEMPLATES],
        default=AUTO,
        help="face alignment (default: as the model was trained)",
    )
    parser.add_argument(
        "--color",
        choices=list(COLOR_METHODS),
        default=blend.color,
        help="match face colors to the original: mean, mean_std or luminance (statistics in Lab), or wavelet (all low "
        "frequencies) (default: %(default)s)",
    )
    parser.add_argument(
        "--grain",
        type=float,
        default=blend.grain,
        help="put the image's own film grain or noise back on restored faces, 0 … 1 (default: %(default)s)",
    )
    parser.add_argument("--grain-seed", type=int, default=blend.grain_seed, help="another seed makes other grain")
    parser.add_argument(
        "--regions",
        type=some_text,
        metavar="NAME=STRENGTH,…",
        help=f"restore some regions less or not at all, such as eyes=1,skin=0.5,rest=0. Regions: {', '.join(REGIONS)}; rest = "
        "all others. Exact with parser weights, rough without",
    )
    parser.add_argument(
        "--softness",
        type=float,
        default=blend.softness,
        help="width of the soft mask edge, as a fraction of the face's radius (default: %(default)s)",
    )
    add_companions(parser)
    parser.add_argument(
        "--max-megapixels",
        type=float,
        default=blend.max_megapixels,
        help="upper limit for --scale auto (default: %(default)s)",
    )
    parser.add_argument("--threshold", type=float, help="minimum detection confidence, 0 … 1 (default: the detector's)")
    add_choosing(parser)
    parser.add_argument("--batch-size", type=int, default=0, help="faces processed at once (default: automatic)")
    parser.add_argument(
        "--memory",
        type=int,
        default=0,
        metavar="MIB",
        help="memory limit of a batch, without the weights (default: no limit)",
    )
    parser.add_argument("--device", type=some_text, default=AUTO, help="auto, cpu, cuda, cuda:1, mps …")
    parser.add_argument("--precision", choices=list(PRECISIONS), default="float32")
    parser.add_argument("--task", type=some_text, help="what the model was trained for, if the file doesn't say")
    parser.add_argument("--save-faces", action="store_true", help="also write each face before and after")
    parser.add_argument("--side-by-side", action="store_true", help="also write a before/after image")
    parser.add_argument(
        "--report", type=_local_file, metavar="FILE", help="what was done to each face, with pictures: .html or .json"
    )


def _scale(text: str) -> float | str:
    try:
        return AUTO if text == AUTO else float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is neither a number nor auto") from error


def _local_file(text: str) -> Path:
    """A place on this machine."""
    if is_address(some_text(text)) and not text.startswith("file:"):
        raise argparse.ArgumentTypeError(f"'{text}' is an address: name a file on this machine")
    return place(text)


def tool_options(options: argparse.Namespace) -> ToolOptions:
    """What images are restored with. Raises OptionError or MissingWeightsError."""
    folders = (*options.models, *weight_folders())
    return ToolOptions(
        place(options.model) if is_address(options.model or "") else chosen_model(options.model, folders),
        folders,
        options.task,
        options.device,
        options.precision,
        options.detector,
        DetectOptions(options.threshold, options.min_face or None),
        options.aligned,
        mask_shape(options),
        None if options.reference is None else Person(options.reference, options.reference_similarity),
        _settings(options),
        video_options(options),
        options.upscaler,
    )


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        select_options(options),
        RestoreOptions(options.template, options.batch_size, options.memory, options.whole_picture),
        BlendOptions(
            options.scale,
            options.strength,
            options.softness,
            options.color,
            options.max_megapixels,
            options.grain,
            options.grain_seed,
            None if options.regions is None else read_regions(options.regions),
            whole_crop=options.aligned,
        ),
        ProtectOptions(options.protect, options.min_similarity),
    )


def file_options(options: argparse.Namespace) -> FileOptions:
    """How files are read and written. Raises OptionError."""
    return FileOptions(
        options.max_input_megapixels,
        options.quality,
        seconds_of("--start", options.start),
        None if options.end is None else seconds_of("--end", options.end),
        encode_options(options),
        companions(options),
        segment_frames=options.segment_frames,
    )


def output_of(options: argparse.Namespace) -> Output:
    """Which results are asked for, and where. Raises OptionError."""
    return Output(
        options.output,
        options.format or "",
        options.side_by_side,
        options.save_faces,
        options.overwrite,
        options.skip_existing,
    )


def say_what_is_left_out(found: Found, done: int, output: str) -> None:
    """Folders that were not looked into, and results that are there."""
    if found.results:
        images = "1 image" if found.results == 1 else f"{found.results} images"
        print(visible(f"{output}: {images} in it left out, since results go there"), file=sys.stderr)
    for folder, count in found.passed_over:
        folders = "folder" if count == 1 else "folders"
        print(
            visible(f"{folder}: {count} {folders} with images below it passed over; add --recursive to include them"),
            file=sys.stderr,
        )
    if done:
        print(f"{done} left out: all that was asked for is already there", file=sys.stderr)
