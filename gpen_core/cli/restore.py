"""python -m gpen_core restore"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ..checkpoints import GpenModel, load_checkpoint
from ..commands import pip_install
from ..devices import choose_device, detector_device
from ..errors import MissingWeightsError, OptionError
from ..faces.detectors import DETECTOR_NAMES, DetectOptions, FaceDetector, load_detector
from ..faces.exchange import AlignedPictures
from ..faces.identity import DLIB_PACKAGES
from ..faces.parsing import FaceParser, load_parser
from ..faces.parts import REGIONS
from ..faces.regions import read_regions
from ..faces.selection import Reference
from ..geometry import TEMPLATES, size_of
from ..imaging.color import COLOR_METHODS
from ..imaging.files import Picture, check_side, load_picture, save_picture
from ..imaging.lanczos import resize_lanczos
from ..pipeline import (
    BlendOptions,
    Hooks,
    ProtectOptions,
    ProtectTools,
    Restoration,
    RestoreOptions,
    Settings,
    load_protect_tools,
    restore_image,
)
from ..pipeline.options import PROTECT_MODES
from ..pipeline.protect.identity import NO_NETWORK
from ..pipeline.restore import template_for
from ..precisions import PRECISIONS
from ..types import AUTO, RestoredFace
from ..video.tools import ClipTools
from ..weights.catalog import published_of
from ..weights.find import find_first, missing_message, weight_folders
from .arguments import add_weight_folders
from .choosing import add_choosing, load_reference, select_options
from .clips import add_clips, encode_options, is_moving, restore_clip_job, video_options
from .inputs import Found, add_files, find_pictures
from .models import chosen_model
from .plan import Job, Output, plan, remove_faces
from .progress import PictureBar
from .report import Entry, Report


@dataclass(frozen=True)
class Tools:
    """Models and settings of a run, loaded once for all images."""

    model: GpenModel
    detector: FaceDetector
    parser: FaceParser | None
    settings: Settings
    protect: ProtectTools
    reference: Reference | None


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    blend = BlendOptions()
    parser = commands.add_parser("restore", help="restore the faces in images and clips")
    parser.set_defaults(run=run)
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="image, clip, folder of both, or glob pattern")
    parser.add_argument("-o", "--output", required=True, help="output image, clip or folder")
    add_files(parser)
    add_clips(parser)
    parser.add_argument(
        "--model", help="checkpoint file, name of a published model, or bundled (default: the best one installed)"
    )
    add_weight_folders(parser)
    parser.add_argument("--detector", default=AUTO, help=f"{', '.join(DETECTOR_NAMES)}, or a file")
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
    parser.add_argument("--mask", choices=[AUTO, "ellipse", "parsing"], default=AUTO, help="mask shape (auto: "
                        "parsing if the weights of ParseNet or BiSeNet are installed)")  # fmt: skip
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
    parser.add_argument("--device", default=AUTO, help="auto, cpu, cuda, cuda:1, mps …")
    parser.add_argument("--precision", choices=list(PRECISIONS), default="float32")
    parser.add_argument("--task", help="what the model was trained for, if the file doesn't say")
    parser.add_argument("--save-faces", action="store_true", help="also write each face before and after")
    parser.add_argument("--side-by-side", action="store_true", help="also write a before/after image")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="what was done to each face, with pictures: .html or .json"
    )


def run(options: argparse.Namespace) -> int:
    """Restore every image; a failure doesn't stop the others. → 0, or 1 if any failed."""
    found = find_pictures(options.inputs, recursive=options.recursive)
    jobs, done = plan(found.sources, _output(options))
    _check_report(options)
    report = None if options.report is None else Report(options.report)
    tools = _load_tools(options)
    failures = len(found.missing)
    _say_what_is_left_out(found, done)
    print(
        f"{tools.model.name}: {tools.model.task.name}, {tools.model.config.input_size} px; detector: {tools.detector.name}; "
        f"mask: {'ellipse' if tools.parser is None else tools.parser.name}",
        file=sys.stderr,
    )
    if tools.settings.protect.min_similarity and tools.protect.identity is None:
        print(
            f"--min-similarity has no effect: {NO_NETWORK} {pip_install(DLIB_PACKAGES)}, or install ArcFace.",
            file=sys.stderr,
        )
    for text in found.missing:
        print(f"failed: {text}: no image found")
    with PictureBar(len(jobs)) as bar:
        for job in jobs:
            try:
                restore = _restore_clip if is_moving(job) else _restore
                bar.finish(restore(job, tools, options, bar, report))
            except Exception as error:  # a failing image must not stop the others
                failures += 1
                if report is not None:
                    report.add(Entry(job.source, job.target, error=str(error) or type(error).__name__))
                bar.finish(f"failed: {job.source}: {str(error) or type(error).__name__}")
    if report is not None:
        report.write(tools.model.name)
        print(report.path, file=sys.stderr)
    if failures:
        print(f"{failures} of {len(jobs) + len(found.missing)} inputs failed", file=sys.stderr)
    return 1 if failures else 0


def _output(options: argparse.Namespace) -> Output:
    return Output(
        options.output,
        options.format or "",
        options.side_by_side,
        options.save_faces,
        options.overwrite,
        options.skip_existing,
    )


def _check_report(options: argparse.Namespace) -> None:
    if options.report is not None and options.report.exists() and not options.overwrite:
        raise OptionError(f"'{options.report}' is already there. Add --overwrite to replace it.")


