"""Options on clips."""

from __future__ import annotations

import argparse

from ..errors import OptionError
from ..pipeline.clip import VideoOptions
from ..video.codec_names import CODECS
from ..video.codecs import EncodeOptions
from ..video.segments import SEGMENT_FRAMES
from .arguments import some_text
from .companions import companions


def add_clips(parser: argparse.ArgumentParser) -> None:
    """Options on clips."""
    clips, video = parser.add_argument_group("clips"), VideoOptions()
    clips.add_argument(
        "--start", type=some_text, default="0", metavar="TIME", help="begin here: seconds, or h:mm:ss (default: 0)"
    )
    clips.add_argument("--segment-frames", type=int, default=SEGMENT_FRAMES, metavar="N", help="a long clip is cut at the "
                       "first change of scene after N frames, and joined again (default: %(default)s)")  # fmt: skip
    clips.add_argument("--end", type=some_text, metavar="TIME", help="stop here (default: at the end)")
    clips.add_argument(
        "--codec", choices=CODECS, default=CODECS[0], help="auto: the source's, where the file takes it (default: auto)"
    )
    clips.add_argument(
        "--crf", type=int, metavar="N", help="quality of the encoder, 0 (best) … 63 (default: no visible loss)"
    )
    clips.add_argument(
        "--steadiness",
        type=float,
        default=video.steadiness,
        help="how long a restored face is held where the clip does not change, 0 = not at all … 1 (default: %(default)s)",
    )
    clips.add_argument(
        "--detect-every",
        type=int,
        default=video.detect_every,
        metavar="N",
        help="search whole frames at every N-th, and follow faces between (default: automatic)",
    )
    clips.add_argument(
        "--sequence",
        action="store_true",
        help="the images of a folder are the frames of a clip, in the order of their numbers: restored steadily, each into a "
        "file of its own",
    )


def check_sequence(options: argparse.Namespace) -> None:
    """Raises OptionError for what frames of a clip do not have."""
    others = {"--report": options.report, "--side-by-side": options.side_by_side, "--save-faces": options.save_faces}
    others |= {
        "--mask": companions(options).mask,
        "--background": options.background,
        "--upscaler": options.upscaler,
        "--whole-picture": options.whole_picture,
    }
    for name, value in others.items():
        if options.sequence and value:
            raise OptionError(f"{name} is for single images: leave it out with --sequence")
    if options.sequence and (options.start != "0" or options.end is not None):
        raise OptionError("numbered images have no times: with --sequence, give the frames that are to be restored "
                          "instead of --start and --end")  # fmt: skip


def video_options(options: argparse.Namespace) -> VideoOptions:
    """How faces are held steady. Raises OptionError."""
    return VideoOptions(steadiness=options.steadiness, detect_every=options.detect_every)


def encode_options(options: argparse.Namespace) -> EncodeOptions:
    """How results are encoded. Raises OptionError."""
    return EncodeOptions(options.codec, options.crf)


def seconds_of(name: str, text: str) -> float:
    """ "75", "1:15" or "0:01:15.5" → seconds."""
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        parts = []
    if not 1 <= len(parts) <= 3 or min(parts) < 0:
        raise OptionError(f"{name} {text}: write seconds, such as 75.5, or a time, such as 1:15.5")
    seconds = 0.0
    for part in parts:
        seconds = 60 * seconds + part
    return seconds
