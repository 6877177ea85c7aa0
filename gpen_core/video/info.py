"""What a clip's file says of it, and what its copy is to keep."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

BT709, BT601 = 1, 5  # ITU-T H.273 matrix coefficients, as FFmpeg numbers them
UNSPECIFIED = 2
LIMITED, FULL = 1, 2  # color range, as FFmpeg numbers it
_OF_THE_FILE = ("major_brand", "minor_version", "compatible_brands", "encoder", "duration")  # not of what it shows
_HD_HEIGHT = 720  # players take pictures this high for BT.709 where the file does not say


@dataclass(frozen=True)
class ClipInfo:
    """A clip, as its file describes it.

    Attributes:
        width: Of the upright picture, in pixels.
        height: Of the upright picture, in pixels.
        frame_rate: Mean frames a second.
        time_base: Of the frames' times, in seconds.
        duration: In seconds; 0 where the file does not say.
        frames: How many there are, as far as the file tells; 0 where it does not.
        codec: FFmpeg's name of the video's codec.
        pixel_format: FFmpeg's name.
        bits: Of each channel.
        rotation: Quarter turns, counterclockwise, by which frames are turned to be upright.
        color_range: FFmpeg's number: 1 limited, 2 full, 0 unsaid.
        matrix: FFmpeg's number of the YUV matrix; 2 unsaid.
        primaries: FFmpeg's number; 2 unsaid.
        transfer: FFmpeg's number of the transfer function; 2 unsaid.
        pixel_aspect: Width of a pixel by its height.
        metadata: Texts of the file.
    """

    width: int
    height: int
    frame_rate: Fraction
    time_base: Fraction
    duration: float
    frames: int
    codec: str
    pixel_format: str
    bits: int = 8
    rotation: int = 0
    color_range: int = 0
    matrix: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    pixel_aspect: Fraction = Fraction(1)
    metadata: tuple[tuple[str, str], ...] = ()

    @property
    def used_matrix(self) -> int:
        """The matrix by which YUV becomes RGB and RGB YUV again: both ways the same, so that nothing shifts."""
        if self.matrix in (0, UNSPECIFIED):  # 0 is RGB
            return BT709 if min(self.height, self.width) >= _HD_HEIGHT else BT601
        return self.matrix

    @property
    def is_full_range(self) -> bool:
        """Whether black is 0 and not 16."""
        return self.color_range == FULL or self.pixel_format.startswith("yuvj")


def info_of(container: Any, stream: Any, rotation: int) -> ClipInfo:
    """Read a clip's description from PyAV's objects; ``rotation`` is that of its first frame, in quarter turns."""
    context = stream.codec_context
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    duration = _duration(container, stream)
    turned = rotation % 2 == 1
    width, height = (context.height, context.width) if turned else (context.width, context.height)
    pixel_aspect = Fraction(stream.sample_aspect_ratio or context.sample_aspect_ratio or 1) or Fraction(1)
    return ClipInfo(
        width,
        height,
        Fraction(rate),
        Fraction(stream.time_base),
        duration,
        stream.frames or round(duration * rate),
        context.name,
        context.pix_fmt or "yuv420p",
        max((component.bits for component in context.format.components), default=8) if context.format else 8,
        rotation,
        _number(context.color_range, 0),
        _number(context.colorspace, UNSPECIFIED),
        _number(context.color_primaries, UNSPECIFIED),
        _number(context.color_trc, UNSPECIFIED),
        1 / pixel_aspect if turned else pixel_aspect,
        tuple(sorted((key, text) for key, text in container.metadata.items() if key.lower() not in _OF_THE_FILE)),
    )


def _duration(container: Any, stream: Any) -> float:
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    return float(container.duration) / 1e6 if container.duration is not None else 0.0


def _number(value: Any, unknown: int) -> int:
    return unknown if value is None else int(value)
