"""The sound of a clip, taken over packet by packet; encoded anew only where the new file cannot hold it as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from types import ModuleType
from typing import Any

# What each kind of file holds. Matroska takes anything.
_HELD = {
    ".mp4": ("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"),
    ".m4v": ("aac", "mp3", "ac3", "eac3", "alac"),
    ".mov": ("aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_f32le", "pcm_s16be"),
    ".webm": ("opus", "vorbis"),
}
_ENCODER = {".webm": ("libopus", 48000)}
# What libopus takes, by the number of channels: of surround sound, only with speakers behind, not at the sides.
_OPUS_LAYOUTS = {3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_DEFAULT_ENCODER = ("aac", 0)  # 0: the rate that the sound has
_BIT_RATE = 192_000


class Sound:
    """All sound of a clip from one time to another.

    Args:
        av: The package.
        open_source: Opens the clip once more.
        zero: Seconds at which its picture begins.
        start: Seconds after that at which to begin.
        end: Seconds after ``zero`` at which to stop; None: at the end.
    """

    def __init__(
        self, av: ModuleType, open_source: Callable[[], Any], zero: float, start: float = 0.0, end: float | None = None
    ) -> None:
        self._av, self._start, self._end, self._zero = av, start, end, zero
        self._container = open_source()
        self._streams = [stream for stream in self._container.streams.audio if stream.codec_context is not None]
        self._next: Any = None
        self._copies: dict[int, Any] = {}
        self._encoders: dict[int, Any] = {}
        self._resamplers: dict[int, Any] = {}
        self._packets: Iterator[Any] = iter(())
        self.notes: list[str] = []

    def add_to(self, output: Any, suffix: str) -> None:
        """Make the streams of the new file; before anything is written to it."""
        for stream in self._streams:
            name, held = stream.codec_context.name, _HELD.get(suffix.lower())
            if held is None or name in held:
                self._copies[stream.index] = output.add_stream_from_template(stream)
                continue
            encoder, rate = _ENCODER.get(suffix.lower(), _DEFAULT_ENCODER)
            layout = stream.codec_context.layout
            self._encoders[stream.index] = new = output.add_stream(encoder, rate=rate or stream.codec_context.rate)
            new.bit_rate = _BIT_RATE
            new.layout = _OPUS_LAYOUTS.get(layout.nb_channels, layout.name) if encoder == "libopus" else layout.name
            self.notes.append(f"The sound was encoded anew: {suffix} files do not take {name}.")
        if self._streams:
            if self._start > 0:
                self._container.seek(int((self._zero + self._start) * self._av.time_base))
            self._packets = self._in_time()

    def mux_until(self, output: Any, seconds: float) -> None:
        """Write what is heard before ``seconds`` of the new clip."""
        while True:
            if self._next is None:
                self._next = next(self._packets, None)
            if self._next is None or self._next[0] >= seconds:
                return
            _, packet = self._next
            self._next = None
            for ready in self._converted(packet):
                output.mux(ready)

    def finish(self, output: Any) -> None:
        """Write the rest."""
        self.mux_until(output, float("inf"))
        for encoder in self._encoders.values():
            output.mux(encoder.encode(None))
        self.close()

    def close(self) -> None:
        """Let go of the source."""
        self._container.close()

    def _in_time(self) -> Iterator[tuple[float, Any]]:
        """Packets with their seconds in the new clip."""
        for packet in self._container.demux(*self._streams):
            if packet.pts is None:
                continue
            seconds = float(packet.pts * packet.time_base) - self._zero
            if self._start > 0 and seconds < self._start - 1e-3:
                continue
            if self._end is not None and seconds >= self._end:
                if len(self._streams) == 1:
                    return
                continue
            yield seconds - self._start, packet

    def _converted(self, packet: Any) -> Iterator[Any]:
        index, shift = packet.stream.index, self._zero + self._start
        if index in self._copies:
            offset = round(shift / packet.time_base)
            packet.pts -= offset
            if packet.dts is not None:
                packet.dts -= offset
            packet.stream = self._copies[index]
            yield packet
            return
        encoder = self._encoders[index]
        for frame in packet.decode():
            frame.pts = None if frame.pts is None else frame.pts - round(shift / frame.time_base)
            for even in self._resampled(index, frame, encoder):
                yield from encoder.encode(even)

    def _resampled(self, index: int, frame: Any, encoder: Any) -> list[Any]:
        if index not in self._resamplers:
            context = encoder.codec_context
            self._resamplers[index] = self._av.AudioResampler(
                format=context.format, layout=context.layout, rate=context.rate
            )
        frames: list[Any] = self._resamplers[index].resample(frame)
        return frames


def seconds_of(value: int | None, time_base: Fraction) -> float:
    """A time in a stream's units, as seconds; 0 where there is none."""
    return 0.0 if value is None else float(value * time_base)
