"""Parts of a clip become one file, packet by packet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .extras import Extras
from .files import pyav
from .info import ClipInfo
from .sound import Sound

if TYPE_CHECKING:
    from .parts import Part


def join(
    files: list[Path], parts: list[Part], target: Path, info: ClipInfo, sound: Sound | None, extras: Extras = Extras()
) -> None:
    """Put parts one after the other, packet by packet, without encoding anything again."""
    av = pyav()
    flags = {"movflags": "+faststart+use_metadata_tags"} if target.suffix.lower() in (".mp4", ".mov", ".m4v") else {}
    with av.open(str(target), "w", options=flags) as output:
        output.metadata.update(dict(info.metadata))
        extras.add_to(output)
        stream, last = None, None
        for file, part in zip(files, parts, strict=True):
            times = _decoding_times(file)
            with av.open(str(file)) as container:
                source = container.streams.video[0]
                if stream is None:
                    stream = output.add_stream_from_template(source)
                    if source.codec_context.name == "hevc" and flags:
                        stream.codec_context.codec_tag = "hvc1"  # what Apple's players ask for
                    if sound is not None:
                        sound.add_to(output, target.suffix)
                shown = (packet for packet in container.demux(source) if packet.pts is not None)
                for packet, dts in zip(shown, times, strict=True):
                    packet.dts = dts
                    last = _placed(packet, part, info, last)
                    packet.stream = stream
                    seconds = float(packet.dts * packet.time_base)
                    output.mux(packet)
                    if sound is not None:
                        sound.mux_until(output, seconds)
        if sound is not None:
            sound.finish(output)


def _decoding_times(file: Path) -> list[int]:
    """When each packet is decoded, in the file's order. Matroska does not say so where frames are shown in another order."""
    with pyav().open(str(file)) as container:
        found = [(packet.pts, packet.dts) for packet in container.demux(video=0) if packet.pts is not None]
    if all(dts is not None for _, dts in found):
        return [dts for _, dts in found]
    shown = sorted(pts for pts, _ in found)
    early = max(at - pts for at, (pts, _) in zip(shown, found, strict=True))  # nothing is shown before it is decoded
    return [at - early for at in shown]


def _placed(packet: Any, part: Part, info: ClipInfo, last: int | None) -> int:
    """Move a packet to where its part belongs → its time of decoding, which must grow."""
    offset = round(part.time * info.time_base / packet.time_base)
    packet.pts += offset
    packet.dts = packet.dts + offset if last is None else max(packet.dts + offset, last + 1)
    packet.pts = max(packet.pts, packet.dts)
    return int(packet.dts)
