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
from ..jobs.checks import check_writable
from ..modes import AUTO
from ..pipeline import Hooks, detect_faces
from ..precisions import PRECISIONS
from ..sampling import SampleOptions, contact_sheet, sample_faces
from ..weights.find import weight_folders
from .arguments import add_model, add_weight_folders, some_path, some_text
from .models import chosen_model
from .progress import PictureBar

_STEPS = 8  # images of an interpolation without --count

_ABOUT = """Generate faces from random noise vectors. A seed always gives the same face, alone or in a batch.

Use a model whose generator was trained on noise (a checkpoint of the prior stage). The published restoration models were
trained with encoder features in place of noise, so they may not produce recognizable faces; --face gives them such
features."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("sample", help="generate faces from random noise", description=_ABOUT,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.set_defaults(run=run)
    defaults = SampleOptions()
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=some_path,
        help="folder for one file per face, or an image file for a contact sheet",
    )
    add_model(parser)
    add_weight_folders(parser)
    parser.add_argument("--seed", type=int, default=defaults.seed, help="seed of the first face (default: %(default)s)")
    parser.add_argument(
        "--count", type=int, help=f"number of faces, with consecutive seeds (default: 1; {_STEPS} with --interpolate)"
    )
    parser.add_argument(
        "--truncation", type=float, default=defaults.truncation,
        help="1 = full variety, 0 = average face; lower values look more typical (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--interpolate", type=int, metavar="SEED", help="interpolate from --seed to this one, in equal steps of w"
    )
    parser.add_argument(
        "--noise-seed",
        type=int,
        help="use the noise of one seed for all faces (default: each its own; interpolations that of --seed)",
    )
    parser.add_argument(
        "--face",
        type=some_path,
        metavar="PICTURE",
        help="use the largest face in this image for the structure, instead of noise",
    )
    parser.add_argument("--aligned", action="store_true", help="--face is already an aligned, square face")
    parser.add_argument("--detector", type=some_text, default=AUTO, help="detector for --face, as in restore")
    parser.add_argument("--batch-size", type=int, default=0, help="faces generated at once (default: automatic)")
    parser.add_argument("--device", type=some_text, default=AUTO, help="auto, cpu, cuda, cuda:1, mps …")
    parser.add_argument("--precision", choices=list(PRECISIONS), default="float32")
    parser.add_argument("--task", type=some_text, help="what the model was trained for, if the file doesn't say")


def run(options: argparse.Namespace) -> int:
    """Generate the faces and write each when it is done, or all as one contact sheet. → 0"""
    if options.aligned and options.face is None:
        raise OptionError("--aligned describes --face: give both, or neither")
    usual = 1 if options.interpolate is None else _STEPS
    wanted = SampleOptions(
        options.seed,
        usual if options.count is None else options.count,
        options.truncation,
        options.interpolate,
        options.noise_seed,
        options.batch_size,
    )
    targets = _targets(options.output, wanted, options.face)
    check_writable(targets[0].parent)
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
            columns = None if wanted.to_seed is None else wanted.count  # an interpolation is one row
            pictures = iter([contact_sheet(list(pictures), columns)])
        for picture, target in zip(pictures, targets):
            save_picture(Picture(picture), target)
            height, width = size_of(picture)
            bar.finish(f"{target} ({width}×{height})")
    return 0


def _targets(output: Path, wanted: SampleOptions, face: Path | None) -> list[Path]:
    """The files to write: ``output`` itself if it is named like an image, otherwise one file per face in that folder.

    Raises ImageError if one would overwrite the --face image, or cannot be written.
    """
    targets = [output]
    if output.is_dir() or output.suffix.lower() not in Image.registered_extensions():
        targets = [output / name for name in _names(wanted)]
    elif output.suffix.lower() not in WRITABLE:
        raise ImageError(f"'{output}': cannot write '{output.suffix}' files. Choose one of {', '.join(WRITABLE)}.")
    for target in targets:
        if face is not None and face.exists() and target.exists() and target.samefile(face):
            raise ImageError(f"'{target}' is the --face image itself. Choose another output.")
    return targets


def _names(wanted: SampleOptions) -> list[str]:
    if wanted.to_seed is None:
        return [f"seed-{sample.seed}.png" for sample in wanted.samples]
    digits = max(2, len(str(wanted.count - 1)))
    return [f"seed-{wanted.seed}-to-{wanted.to_seed}-{step:0{digits}d}.png" for step in range(wanted.count)]


def _face(options: argparse.Namespace, model: GpenModel, folders: Sequence[Path]) -> Tensor:
    """The aligned face that provides the structure. [3, side, side] RGB in [0, 1]"""
    pixels = load_picture(options.face).pixels
    height, width = size_of(pixels)
    if options.aligned:
        if height != width:
            raise ImageError(
                f"{options.face}: {width}×{height} is not square. Leave out --aligned to detect the face in it."
            )
        return pixels
    detector = load_detector(options.detector, folders=folders, device=detector_device(choose_device(options.device)))
    faces = select_faces(detect_faces(pixels[None], detector), SelectOptions())
    if not faces:
        raise ImageError(f"{options.face}: no face found. If it is already an aligned face, add --aligned.")
    print(
        f"{options.face}: {len(faces)} face{'s, using the largest' if len(faces) > 1 else ''} ({detector.name})",
        file=sys.stderr,
    )
    return align_face(pixels, faces[0], model.config.input_size, model.task.template).pixels
