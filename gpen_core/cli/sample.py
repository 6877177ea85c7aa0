"""python -m gpen_core sample"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from torch import Tensor

from ..checkpoints import GpenModel, load_checkpoint
from ..devices import choose_device, detector_device
from ..errors import ImageError, OptionError
from ..faces.alignment import align_face
from ..faces.detectors import load_detector
from ..faces.selection import SelectOptions, select_faces
from ..geometry import size_of
from ..imaging.files import WRITABLE, Picture, load_picture, save_picture
from ..pipeline import Hooks, detect_faces
from ..pipeline.options import AUTO
from ..precisions import PRECISIONS
from ..sampling import SampleOptions, contact_sheet, sample_faces
from ..weights.find import weight_folders
from .arguments import add_model, add_weight_folders
from .models import chosen_model
from .progress import PictureBar

_STRIP = 8  # pictures of a strip of no stated length

_ABOUT = """Faces from random noise vectors. A seed is a picture: the same one, alone or with others, in any batch.

Faces are what a generator trained on noise gives (a checkpoint of the prior stage). Published restoration checkpoints
were trained with an encoder's features instead of noise, so what they make of noise need not look like a face; with
--face they get features."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("sample", help="make faces from random noise vectors", description=_ABOUT,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.set_defaults(run=run)
    defaults = SampleOptions()
    parser.add_argument(
        "-o", "--output", required=True, type=Path, help="folder for one file a picture, or a picture for all in rows"
    )
    add_model(parser)
    add_weight_folders(parser)
    parser.add_argument("--seed", type=int, default=defaults.seed, help="of the first picture (default: %(default)s)")
    parser.add_argument(
        "--count", type=int, help=f"pictures, of this seed and the next ones (default: 1; {_STRIP} with --interpolate)"
    )
    parser.add_argument(
        "--truncation", type=float, default=defaults.truncation,
        help="1: as the seed falls; 0: the mean style for every seed; between: likelier, less various (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--interpolate", type=int, metavar="SEED", help="a strip from --seed to this one, in even steps of w"
    )
    parser.add_argument(
        "--noise-seed", type=int, help="one seed's features for all pictures (default: each its own; a strip its first)"
    )
    parser.add_argument(
        "--face",
        type=Path,
        metavar="PICTURE",
        help="take the structure from this picture's largest face, not from noise",
    )
    parser.add_argument(
        "--aligned", action="store_true", help="--face is an aligned face, square, to be taken as it is"
    )
    parser.add_argument("--detector", default=AUTO, help="what finds --face, as in restore")
    parser.add_argument("--batch-size", type=int, default=0, help="pictures at a time (default: by the model's size)")
    parser.add_argument("--device", default=AUTO, help="auto, cpu, cuda, cuda:1, mps …")
    parser.add_argument("--precision", choices=list(PRECISIONS), default="float32")
    parser.add_argument("--task", help="what the model does, where the file doesn't say")


def run(options: argparse.Namespace) -> int:
    """Make the pictures and write each as it is done, or all as one. → 0"""
    if options.aligned and options.face is None:
        raise OptionError("--aligned says how to take --face: give that too, or neither")
    usual = 1 if options.interpolate is None else _STRIP
    wanted = SampleOptions(
        options.seed,
        usual if options.count is None else options.count,
        options.truncation,
        options.interpolate,
        options.noise_seed,
        options.batch_size,
    )
    targets = _targets(options.output, wanted, options.face)
    folders = (*options.models, *weight_folders())
    device = choose_device(options.device)
    model = load_checkpoint(
        chosen_model(options.model, folders), device=device, dtype=PRECISIONS[options.precision], task=options.task
    )
    print(f"{model.name}: {model.task.name}, {model.config.output_size} px", file=sys.stderr)
    face = None if options.face is None else _face(options, model, folders)
    with PictureBar(len(targets)) as bar:
        pictures = sample_faces(model, wanted, face=face, hooks=Hooks(progress=bar.stage))
        if targets == [options.output]:
            columns = None if wanted.to_seed is None else wanted.count  # a strip is one row
            pictures = iter([contact_sheet(list(pictures), columns)])
        for picture, target in zip(pictures, targets):
            save_picture(Picture(picture), target)
            height, width = size_of(picture)
            bar.finish(f"{target} ({width}×{height})")
    return 0


def _targets(output: Path, wanted: SampleOptions, face: Path | None) -> list[Path]:
    """The files to write: ``output`` alone, where it is named like a picture, for all of them; else a file in it for each.

    Raises ImageError where one would overwrite the face's picture, or cannot be written.
    """
    targets = [output]
    if output.is_dir() or output.suffix.lower() not in Image.registered_extensions():
        targets = [output / name for name in _names(wanted)]
    elif output.suffix.lower() not in WRITABLE:
        raise ImageError(f"'{output}': cannot write '{output.suffix}' files. Choose one of {', '.join(WRITABLE)}.")
    for target in targets:
        if face is not None and face.exists() and target.exists() and target.samefile(face):
            raise ImageError(f"'{target}' is the face's own picture. Choose another output.")
    return targets


def _names(wanted: SampleOptions) -> list[str]:
    if wanted.to_seed is None:
        return [f"seed-{sample.seed}.png" for sample in wanted.samples]
    digits = max(2, len(str(wanted.count - 1)))
    return [f"seed-{wanted.seed}-to-{wanted.to_seed}-{step:0{digits}d}.png" for step in range(wanted.count)]


def _face(options: argparse.Namespace, model: GpenModel, folders: Sequence[Path]) -> Tensor:
    """The face that gives its structure, aligned. [3, side, side] RGB in [0, 1]"""
    pixels = load_picture(options.face).pixels
    height, width = size_of(pixels)
    if options.aligned:
        if height != width:
            raise ImageError(
                f"{options.face}: {width}×{height} is not square. Without --aligned its face is looked for."
            )
        return pixels
    detector = load_detector(options.detector, folders=folders, device=detector_device(choose_device(options.device)))
    faces = select_faces(detect_faces(pixels[None], detector), SelectOptions())
    if not faces:
        raise ImageError(f"{options.face}: no face found. Where it is an aligned face already, say --aligned.")
    print(
        f"{options.face}: {len(faces)} face{'s: the largest' if len(faces) > 1 else ''} ({detector.name})",
        file=sys.stderr,
    )
    return align_face(pixels, faces[0], model.config.input_size, model.task.template).pixels