def _say_what_is_left_out(found: Found, done: int) -> None:
    for folder, count in found.passed_over:
        folders = "folder" if count == 1 else "folders"
        print(
            f"{folder}: {count} {folders} with images below it passed over; add --recursive to include them",
            file=sys.stderr,
        )
    if done:
        print(f"{done} left out: their results are already there", file=sys.stderr)


def _scale(text: str) -> float | str:
    try:
        return AUTO if text == AUTO else float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is neither a number nor auto") from error


def _load_tools(options: argparse.Namespace) -> Tools:
    folders = (*options.models, *weight_folders())
    settings = Settings(
        select_options(options),
        RestoreOptions(options.template, options.batch_size, options.memory),
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
    device = choose_device(options.device)
    dtype = PRECISIONS[options.precision]
    path = chosen_model(options.model, folders)
    model = load_checkpoint(path, device=device, dtype=dtype, task=options.task)
    return Tools(
        model,
        _detector(options, model, settings.restore, folders, detector_device(device)),
        _parser(options.mask, folders, detector_device(device)),
        settings,
        load_protect_tools(settings.protect, folders),
        load_reference(options, folders, detector_device(device)),
    )


def _detector(
    options: argparse.Namespace,
    model: GpenModel,
    restore: RestoreOptions,
    folders: Sequence[Path],
    device: torch.device,
) -> FaceDetector:
    if options.aligned:
        return AlignedPictures(template_for(model, restore))
    settings = DetectOptions(options.threshold, options.min_face or None)
    return load_detector(options.detector, folders=folders, options=settings, device=device)


def _parser(mask: str, folders: Sequence[Path], device: torch.device) -> FaceParser | None:
    known = published_of("parser")
    path = None if mask == "ellipse" else find_first(known, folders)
    if path is None and mask == "parsing":
        raise MissingWeightsError(missing_message(known[0], folders))
    return None if path is None else load_parser(path, device=device)


def _restore(job: Job, tools: Tools, options: argparse.Namespace, bar: PictureBar, report: Report | None) -> str:
    """Restore one image and write everything asked for → a line for the log."""
    picture = load_picture(job.source, max_megapixels=options.max_input_megapixels)
    for note in picture.notes:
        bar.say(f"{job.source}: {note}")
    _check_fits(picture, job.target, tools.settings.blend.scale)
    seen = picture.seen()
    wants_both = report is not None or job.pair is not None  # before and after
    faces: list[RestoredFace] = []
    on_face = faces.append if options.save_faces else lambda face: None
    seconds = time.perf_counter()
    result = restore_image(
        seen[None], tools.model, tools.detector, tools.settings, parser=tools.parser,
        hooks=Hooks(progress=bar.stage, say=bar.say), on_face=on_face, tools=tools.protect,
        reference=tools.reference, in_place=not wants_both,
    )  # fmt: skip
    known = picture if tools.model.task.keeps_colors else _in_color(picture)
    for what in save_picture(known.restored(result.frames[0], result.mask[0]), job.target, options.quality):
        bar.say(f"{job.target}: cannot hold {what}")
    if report is not None:
        pair = (seen[:3], result.frames[0, :3])
        report.add(Entry(job.source, job.target, result.faces, result.facts, time.perf_counter() - seconds), pair)
    if job.pair is not None:
        _save_pair(seen, result.frames[0], job.pair)
    if job.faces is not None:
        remove_faces(job.faces)
        for number, face in enumerate(faces):
            _save_face(face, job.faces, number)
    height, width = result.frames.shape[2:]
    count = len(result.faces)
    found = f"{count} face{'s' if count != 1 else ''}{_kept(result)}" if count else f"{_none(result)}, image unchanged"
    return f"{job.source} → {job.target} ({found}, {width}×{height})"


def _restore_clip(job: Job, tools: Tools, options: argparse.Namespace, bar: PictureBar, report: Report | None) -> str:
    """Restore one clip → a line for the log. Reports tell of images only."""
    networks = ClipTools(
        tools.model, tools.detector, tools.settings, video_options(options), tools.parser, tools.reference, tools.protect,
        encode_options(options),
    )  # fmt: skip
    return restore_clip_job(job, networks, options, bar)


def _check_fits(picture: Picture, target: Path, scale: float | str) -> None:
    """Whether the target's format has pictures of the result's size, said before the work; "auto" makes no picture smaller."""
    factor = 1.0 if scale == AUTO else float(scale)
    height, width = picture.numbers.shape[1:]
    check_side(target, (max(1, round(width * factor)), max(1, round(height * factor))))


def _kept(result: Restoration) -> str:
    """How many faces were left as they are."""
    kept = sum(facts.strength == 0 for facts in result.facts)
    which = "" if kept == len(result.facts) else f"{kept} of them "
    return f", {which}left as {'it is' if kept == 1 else 'they are'}" if kept else ""


def _none(result: Restoration) -> str:
    """Why no face was worked on."""
    return "no face found" if result.selection is None else result.selection.why_none()


def _save_pair(before: Tensor, after: Tensor, path: Path) -> None:
    """Before and after, side by side, both at the size of the result and in sRGB."""
    save_picture(Picture(torch.cat((resize_lanczos(before, size_of(after)), after), dim=2)), path)


def _in_color(picture: Picture) -> Picture:
    """What is known of a picture that becomes one in color: a grayscale file's profile does not apply to it."""
    return replace(picture.in_srgb(), gray=False) if picture.gray else picture


def _save_face(face: RestoredFace, folder: Path, number: int) -> None:
    size = face.pixels.shape[-1]
    save_picture(Picture(resize_lanczos(face.crop.pixels, (size, size))), folder / f"{number:02d}-before.png")
    save_picture(Picture(face.pixels), folder / f"{number:02d}-after.png")
