"""Encode a clip frame by frame, with the sound of another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import ImageError
from .codec_names import ENCODERS
from .codecs import DEFAULT_CRF, EncodeOptions, codec_for
from .files import converting, pyav
from .info import ClipInfo
from .sound import Sound


class ClipWriter:
    """Writes a clip. The file is complete once ``close`` has returned.

    Args:
        path: The file; its ending says which kind.
        info: Of the source: times, colors and texts are kept.
        size: (height, width) of the frames.
        options: How it is encoded.
        sound: What is heard; None: nothing.

    Raises:
        OptionError: The file's kind does not take the codec.
        ImageError: The encoder refuses the frames.
    """

    def __init__(
        self, path: Path, info: ClipInfo, size: tuple[int, int], options: EncodeOptions = EncodeOptions(),
        sound: Sound | None = None,
    ) -> None:  # fmt: skip
        self._converting = converting(pyav())
        self._av, self.path, self.info = pyav(), path, info
        self.codec = codec_for(options, info, path.suffix)
        flags = {"movflags": "+faststart+use_metadata_tags"} if path.suffix.lower() in (".mp4", ".mov", ".m4v") else {}
        self._container = self._av.open(str(path), "w", options=flags)
        self._container.metadata.update(dict(info.metadata))
        self._stream = self._container.add_stream(ENCODERS[self.codec], rate=info.frame_rate)
        self._even(size)
        self._settings(options)
        self._sound, self._last = sound, -1
        if sound is not None:
            sound.add_to(self._container, path.suffix)

    def _even(self, size: tuple[int, int]) -> None:
        self.size = size
        self._stream.height, self._stream.width = (side + side % 2 for side in size)

    def _settings(self, options: EncodeOptions) -> None:
        info, stream, deep = self.info, self._stream, self.info.bits > 8
        stream.pix_fmt = _pixel_format(self.codec, info, deep)
        context = stream.codec_context
        context.time_base = stream.time_base = info.time_base
        context.color_range = 2 if info.is_full_range and self.codec != "prores" else 1
        context.colorspace, context.color_primaries, context.color_trc = info.matrix, info.primaries, info.transfer
        if info.pixel_aspect != 1:
            context.sample_aspect_ratio = info.pixel_aspect
        crf = DEFAULT_CRF.get(self.codec) if options.crf is None else options.crf
        wanted = {} if crf is None or self.codec not in DEFAULT_CRF else {"crf": str(crf)}
        if self.codec in ("vp9",):
            context.bit_rate = 0
            wanted |= {"row-mt": "1", "cpu-used": "3"}
        if self.codec == "hevc":
            wanted["x265-params"] = "log-level=error"
            if self.path.suffix.lower() != ".mkv":
                context.codec_tag = "hvc1"  # what Apple's players ask for
        stream.options = wanted

    def write(self, frame: Tensor, time: int) -> None:
        """Add a frame.

        Args:
            frame: [3 or more, H, W] RGB in [0, 1].
            time: When it is shown, in units of ``info.time_base``; more than the last one's.
        """
        time = max(time, self._last + 1)  # damaged files give two frames one time
        self._last = time
        shown = self._av_frame(frame)
        shown.pts, shown.time_base = time, self.info.time_base
        self._mux(shown)
        if self._sound is not None:
            self._sound.mux_until(self._container, float(time * self.info.time_base))

    def _av_frame(self, frame: Tensor) -> Any:
        deep, info = self.info.bits > 8, self.info
        pixels = _padded(frame[:3])
        if deep:
            array = pixels.mul(65535).round_().clamp_(0, 65535).to(torch.int32).permute(1, 2, 0).cpu().numpy()
            rgb = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(array.astype(np.uint16)), format="rgb48le")
        else:
            array = pixels.mul(255).round_().clamp_(0, 255).byte().permute(1, 2, 0).contiguous().cpu().numpy()
            rgb = self._av.VideoFrame.from_ndarray(array, format="rgb24")
        full = info.is_full_range and self.codec != "prores"
        return rgb.reformat(
            format=self._stream.pix_fmt,
            src_colorspace=info.used_matrix,
            dst_colorspace=info.used_matrix,
            src_color_range=2,
            dst_color_range=2 if full else 1,
            interpolation=self._converting,
        )

    def _mux(self, frame: Any) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except self._av.FFmpegError as error:
            raise ImageError(f"{self.path.name}: the encoder for {self.codec} refuses the frames ({error})") from error

    def close(self) -> None:
        """Write what is left."""
        self._mux(None)
        if self._sound is not None:
            self._sound.finish(self._container)
        self._container.close()

    def abandon(self) -> None:
        """Let go of a file that will not be finished."""
        try:
            self._container.close()
        except (self._av.FFmpegError, ValueError, OSError):
            return  # it is deleted next


def _padded(frame: Tensor) -> Tensor:
    """With sides of even length, the last row or column twice: what 4:2:0 needs."""
    height, width = frame.shape[-2:]
    if height % 2 == 0 and width % 2 == 0:
        return frame
    return torch.nn.functional.pad(frame[None], (0, width % 2, 0, height % 2), mode="replicate")[0]


def _pixel_format(codec: str, info: ClipInfo, deep: bool) -> str:
    if codec == "prores":
        return "yuv422p10le"
    chroma = next((kind for kind in ("444", "422") if kind in info.pixel_format), "420")
    if codec in ("av1",) or info.pixel_format.startswith(("rgb", "gbr", "bgr", "pal")):
        chroma = "420" if codec != "ffv1" else "444"
    return f"yuv{chroma}p{'10le' if deep else ''}"
