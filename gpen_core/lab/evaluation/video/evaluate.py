"""Restore clips whose truth is known, frame by frame and steadily, and measure both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch
from torch import Tensor

from ....checkpoints import GpenModel
from ....errors import ImageError, OptionError
from ....faces.detectors import MultiPassDetector, load_mtcnn
from ....faces.detectors.mtcnn import Mtcnn
from ....faces.identity import Embedder
from ....files import written_whole
from ....imaging.files import load_picture
from ....pipeline import ProtectOptions, Settings, restore_image
from ....pipeline.clip import VideoOptions, restore_stream
from .clips import Clip, blinking, closed_eyes, coded, moving, noisy, reduced, smaller, smooth_motion, with_surroundings
from .measure import clean_landmarks, measure_clip
from .report import ALONE, CLEAN, INPUT, RULER, STEADY, VideoRow, contact_sheet, summary, table, text_of

QUALITIES = {"good": (3.0, 0.015), "poor": (4.5, 0.04)}  # fewer pixels by this factor, noise
ENCODERS = {"h264": ("libx264", {"good": 23, "poor": 33}), "vp9": ("libvpx-vp9", {"good": 30, "poor": 44})}  # with CRF


@dataclass(frozen=True)
class VideoTest:
    """What clips are made and how they are restored. Raises OptionError for values outside their range.

    Attributes:
        frames: Of each clip; four of them blink.
        size: (height, width).
        face_width: In pixels.
        qualities: Of ``QUALITIES``.
        codecs: Of ``ENCODERS``: each picture gives a clip in each quality of each.
        settings: Of the restoration; by default all that the model makes is taken.
        video: How faces are held steady.
    """

    frames: int = 48
    size: tuple[int, int] = (360, 640)
    face_width: float = 150.0
    qualities: tuple[str, ...] = tuple(QUALITIES)
    codecs: tuple[str, ...] = ("h264",)
    settings: Settings = Settings(protect=ProtectOptions("off"))
    video: VideoOptions = VideoOptions()

    def __post_init__(self) -> None:
        if self.frames < 12:
            raise OptionError(f"a clip has at least 12 frames, not {self.frames}")
        for what, asked, known in (("quality", self.qualities, QUALITIES), ("codec", self.codecs, ENCODERS)):
            unknown = [name for name in asked if name not in known]
            if unknown:
                raise OptionError(f"no {what} is called '{unknown[0]}'. Known: {', '.join(known)}.")


def evaluate_video(
    pictures: Sequence[Path],
    model: GpenModel,
    detector: MultiPassDetector,
    test: VideoTest,
    out: Path,
    *,
    embedder: Embedder | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> list[VideoRow]:
    """Measure how steady restored clips are.

    Args:
        pictures: Photographs, each with a face that is turned into clips.
        model: Restores it.
        detector: Finds it. How landmarks move, MTCNN tells, whatever finds the faces.
        test: What clips are made.
        out: Folder for ``video.json``, ``video.md`` and a contact sheet of every tenth frame of each clip.
        embedder: Tells whose face it is, for VIDD.
        say: Hears what was measured, line by line.

    Raises:
        OptionError: None of the pictures shows a face; those that show none or cannot be read are left out, which is said.
    """
    rows, ruler = list[VideoRow](), load_mtcnn(model.device)
    for path, name in _named(pictures):
        try:
            clean = clean_clip(path, detector, test)
        except ImageError as error:
            say(str(error))
            continue
        if clean is None:
            say(f"{path}: no face is found in it, so no clip is made of it")
        else:
            rows += _rows(name, clean, model, detector, ruler, test, out, embedder, say)
    if not rows:
        raise OptionError("no clip can be made: no face is found in any picture")
    content = [
        {
            "picture": row.picture,
            "codec": row.codec,
            "quality": row.quality,
            "tlme_detector": "mtcnn",
            "measures": {name: measured.as_dict() for name, measured in row.measures.items()},
        }
        for row in rows
    ]
    for name, text in (
        ("video.json", json.dumps(content, indent=1) + "\n"),
        ("video.md", f"{table(rows)}\n{RULER}\n\n{summary(rows)}"),
    ):
        with written_whole(out / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return rows


def _named(pictures: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Each picture with a name that no other one has: its file's, with a number where an earlier one is called the same."""
    taken: dict[str, int] = {}
    for path in pictures:
        taken[path.name] = taken.get(path.name, 0) + 1
        yield path, path.name if taken[path.name] == 1 else f"{path.name} ({taken[path.name]})"


def _rows(
    picture: str, clean: Clip, model: GpenModel, detector: MultiPassDetector, ruler: Mtcnn, test: VideoTest, out: Path,
    embedder: Embedder | None, say: Callable[[str], None],
) -> Iterator[VideoRow]:  # fmt: skip
    landmarks = clean_landmarks(clean, ruler)
    of_clean = measure_clip(clean.frames, clean, ruler, embedder, landmarks)
    for codec, quality in product(test.codecs, test.qualities):
        (factor, noise), (encoder, crf) = QUALITIES[quality], ENCODERS[codec]
        frames = coded(noisy(smaller(clean.frames, factor), noise), encoder, crf[quality])
        made = {
            INPUT: frames,
            ALONE: one_by_one(frames, model, detector, test),
            STEADY: steady(frames, model, detector, test),
        }
        measures = {name: measure_clip(shown, clean, ruler, embedder, landmarks) for name, shown in made.items()}
        row = VideoRow(picture, codec, quality, {**measures, CLEAN: of_clean})
        contact_sheet([*made.values(), clean.frames], out / f"{picture}-{codec}-{quality}.png")
        for name, measured in row.measures.items():
            say(f"{row.name}, {name}: {text_of(measured)}")
        yield row


def clean_clip(path: Path, detector: MultiPassDetector, test: VideoTest) -> Clip | None:
    """The clip before it is degraded; the eyes are closed in four frames in the middle. None where no face is found."""
    picture = load_picture(path).pixels[:3]
    faces = detector.detect(picture)
    if not faces:
        return None
    picture, face = reduced(*with_surroundings(picture, faces[0]), test.face_width)
    motion = smooth_motion(test.frames, face, test.size, test.face_width)
    middle = test.frames // 2
    clip = moving(picture, face, motion, test.size)
    return blinking(clip, closed_eyes(picture, face), motion, range(middle, middle + 4))


def one_by_one(frames: Tensor, model: GpenModel, detector: MultiPassDetector, test: VideoTest) -> Tensor:
    """[T, 3, H, W] restored, each frame as a picture by itself."""
    return torch.cat([restore_image(frame[None], model, detector, test.settings).frames for frame in frames])


def steady(frames: Tensor, model: GpenModel, detector: MultiPassDetector, test: VideoTest) -> Tensor:
    """[T, 3, H, W] restored as a clip."""
    return torch.stack([done.frame for done in restore_stream(frames, model, detector, test.settings, test.video)])
