"""How soon a run answers Cancel, at any moment of a job on a large picture of many faces.

python benchmarks/cancel.py [--image PICTURE] [--model NAME] [--detector NAME] [--scale 1] [--cancels 20] [--threads 2]

Does what the graph's Face Fix does, in this process: load, detect, restore, protect, blend. A run can be stopped whenever it
asks whether it may go on, so the time between two such questions is the longest that somebody waits who cancels in between:
those of a first run, which loads everything, and of a second one are listed with the places that ask. Then runs are canceled at
random moments, and it is listed how long each took to answer. The last run is not canceled: its result must be the first
one's, bit for bit. Without a picture it is scikit-image's astronaut, 32 times, in 3840×2160.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gpen_core import load_checkpoint  # noqa: E402
from gpen_core.faces.detectors import load_detector  # noqa: E402
from gpen_core.imaging.files import load_picture  # noqa: E402
from gpen_core.pipeline import BlendOptions, Hooks, Settings, restore_image  # noqa: E402
from gpen_core.weights.find import resolve_model, weight_folders  # noqa: E402

_SHOWN = 12  # of the longest waits


class Cancelled(BaseException):
    """As a host's own: no Exception."""


@dataclass
class Watch:
    """Is asked whether the run may go on, and says no from ``end`` on; keeps the longest times between two questions.

    Attributes:
        end: As ``time.perf_counter`` counts; None: never.
        waits: (seconds, where it was asked before and after).
    """

    end: float | None = None
    waits: list[tuple[float, str, str]] = field(default_factory=list)
    _last: tuple[float, str] = field(default_factory=lambda: (time.perf_counter(), "start"))

    def ask(self) -> None:
        now, place = time.perf_counter(), _place()
        self.waits.append((now - self._last[0], self._last[1], place))
        self._last = (now, place)
        if self.end is not None and now >= self.end:
            raise Cancelled

    def progress(self, stage: str, done: int, total: int, preview: Tensor | None = None) -> None:
        self.ask()

    def hooks(self) -> Hooks:
        return Hooks(progress=self.progress, poll=self.ask)


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    picture = (many_faces() if options.image is None else load_picture(options.image).pixels)[None]
    job = job_of(picture, options)
    first, expected, seconds = watched(job)
    show("The first run", first, seconds)
    again, _, seconds = watched(job)
    show("The second run", again, seconds)
    moments = (torch.rand(options.cancels, generator=torch.Generator().manual_seed(0)) * seconds).tolist()
    answers = [canceled(job, moment) for moment in moments]
    if answers:
        print(f"\n{len(answers)} runs canceled: answered after {median(answers):.3f} s, {max(answers):.3f} s at most")
        equal = torch.equal(job(Watch()), expected)
        print(f"The run after them gives {'the same, bit for bit' if equal else 'ANOTHER RESULT'}")
        sys.exit(not equal)


def job_of(picture: Tensor, options: argparse.Namespace) -> Callable[[Watch], Tensor]:
    """A run, which loads what it needs the first time."""
    folders = weight_folders()
    loaded: dict[str, object] = {}

    def job(watch: Watch) -> Tensor:
        if not loaded:
            loaded["model"] = load_checkpoint(resolve_model(options.model, folders))
            watch.ask()
            loaded["detector"] = load_detector(options.detector, folders=folders)
            watch.ask()
        settings = Settings(blend=BlendOptions(scale=options.scale))
        done = restore_image(picture, loaded["model"], loaded["detector"], settings, hooks=watch.hooks())
        return done.frames

    return job


def watched(job: Callable[[Watch], Tensor]) -> tuple[Watch, Tensor, float]:
    start, watch = time.perf_counter(), Watch()
    result = job(watch)
    watch.ask()
    return watch, result, time.perf_counter() - start


def canceled(job: Callable[[Watch], Tensor], after: float) -> float:
    """Cancel a run after so many seconds → how long it took to answer."""
    end = time.perf_counter() + after
    try:
        job(Watch(end))
    except Cancelled:
        return time.perf_counter() - end
    return max(0.0, time.perf_counter() - end)  # it was done before it was asked


def show(title: str, watch: Watch, seconds: float) -> None:
    """The longest waits; a cancel at any moment is answered at the end of the wait that it falls into."""
    waits = sorted(watch.waits, reverse=True)
    mean = sum(wait * wait for wait, _, _ in waits) / 2 / seconds
    print(
        f"\n{title}: {seconds:.1f} s, asked {len(waits)} times; a cancel waits {mean:.3f} s on average, "
        f"{waits[0][0]:.3f} at most\n"
    )
    print("| s | between | and |\n|---:|---|---|")
    for wait, before, after in waits[:_SHOWN]:
        print(f"| {wait:.3f} | {before} | {after} |")


def many_faces() -> Tensor:
    """[3, 2160, 3840]."""
    from skimage import data

    face = torch.from_numpy(data.astronaut()).movedim(-1, 0) / 255
    return face.repeat(1, 5, 8)[:, :2160, :3840]


def _place() -> str:
    """Which of our functions asks."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    path = Path(frame.f_code.co_filename)
    name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name
    return f"{name}:{frame.f_lineno} {frame.f_code.co_name}"


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", type=Path)
    parser.add_argument(
        "--model", default="bundled", help="a checkpoint or a published model's name (default: bundled)"
    )
    parser.add_argument("--detector", default="auto")
    parser.add_argument("--scale", type=float, default=1.0, help="default: %(default)s")
    parser.add_argument("--cancels", type=int, default=20, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
