"""python -m gpen_core evaluate --video"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..checkpoints import GpenModel
from ..errors import MissingWeightsError, OptionError
from ..faces.detectors import DETECTOR_NAMES, load_detector
from ..faces.identity import find_embedder
from ..jobs.sources import find_pictures
from ..lab.evaluation.video.evaluate import ENCODERS, QUALITIES, VideoTest, evaluate_video
from ..lab.evaluation.video.report import summary, table
from ..video.files import is_clip
from .arguments import some_path, some_text


def add_video(parser: argparse.ArgumentParser) -> None:
    """Options on clips."""
    group = parser.add_argument_group("clips")
    group.add_argument(
        "--video", nargs="+", type=some_path, metavar="PICTURE",
        help="measure how steady restored clips are, of photographs or folders of them: each one's face is made to move, "
        "degraded by noise and a codec, and restored frame by frame and as a clip. No faces are needed",
    )  # fmt: skip
    group.add_argument("--video-frames", type=int, default=VideoTest().frames, metavar="N", help="default: %(default)s")
    group.add_argument("--video-quality", nargs="+", choices=tuple(QUALITIES), default=list(QUALITIES), metavar="NAME",
                       help=f"of the clips: {', '.join(QUALITIES)} (default: all)")  # fmt: skip
    group.add_argument(
        "--video-codec", nargs="+", choices=tuple(ENCODERS), default=list(VideoTest().codecs), metavar="NAME",
        help=f"of the clips: {', '.join(ENCODERS)} (default: {', '.join(VideoTest().codecs)})",
    )  # fmt: skip
    group.add_argument(
        "--detector",
        type=some_text,
        default=DETECTOR_NAMES[0],
        help="of the clips' faces: " + ", ".join(DETECTOR_NAMES),
    )


def run_video(options: argparse.Namespace, model: GpenModel, folders: Sequence[Path]) -> int:
    """Measure, write ``video.json``, ``video.md`` and contact sheets, and print the table. → 0"""
    if not options.out.parent.exists():
        raise OptionError(f"{options.out.parent}: no such folder")
    options.out.mkdir(exist_ok=True)
    embedder = None
    with suppress(MissingWeightsError):
        embedder = find_embedder(folders)
    detector = load_detector(options.detector, folders=folders, device=model.device)
    test = VideoTest(
        frames=options.video_frames, qualities=tuple(options.video_quality), codecs=tuple(options.video_codec)
    )
    found = find_pictures([str(path) for path in options.video])
    if found.missing:
        raise OptionError(f"--video {found.missing[0]}: no picture there")
    pictures = [source.path for source in found.sources]
    if (clip := next((path for path in pictures if is_clip(path)), None)) is not None:
        raise OptionError(f"{clip} is a clip: --video takes photographs and makes clips of them, whose truth is known")
    rows = evaluate_video(pictures, model, detector, test, options.out, embedder=embedder, say=print)
    print(table(rows), end="")
    for row in rows:
        told = [
            f"{name} {value:+.2f} dB" if name == "psnr" else f"{name} × {value:.2f}{'' if met else ' (missed)'}"
            for name, (value, met) in row.verdicts().items()
        ]
        print(f"{row.name}: steady against one by one: {', '.join(told)}")
    if len(rows) > 1:
        print(summary(rows), end="")
    return 0
