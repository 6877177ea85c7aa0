"""Decode a clip frame by frame."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import ImageError, OptionError
from .extras import Extras, extras_of
from .files import converting, pyav
from .info import info_of
from .sound import Sound, seconds_of

_DEEP = 8  # bits above which frames are taken in 16


@dataclass(frozen=True, eq=False)
class ClipFrame:
    """A decoded frame.

    Attributes:
        pixels: [3, H, W] RGB, uint8 or uint16, upright.
        time: In units of the clip's ``time_base``, from the clip's own zero.
    """

    pixels: Tensor
    time: int


class ClipReader:
    """An open clip; use as a context manager.

    Args:
        source: A file's path, or its content.
        start: Seconds from the beginning at which to begin.
        end: Seconds from the beginning at which to stop; None: at the end.

    Raises:
        ImageError: It is no clip that can be decoded.
        OptionError: PyAV is not installed, or the times are no times.
    """

    def __init__(self, source: str | Path | io.BytesIO, start: float = 0.0, end: float | None = None) -> None:
        self._converting = converting(pyav())
        self._av, self.name = pyav(), source.name if isinstance(source, Path) else "the clip"
        if start < 0 or (end is not None and end <= start):
            raise OptionError(f"a clip cannot run from {start} to {end} s")
        self.start, self.end, self.source = start, end, source
        try:
            self._container = self._opened()
        except (self._av.FFmpegError, OSError, ValueError) as error:
            raise ImageError(f"{source}: no clip that can be opened ({error})") from error
        try:
            if not self._container.streams.video:
                raise ImageError(f"{source}: there is no picture in it, only sound or text")
            self._stream = self._container.streams.video[0]
            self._stream.thread_type = "AUTO"
            self.info = info_of(self._container, self._stream, self._rotation())
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> ClipReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    @property
    def expected_frames(self) -> int:
        """How many frames ``frames`` will give, about; 0 where nobody knows."""
        info = self.info
        if not self.start and self.end is None:
            return info.frames
        end = min(self.end, info.duration) if self.end is not None and info.duration else (self.end or info.duration)
        return max(0, round((end - self.start) * float(info.frame_rate)))

    def frames(self, earliest: float | None = None) -> Iterator[ClipFrame]:
        """The frames from ``start`` on, in the order in which they are shown.

        Args:
            earliest: Seconds from the beginning before which they are left out, if that is later.

        Raises:
            ImageError: The file is damaged before its first frame. What comes before other damage is given.
        """
        base, zero = self.info.time_base, self._stream.start_time or 0
        start = self.start if earliest is None else max(self.start, earliest)
        if start > 0:
            self._container.seek(int(start / base) + zero, stream=self._stream)
        size: tuple[int, int] | None = None
        for number, frame in enumerate(self._decoded()):
            time = (frame.pts if frame.pts is not None else round(number / self.info.frame_rate / base)) - zero
            seconds = float(time * base)
            if seconds < start - 1e-6:
                continue
            if self.end is not None and seconds >= self.end - 1e-6:
                return
            pixels = self._pixels(frame)
            size = size or tuple(pixels.shape[-2:])  # type: ignore[assignment]
            if tuple(pixels.shape[-2:]) != size:
                raise ImageError(
                    f"{self.name}: the size of the picture changes at {seconds:.1f} s; split the clip there"
                )
            yield ClipFrame(pixels, time)

    def _decoded(self) -> Iterator[Any]:
        try:
            yield from self._container.decode(self._stream)
        except (self._av.FFmpegError, ValueError) as error:
            if isinstance(error, EOFError):
                return
            raise ImageError(f"{self.name}: cannot be decoded any further ({error})") from error

    def _opened(self) -> Any:
        """The file, once more."""
        source = self.source
        return self._av.open(io.BytesIO(source.getvalue()) if isinstance(source, io.BytesIO) else str(source))

    def sound(self) -> Sound:
        """The sound from ``start`` to ``end``, from the file opened once more."""
        zero = seconds_of(self._stream.start_time, self._stream.time_base)
        return Sound(self._av, self._opened, zero, self.start, self.end)

    def extras(self, suffix: str) -> Extras:
        """What else the file holds, for a new one with this ending."""
        return extras_of(self._container, suffix, self.start, self.end)

    def _rotation(self) -> int:
        """Quarter turns, counterclockwise, that make frames upright. Only frames know; the first is looked at."""
        with self._opened() as other:
            first = next(iter(other.decode(other.streams.video[0])), None)
        return round(getattr(first, "rotation", 0) / 90) % 4

    def _pixels(self, frame: Any) -> Tensor:
        info = self.info
        deep = info.bits > _DEEP
        rgb = frame.reformat(
            format="rgb48le" if deep else "rgb24",
            src_colorspace=info.used_matrix,
            dst_colorspace=info.used_matrix,
            src_color_range=2 if info.is_full_range else 1,
            dst_color_range=2,
            interpolation=self._converting,
        )
        array = np.rot90(rgb.to_ndarray(), info.rotation)
        return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))


def open_clip(source: str | Path | io.BytesIO, start: float = 0.0, end: float | None = None) -> ClipReader:
    """Open a clip; see ``ClipReader``."""
    return ClipReader(source, start, end)
