"""Two short clips of a photograph, with what time or a phone does to a clip: to try things on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..imaging.blur import gaussian_blur
from ..imaging.luma import luma_of
from ..imaging.warp import resize_filtered, warp
from .example_names import FILM, PHONE
from .files import pyav

_FACE = (0.44, 0.22)  # of the photograph: where the face is, in shares of its sides
_SOUND_RATE = 44100
_NOTES = (262, 330, 392, 523)  # Hz


@dataclass(frozen=True)
class _Take:
    """How the photograph is filmed and how the file is encoded.

    Attributes:
        frames: How many.
        rate: Frames a second.
        size: (height, width).
        scale: Of the photograph, at the mean.
        face: Where its face is at the mean, in shares of the frame's sides.
        weave: How far a frame may lie beside its place, as in a worn gate, in pixels.
        crf: x264's quality.
    """

    frames: int
    rate: int
    size: tuple[int, int]
    scale: float
    face: tuple[float, float]
    weave: float
    crf: int


# Films of the silent era ran at 16 to 24 frames a second. A scan of one is not compressed much, a phone's clip is.
_TAKES = {
    FILM: _Take(45, 18, (360, 480), 1.2, (0.5, 0.36), 0.5, 18),
    PHONE: _Take(50, 25, (640, 360), 1.35, (0.5, 0.22), 0.0, 31),
}


def write_example_clip(kind: str, photograph: Tensor, path: Path) -> None:
    """Write a clip of two seconds in which a face moves. The same bytes every time, with the same FFmpeg.

    Args:
        kind: "old film": gray, with grain, scratches and dust, flickering exposure and a picture that is not steady;
            silent. "phone clip": upright, out of few pixels, noisy, compressed a lot; with sound.
        photograph: [3, 512, 512] RGB in [0, 1], whose face is where that of the pack's portrait is.
        path: The new .mp4 file.

    Raises:
        KeyError: No such kind; see ``example_names``.
        OptionError: PyAV is not installed.
    """
    av, take = pyav(), _TAKES[kind]
    generator = torch.Generator().manual_seed(0)
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as output:
        video = output.add_stream("libx264", rate=Fraction(take.rate))
        video.height, video.width = take.size
        # One thread: how many there are changes what x264 writes.
        options = {"crf": str(take.crf), "preset": "veryfast", "threads": "1", "flags": "+bitexact"}
        video.pix_fmt, video.options = "yuv420p", options
        audio = output.add_stream("aac", rate=_SOUND_RATE, layout="mono") if kind == PHONE else None
        for frame in (_old_film if kind == FILM else _phone)(photograph, take, generator):
            array = frame.mul(255).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()
            output.mux(video.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
        output.mux(video.encode(None))
        if audio is not None:
            for sound in _melody(av, take.frames / take.rate):
                output.mux(audio.encode(sound))
            output.mux(audio.encode(None))


def _filmed(photograph: Tensor, take: _Take, generator: torch.Generator) -> Iterator[Tensor]:
    """[C, H, W] for each frame: the camera is in a hand, and the face comes nearer."""
    height, width = take.size
    at_x, at_y = (share * side for share, side in zip(_FACE, reversed(photograph.shape[1:]), strict=True))
    for number in range(take.frames):
        turn = 2 * math.pi * number / take.frames
        scale = take.scale * (1 + 0.04 * math.sin(turn))
        weave_x, weave_y = (take.weave * (2 * torch.rand(2, generator=generator) - 1)).tolist()
        x = width * (take.face[0] + 0.06 * math.sin(turn + 1)) + weave_x
        y = height * (take.face[1] + 0.01 * math.sin(2 * turn)) + weave_y
        matrix = torch.tensor([[scale, 0, x - scale * at_x], [0, scale, y - scale * at_y]], dtype=torch.float64)
        yield warp(photograph, matrix, take.size)


def _old_film(photograph: Tensor, take: _Take, generator: torch.Generator) -> Iterator[Tensor]:
    height, width = take.size
    scratches = [(_whole(width - 2, generator), 6 * start) for start in range(take.frames // 6)]  # column, first frame
    faded = 0.08 + 0.84 * gaussian_blur(luma_of(photograph), 1.0)
    for number, frame in enumerate(_filmed(faded, take, generator)):
        gray = frame * (0.95 + 0.1 * float(torch.rand(1, generator=generator)))
        for column, first in scratches:
            if first <= number < first + 9:
                place = column + _whole(3, generator)
                gray[:, :, place] = 0.4 * gray[:, :, place] + 0.57
        for _ in range(4):
            _dust(gray, _whole(height - 4, generator), _whole(width - 4, generator), generator)
        grain = gaussian_blur(torch.randn(1, height, width, generator=generator), 0.7)
        yield (gray + 0.035 * grain / grain.std()).expand(3, -1, -1)


def _dust(gray: Tensor, top: int, left: int, generator: torch.Generator) -> None:
    """A speck, in place: white, or black."""
    rows, columns = 2 + _whole(3, generator), 2 + _whole(3, generator)
    gray[:, top : top + rows, left : left + columns] = 0.05 + 0.85 * _whole(2, generator)


def _phone(photograph: Tensor, take: _Take, generator: torch.Generator) -> Iterator[Tensor]:
    height, width = take.size
    for frame in _filmed(photograph, take, generator):
        small = resize_filtered(frame[None], (height // 2, width // 2), "bicubic")
        noisy = small + 0.035 * torch.randn(small.shape, generator=generator)
        yield resize_filtered(noisy, take.size, "bicubic")[0]


def _melody(av: Any, seconds: float) -> Iterator[Any]:
    """A few notes, softly, as frames of sound."""
    time = np.arange(round(seconds * _SOUND_RATE)) / _SOUND_RATE
    length = seconds / len(_NOTES)
    pitch = np.take(_NOTES, np.minimum(time // length, len(_NOTES) - 1).astype(int))
    tone = (0.15 * np.exp(-4 * (time % length)) * np.sin(2 * np.pi * pitch * time)).astype(np.float32)
    for start in range(0, len(tone), 1024):
        sound = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], format="fltp", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = _SOUND_RATE, start, Fraction(1, _SOUND_RATE)
        yield sound


def _whole(below: int, generator: torch.Generator) -> int:
    return int(torch.randint(below, (1,), generator=generator))
