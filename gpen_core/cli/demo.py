"""python -m gpen_core demo: degrade a photograph, restore it, and compare."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..checkpoints import load_checkpoint
from ..commands import gpen, pip_install
from ..devices import choose_device, detector_device
from ..errors import ImageError, OptionError
from ..faces.alignment import crop_transform
from ..faces.detectors import FaceDetector, load_detector
from ..faces.selection import SelectOptions, select_faces
from ..geometry import scale_of, size_of
from ..imaging.files import WRITABLE, Picture, load_picture, save_picture
from ..imaging.lanczos import resize_lanczos
from ..jobs.checks import check_writable
from ..lab.degradation import Degradation, degrade
from ..modes import AUTO
from ..pipeline import BlendOptions, Hooks, Settings, detect_faces, restore_image
from ..types import Face
from ..weights.catalog import BUNDLED
from ..weights.find import bundled_notice, is_bundled, weight_folders
from .arguments import add_weight_folders, some_path, some_text
from .comparison import Column, comparison
from .models import chosen_model
from .progress import PictureBar

_OUTPUT = Path("gpen-demo.png")
_LONGEST = 1024  # pixels of the photograph's longer side: what a web page shows
_LARGEST_FACE = 256  # side of the largest face's aligned crop, in pixels of the photograph: a small picture of it

# Like a small JPEG from an old web page: the middle of the ranges of the released recipe.
_LEFT = 88  # pixels along its side after shrinking
_BLUR = 2.5  # standard deviation, in pixels of the crop at 512 px, before shrinking
_NOISE = 6.0  # standard deviation, of 255
_JPEG = 60

_ABOUT = """Takes a photograph (by default scikit-image's astronaut), degrades it like a small JPEG from an old web page,
restores the faces, and writes a comparison: degraded, restored, original; below, the largest face."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("demo", help="degrade a photograph, restore it, and compare", description=_ABOUT)
    parser.set_defaults(run=run)
    parser.add_argument("photo", nargs="?", type=some_path, help="photograph with a face (default: the astronaut)")
    parser.add_argument(
        "-o", "--output", type=some_path, default=_OUTPUT, help="output image or folder (default: %(default)s)"
    )
    parser.add_argument(
        "--model",
        type=some_text,
        default=BUNDLED.name,
        help="checkpoint file, or name of a model (default: %(default)s)",
    )
    add_weight_folders(parser)
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise (default: %(default)s)")
    parser.add_argument("--detector", type=some_text, default=AUTO, help="as in restore")
    parser.add_argument("--device", type=some_text, default=AUTO, help="auto, cpu, cuda, cuda:1, mps …")


def run(options: argparse.Namespace) -> int:
    """Write the comparison and print where it is and what to do next. → 0"""
    target = _target(options.output, options.photo)
    check_writable(target.parent)
    if options.seed < 0:
        raise OptionError("--seed must be at least 0")
    folders = (*options.models, *weight_folders())
    device = choose_device(options.device)
    path = chosen_model(options.model, folders)
    name = "the astronaut" if options.photo is None else str(options.photo)
    photo = astronaut() if options.photo is None else _opaque(load_picture(options.photo).pixels)
    model = load_checkpoint(path, device=device)
    detector = load_detector(options.detector, folders=folders, device=detector_device(device))
    print(f"{model.name}: {model.task.name}, {model.config.input_size} px; detector: {detector.name}", file=sys.stderr)
    original, face = _framed(photo, detector, name)
    degraded = degrade_photo(original, face, options.seed)
    settings = Settings(blend=BlendOptions(scale=AUTO))
    with PictureBar(1) as bar:
        result = restore_image(degraded[None], model, detector, settings, hooks=Hooks(progress=bar.stage))
        if not result.faces:
            raise ImageError(f"{name}: no face was found after degrading it. Use a clearer photograph.")
        restored = f"restored by {Path(model.name).stem}"
        columns = Column("degraded", degraded), Column(restored, result.frames[0]), Column("original", original)
        picture = comparison(columns, face)
        save_picture(Picture(picture), target)
        height, width = size_of(picture)
        bar.finish(f"{target.resolve()} (degraded | restored | original, {width}×{height})")
    print(f"next: {gpen('restore PHOTO.jpg -o RESTORED.jpg')}", file=sys.stderr)
    if is_bundled(path):
        print(bundled_notice(), file=sys.stderr)
    return 0


def astronaut() -> Tensor:
    """[3, 512, 512] RGB in [0, 1]: scikit-image's portrait of Eileen Collins (NASA, public domain). Raises OptionError."""
    try:
        from skimage import data
    except ImportError as error:
        raise OptionError(
            f"the default photograph needs scikit-image: {pip_install('scikit-image')}, or name a photograph"
        ) from error
    return torch.from_numpy(data.astronaut().copy()).movedim(-1, 0).float() / 255


def degrade_photo(photo: Tensor, face: Face, seed: int) -> Tensor:
    """photo: [3, H, W] RGB in [0, 1] → the same size, blurred, downsampled, noisy and JPEG-compressed.

    The strength depends on the size of the face, so that the result is similar for any photograph.
    """
    height, width = size_of(photo)
    side, crop = max(height, width), _crop_side(face)
    sigma = _BLUR * crop / side  # of the photograph at 512 px, which is how a degradation counts
    degradation = Degradation(
        "gaussian", (sigma, sigma), downsample=max(1.0, crop / _LEFT), noise_sigma=_NOISE, jpeg_quality=_JPEG
    )
    # Degradations expect squares: the photograph is padded at the right and bottom, and cropped afterwards.
    square = np.pad(photo.permute(1, 2, 0).numpy(), ((0, side - height), (0, side - width), (0, 0)), mode="edge")
    low = degrade(square, degradation, np.random.default_rng(seed)).low
    return torch.from_numpy(low[:height, :width].copy()).permute(2, 0, 1)


def _framed(photo: Tensor, detector: FaceDetector, name: str) -> tuple[Tensor, Face]:
    """The photograph at web size, and its largest face."""
    photo = _shrunk(photo, _LONGEST / max(size_of(photo)))
    face = _largest_face(photo, detector, name)
    if (crop := _crop_side(face)) > _LARGEST_FACE:
        photo = _shrunk(photo, _LARGEST_FACE / crop)
        face = _largest_face(photo, detector, name)
    return photo, face


def _largest_face(photo: Tensor, detector: FaceDetector, name: str) -> Face:
    faces = select_faces(detect_faces(photo[None], detector), SelectOptions(limit=1))
    if not faces:
        raise ImageError(f"{name}: no face found ({detector.name}). Use a photograph of somebody facing the camera.")
    return faces[0]


def _crop_side(face: Face) -> float:
    """The side of the face's aligned crop (FFHQ's framing), in pixels of its photograph."""
    return 1 / scale_of(crop_transform(face, 1, "ffhq"))


def _shrunk(photo: Tensor, scale: float) -> Tensor:
    if scale >= 1:
        return photo
    height, width = (max(1, round(side * scale)) for side in size_of(photo))
    return resize_lanczos(photo, (height, width))


def _opaque(pixels: Tensor) -> Tensor:
    """[3 or 4, H, W] → [3, H, W], on white where it is transparent."""
    return pixels if len(pixels) == 3 else pixels[:3] * pixels[3:] + (1 - pixels[3:])


def _target(output: Path, photo: Path | None) -> Path:
    """The file to write. Raises ImageError if it cannot be written or is the photograph itself."""
    target = output / _OUTPUT if output.is_dir() else output
    if target.suffix.lower() not in WRITABLE:
        raise ImageError(f"'{target}': cannot write '{target.suffix}' files. Choose one of {', '.join(WRITABLE)}.")
    if photo is not None and photo.exists() and target.exists() and target.samefile(photo):
        raise ImageError(f"'{target}' is the photograph itself. Choose another output.")
    return target
