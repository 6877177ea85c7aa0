"""A picture from file to file: what each stage takes, and the share of all that is no network.

python benchmarks/whole_job.py [--image PHOTO] [--scale 2] [--model NAME] [--detector NAME] [--runs 5] [--json FILE]

Runs what `python -m gpen_core restore` does with a picture, in this process, with models already loaded, under Python's own
profiler, which counts calls of Python functions only and so costs next to nothing; runs without it, in turns with the
others, say how much. Without a picture it is scikit-image's astronaut.
"""

from __future__ import annotations

import argparse
import cProfile
import inspect
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from types import CodeType
from typing import Any

import torch
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gpen_core import load_checkpoint  # noqa: E402
from gpen_core.benchmark.run import about_machine  # noqa: E402
from gpen_core.benchmark.timing import seconds_of  # noqa: E402
from gpen_core.checkpoints import GpenModel  # noqa: E402
from gpen_core.checkpoints.store import resolve_model, weight_folders  # noqa: E402
from gpen_core.cli.heap import keep_freed_memory  # noqa: E402
from gpen_core.faces.alignment import align_face  # noqa: E402
from gpen_core.faces.detectors import MultiPassDetector, load_detector  # noqa: E402
from gpen_core.imaging.color import match_color  # noqa: E402
from gpen_core.imaging.files import load_picture, save_picture  # noqa: E402
from gpen_core.imaging.paste import paste_into  # noqa: E402
from gpen_core.imaging.warp import resize_lanczos  # noqa: E402
from gpen_core.pipeline import BlendOptions, Settings, detect_faces, restore_image  # noqa: E402
from gpen_core.pipeline.blend import blend_into  # noqa: E402

DETECTOR, GPEN = "the detector's network", "GPEN"
NETWORKS = (DETECTOR, GPEN)


@dataclass(frozen=True)
class Stage:
    """The time spent in ``functions``, less that in the functions that they call and that are stages of their own."""

    name: str
    functions: tuple[Callable[..., Any], ...]
    less: tuple[Callable[..., Any], ...] = ()


@dataclass(frozen=True, eq=False)
class Job:
    """A picture, and what it is restored with."""

    source: Path
    target: Path
    model: GpenModel
    detector: MultiPassDetector
    settings: Settings

    def __call__(self) -> int:
        """Do it → the number of faces."""
        picture = load_picture(self.source)
        result = restore_image(picture.pixels[None], self.model, self.detector, self.settings)
        save_picture(replace(picture, pixels=result.frames[0]), self.target)
        return len(result.faces)


def main() -> None:
    options = _options()
    keep_freed_memory()  # as the command line does
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        source = options.image or astronaut(Path(folder) / "astronaut.png")
        job = prepare(source, Path(folder) / f"restored.{options.format}", options)
        faces = job()
        plain, rounds = [], []
        for _ in range(options.runs):
            plain.append(seconds_of(job))
            rounds.append(profiled(job, stages(job)))
        size = load_picture(job.target).pixels.shape
    figures = {
        "picture": source.name,
        "result": [size[2], size[1]],
        "faces": faces,
        "model": job.model.name,
        "detector": job.detector.name,
        "seconds": median(plain),
        "seconds_profiled": median(sum(each.values()) for each in rounds),
        "stages": {name: median(each[name] for each in rounds) for name in rounds[0]},
        "share_without_networks": median(
            1 - sum(each[name] for name in NETWORKS) / sum(each.values()) for each in rounds
        ),
        "machine": about_machine(torch.device("cpu"), options.threads),
    }
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def prepare(source: Path, target: Path, options: argparse.Namespace) -> Job:
    folders = (*options.models, *weight_folders())
    model = load_checkpoint(resolve_model(options.model, folders))
    detector = load_detector(options.detector, folders=folders)
    return Job(source, target, model, detector, Settings(blend=BlendOptions(scale=options.scale)))


def stages(job: Job) -> tuple[Stage, ...]:
    """In the order of the work."""
    networks = tuple(outermost(job.detector.network.module))
    return (
        Stage("reading the file", (load_picture,)),
        Stage(DETECTOR, networks),
        Stage("the rest of detection", (detect_faces,), networks),
        Stage("alignment", (align_face,)),
        Stage(GPEN, (GpenModel.__call__,)),
        Stage("resizing the picture", (resize_lanczos,)),
        Stage("colours", (match_color,)),
        Stage("masks and patches", (blend_into,), (match_color, paste_into)),
        Stage("pasting", (paste_into,)),
        Stage("encoding and writing the file", (save_picture,)),
    )


def outermost(module: nn.Module) -> list[Callable[..., Any]]:
    """The forward of a network; of a module that only holds several, those of each."""
    if type(module).forward is not nn.Module.forward:
        return [type(module).forward]
    return [forward for child in module.children() for forward in outermost(child)]


def profiled(job: Callable[[], object], stages: tuple[Stage, ...]) -> dict[str, float]:
    """One run → seconds of each stage, and of what is left."""
    profile = cProfile.Profile(builtins=False)
    total = seconds_of(lambda: profile.runcall(job))
    spent = {entry.code: entry.totaltime for entry in profile.getstats() if isinstance(entry.code, CodeType)}
    found = {
        stage.name: sum(spent.get(code_of(function), 0.0) for function in stage.functions)
        - sum(spent.get(code_of(function), 0.0) for function in stage.less)
        for stage in stages
    }
    return {**found, "everything else": total - sum(found.values())}


def code_of(function: Callable[..., Any]) -> CodeType:
    return inspect.unwrap(function).__code__


def astronaut(path: Path) -> Path:
    from PIL import Image
    from skimage import data

    Image.fromarray(data.astronaut()).save(path)
    return path


def show(figures: Mapping[str, Any]) -> None:
    """A table on the terminal, in Markdown."""
    width, height = figures["result"]
    print(
        f"{figures['picture']} → {width}×{height}, {figures['faces']} faces, {figures['model']}, {figures['detector']}\n"
    )
    print("| stage | s | share |\n|---|---:|---:|")
    for name, seconds in figures["stages"].items():
        print(f"| {name} | {seconds:.3f} | {seconds / figures['seconds_profiled']:.1%} |")
    print(f"\n{figures['seconds']:.2f} s in all, {figures['seconds_profiled']:.2f} s under the profiler; ", end="")
    print(f"{figures['share_without_networks']:.1%} of it in no network")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--scale", type=float, default=2.0, help="default: %(default)s")
    parser.add_argument(
        "--model", default="bundled", help="a checkpoint or a published model's name (default: bundled)"
    )
    parser.add_argument(
        "--models", type=Path, action="append", default=[], help="another folder to look for weights in"
    )
    parser.add_argument("--detector", default="auto")
    parser.add_argument("--format", choices=("png", "jpg", "webp", "tif"), default="png", help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--runs", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
