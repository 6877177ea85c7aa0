"""How fast clips are restored against a loop of the stages, and how memory grows with their length.

    python benchmarks/video.py speed [--frames 60]     # 1280×720, the bundled model
    python benchmarks/video.py memory [--frames 300 3000 10000]

How steady they are: python -m gpen_core evaluate --video PICTURE … -o REPORT

speed   A clip of a face that moves is written by H.264, then restored twice: by a loop that decodes, restores (as a picture by
        itself) and encodes one frame after the other, and by restore_clip. Both are measured in turn.
memory  Clips of 192×144 of these lengths, with a face in every twelfth of their scenes of three seconds, each restored in a
        process of its own by a tiny network: the peak of its memory.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import torch
from torch.nn.functional import pad

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import gpen_core  # noqa: E402
from gpen_core.checkpoints import GpenModel  # noqa: E402
from gpen_core.imaging.files import load_picture  # noqa: E402
from gpen_core.imaging.warp import warp  # noqa: E402
from gpen_core.lab.evaluation.video import smooth_motion  # noqa: E402
from gpen_core.model import Gpen, GpenConfig  # noqa: E402
from gpen_core.pipeline import restore_image  # noqa: E402
from gpen_core.tasks import TASKS  # noqa: E402
from gpen_core.video import ClipReader, ClipTools, ClipWriter, restore_clip  # noqa: E402
from gpen_core.video.files import pyav  # noqa: E402

PICTURE = ROOT / "tests" / "data" / "astronaut.jpg"


def write_clip(path: Path, size: tuple[int, int], face_width: float, frames: int, scene: int = 0) -> None:
    """The photograph before gray under a smooth motion, one frame at a time.

    With ``scene``, the face shows in the first of every twelve scenes of so many frames; between, the rest of the picture does.
    """
    # Gray, not a reflection, in which the flag's stars look like faces
    picture, av = pad(load_picture(PICTURE).pixels[:3], [512] * 4, value=0.5), pyav()
    face = gpen_core.load_detector("mtcnn").detect(picture)[0]
    empty = picture.clone()
    empty[:, : round(face.box[3] + 0.3 * (face.box[3] - face.box[1]))] = 0.5
    period = smooth_motion(min(frames, 400), face, size, face_width)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=Fraction(25))
        stream.height, stream.width, stream.pix_fmt, stream.options = (
            *size,
            "yuv420p",
            {"crf": "28", "preset": "veryfast"},
        )
        for number in range(frames):
            # Back and forth: a motion that begins anew would be a jump.
            place = number % (2 * len(period))
            matrix = period[place if place < len(period) else 2 * len(period) - 1 - place]
            shown = picture if not scene or number // scene % 12 == 0 else empty
            array = warp(shown, matrix, size).mul(255).byte().permute(1, 2, 0).contiguous().numpy()
            output.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
        output.mux(stream.encode(None))


def loop(source: Path, target: Path, model: GpenModel, detector) -> int:
    """Today's stages, one frame after the other → how many faces were restored."""
    faces, writer = 0, None
    with ClipReader(source) as reader:
        for frame in reader.frames():
            done = restore_image(frame.pixels[None].float() / 255, model, detector)
            writer = writer or ClipWriter(target, reader.info, tuple(done.frames.shape[-2:]))
            writer.write(done.frames[0], frame.time)
            faces += len(done.faces)
    writer.close()
    return faces


def as_clip(source: Path, target: Path, tools: ClipTools) -> int:
    """How many faces were restored."""
    return sum(restore_clip(source, target, tools).tracks.values())


def speed(options: argparse.Namespace) -> None:
    model, detector = gpen_core.load_model("bundled"), gpen_core.load_detector("mtcnn")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "in.mp4")
        frames = options.frames[0] if options.frames else 60
        write_clip(source, (720, 1280), 220.0, frames)
        for turn in range(options.turns):
            alone = timed(lambda: loop(source, Path(folder, "loop.mp4"), model, detector))
            clip = timed(lambda: as_clip(source, Path(folder, "clip.mp4"), ClipTools(model, detector)))
            for name, (seconds, of_a_core, faces) in (("loop", alone), ("clip", clip)):
                rate, work = frames / seconds, of_a_core / frames
                print(
                    f"turn {turn + 1}: {name} {rate:.2f} frames/s, {work:.2f} s of a core a frame, {faces} faces",
                    flush=True,
                )
            by_clock, by_core = alone[0] / clip[0], alone[1] / clip[1]
            print(f"turn {turn + 1}: {by_clock:.2f} times as fast, {by_core:.2f} times less work", flush=True)


def timed(job: Callable[[], int]) -> tuple[float, float, int]:
    """Seconds by the clock, and of all cores together: on a busy machine, only these tell; and what the job returns."""
    started, worked = time.perf_counter(), time.process_time()
    done = job()
    return time.perf_counter() - started, time.process_time() - worked, done


def memory(options: argparse.Namespace) -> None:
    for frames in options.frames or (300, 3000, 10000):
        done = subprocess.run(  # noqa: S603
            [sys.executable, __file__, "one", "--frames", str(frames)], capture_output=True, text=True
        )
        print(done.stdout.strip() or done.stderr[-800:], flush=True)


def one(options: argparse.Namespace) -> None:
    """A clip, in this process; the clip itself is written by another, whose memory does not count."""
    frames = options.frames[0]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "in.mp4")
        code = (
            f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import video; from pathlib import Path; "
        )
        code += f"video.write_clip(Path({str(source)!r}), (144, 192), 60.0, {frames}, 75)"
        subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603
        torch.manual_seed(0)
        config = GpenConfig(32, 32, (4, 4, 4, 4), style_dim=8, mapping_layers=1)
        model = GpenModel(config, Gpen(config).requires_grad_(False).eval(), TASKS["restoration"], "tiny")
        started = time.perf_counter()
        report = restore_clip(source, Path(folder, "out.mp4"), ClipTools(model, gpen_core.load_detector("mtcnn")))
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{report.frames} frames ({report.with_faces} with a face): {peak:.0f} MiB, {seconds:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "memory", "one"))
    parser.add_argument("--frames", type=int, nargs="*", default=[])
    parser.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    {"speed": speed, "memory": memory, "one": one}[options.what](options)


if __name__ == "__main__":
    main()
