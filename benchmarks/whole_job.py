"""A picture from file to file: what each stage takes, and the share of all that is no network.

python benchmarks/whole_job.py [--image PHOTO] [--scale 2] [--model NAME] [--detector NAME] [--runs 5]
                               [--busy 0 1 2] [--json FILE]

Runs what `python -m gpen_core restore` does with a picture, in this process, with models already loaded, and a stopwatch
around the functions that are its stages: some hundred calls, which cost nothing. Without a picture it is scikit-image's
astronaut. Beside so many processes that take all the time they can get (--busy), it shows how each stage bears that; threads
wait for each other as in a host that imported torch before us.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import torch
from others import spinning
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gpen_core import load_checkpoint  # noqa: E402
from gpen_core.checkpoints import GpenModel  # noqa: E402
from gpen_core.faces.alignment import align_face  # noqa: E402
from gpen_core.faces.detectors import MultiPassDetector, load_detector  # noqa: E402
from gpen_core.heap import keep_freed_memory  # noqa: E402
from gpen_core.imaging.color import match_color  # noqa: E402
from gpen_core.imaging.files import load_picture, save_picture  # noqa: E402
from gpen_core.imaging.lanczos import resize_lanczos  # noqa: E402
from gpen_core.imaging.paste import paste_into  # noqa: E402
from gpen_core.lab.benchmark.run import about_machine  # noqa: E402
from gpen_core.lab.benchmark.timing import seconds_of  # noqa: E402
from gpen_core.pipeline import BlendOptions, Settings, detect_faces, restore_image  # noqa: E402
from gpen_core.pipeline.blend import blend_into  # noqa: E402
from gpen_core.pipeline.protect.content import KeepContent  # noqa: E402
from gpen_core.pipeline.protect.detail import KeepDetail  # noqa: E402
from gpen_core.pipeline.protect.strength import MatchStrength  # noqa: E402
from gpen_core.weights.find import resolve_model, weight_folders  # noqa: E402

DETECTOR, GPEN = "the detector's network", "GPEN"
NETWORKS = (DETECTOR, GPEN)


@dataclass
class Stopwatch:
    """Seconds of each stage, less what it spends in other stages."""

    seconds: dict[str, float] = field(default_factory=dict)
    inner: float = 0.0  # spent in stages by whatever runs now

    def around(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            before, self.inner, start = self.inner, 0.0, time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                spent = time.perf_counter() - start
                self.seconds[stage] = self.seconds.get(stage, 0.0) + spent - self.inner
                self.inner = before + spent

        return timed


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
        save_picture(picture.restored(result.frames[0], result.mask[0]), self.target)
        return len(result.faces)


def main() -> None:
    options = _options()
    keep_freed_memory()  # as the command line does
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        source = options.image or astronaut(Path(folder) / "astronaut.png")
        job = prepare(source, Path(folder) / f"restored.{options.format}", options)
        faces = job()
        rounds = {busy: beside(busy, job, options.runs) for busy in options.busy}
        size = load_picture(job.target).pixels.shape
    figures = {
        "picture": source.name,
        "result": [size[2], size[1]],
        "faces": faces,
        "model": job.model.name,
        "detector": job.detector.name,
        "beside": {busy: figures_of(each) for busy, each in rounds.items()},
        "machine": about_machine(torch.device("cpu"), options.threads),
    }
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def beside(busy: int, job: Callable[[], object], runs: int) -> list[dict[str, float]]:
    """Runs while so many other processes are busy."""
    with spinning(busy):
        return [timed(job, stages(job)) for _ in range(runs)]


def figures_of(rounds: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Medians, and the worst run."""
    totals = [sum(each.values()) for each in rounds]
    return {
        "seconds": median(totals),
        "worst": max(totals),
        "stages": {name: median(each[name] for each in rounds) for name in rounds[0]},
        "share_without_networks": median(
            1 - sum(each[name] for name in NETWORKS) / total for each, total in zip(rounds, totals)
        ),
    }


def prepare(source: Path, target: Path, options: argparse.Namespace) -> Job:
    folders = (*options.models, *weight_folders())
    model = load_checkpoint(resolve_model(options.model, folders))
    detector = load_detector(options.detector, folders=folders)
    return Job(source, target, model, detector, Settings(blend=BlendOptions(scale=options.scale)))


def stages(job: Job) -> dict[str, tuple[Callable[..., Any], ...]]:
    """The functions of each, in the order of the work."""
    return {
        "reading the file": (load_picture,),
        DETECTOR: tuple(outermost(job.detector.network.module)),
        "the rest of detection": (detect_faces,),
        "alignment": (align_face,),
        GPEN: (GpenModel.__call__,),
        "protection: quality": (MatchStrength.protect,),
        "protection: content": (KeepContent.protect,),
        "protection: detail": (KeepDetail.protect,),
        "resizing the picture": (resize_lanczos,),
        "colors": (match_color,),
        "masks and patches": (blend_into,),
        "pasting": (paste_into,),
        "encoding and writing the file": (save_picture,),
    }


def outermost(module: nn.Module) -> list[Callable[..., Any]]:
    """The forward of a network; of a module that only holds several, those of each."""
    if type(module).forward is not nn.Module.forward:
        return [type(module).forward]
    return [forward for child in module.children() for forward in outermost(child)]


def timed(job: Callable[[], object], stages: Mapping[str, tuple[Callable[..., Any], ...]]) -> dict[str, float]:
    """One run → seconds of each stage, and of what is left."""
    watch = Stopwatch()
    with ExitStack() as stack:
        for stage, functions in stages.items():
            for function in functions:
                stack.enter_context(replaced(function, watch.around(stage, function)))
        total = seconds_of(job)
    found = {stage: watch.seconds.get(stage, 0.0) for stage in stages}
    return {**found, "everything else": total - sum(found.values())}


@contextmanager
def replaced(function: Callable[..., Any], by: Callable[..., Any]) -> Iterator[None]:
    """``by`` in ``function``'s place, wherever this package or this script holds it."""
    with ExitStack() as stack:
        for holder, name in holders(function):
            stack.enter_context(patch.object(holder, name, by))
        yield


def holders(function: Callable[..., Any]) -> list[tuple[Any, str]]:
    """Modules, and classes in them, with the name under which they hold ``function``."""
    packages = {"gpen_core", __name__, function.__module__.partition(".")[0]}
    modules = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in packages]
    classes = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    found = [
        (holder, name) for holder in (*modules, *classes) for name, value in vars(holder).items() if value is function
    ]
    if not found:
        raise LookupError(f"nothing holds {function.__qualname__}: its time would be counted elsewhere")
    return found


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
    for busy, found in figures["beside"].items():
        if len(figures["beside"]) > 1:
            print(f"\nbeside {busy} busy processes\n")
        print("| stage | s | share |\n|---|---:|---:|")
        for name, seconds in found["stages"].items():
            print(f"| {name} | {seconds:.3f} | {seconds / found['seconds']:.1%} |")
        print(
            f"\n{found['seconds']:.2f} s in all, {found['worst']:.2f} at worst; "
            f"{found['share_without_networks']:.1%} of it in no network"
        )


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
    parser.add_argument("--busy", type=int, nargs="+", default=[0], help="numbers of busy processes (default: 0)")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
