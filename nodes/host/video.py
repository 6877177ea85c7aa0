"""ComfyUI's VIDEO: where its frames come from, and how one is made of a file."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import folder_paths
from comfy_api.latest import Input, InputImpl, Types, io, ui
from torch import Tensor


class VideoSource(NamedTuple):
    """A video that lies in a file.

    Attributes:
        file: Its path, or its content.
        start: Seconds at which it begins: videos are trimmed without being copied.
        end: Seconds at which it stops; None: at the end.
    """

    file: Path | BytesIO
    start: float = 0.0
    end: float | None = None


def source_of(video: Input.Video, start: float = 0.0, end: float = 0.0) -> VideoSource | None:
    """Where a video lies, from ``start`` to ``end`` seconds (0: the end) of it; None for one that is frames in memory."""
    if not isinstance(video, InputImpl.VideoFromFile):
        return None
    begins, lasts = _window(video)
    file = video.get_stream_source()
    stops = begins + lasts if lasts else None
    if end:
        stops = begins + end if stops is None else min(stops, begins + end)
    return VideoSource(file if isinstance(file, BytesIO) else Path(file), begins + start, stops)


def _window(video: Input.Video) -> tuple[float, float]:
    """Start and duration (0: to the end) in seconds."""
    asked = getattr(video, "get_active_trim_window", None)
    if asked is not None:
        return asked()
    # ComfyUI before 0.20 has no other way to say it.
    start = float(getattr(video, "_VideoFromFile__start_time", 0) or 0)
    duration = float(getattr(video, "_VideoFromFile__duration", 0) or 0)
    if start < 0:  # counted from the end
        whole = InputImpl.VideoFromFile(video.get_stream_source()).get_duration()
        start = max(0.0, whole + start)
    return start, duration


def new_file(suffix: str) -> Path:
    """A new file in ComfyUI's temporary folder."""
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"gpen_{uuid4().hex[:12]}{suffix}"


def video_of(path: Path) -> Input.Video:
    """A VIDEO of a file."""
    return InputImpl.VideoFromFile(str(path))


def shown(path: Path) -> ui.PreviewVideo:
    """The page plays this ``new_file`` below the node."""
    return ui.PreviewVideo([ui.SavedResult(path.name, "", io.FolderType.temp)])


def frames_in(video: Input.Video) -> tuple[Tensor, Types.VideoComponents]:
    """IMAGE [B, H, W, C], and with them sound and frame rate."""
    components = video.get_components()
    return components.images, components


def video_with(components: Types.VideoComponents, images: Tensor) -> Input.Video:
    """The same video with other frames."""
    return InputImpl.VideoFromComponents(
        Types.VideoComponents(images=images, audio=components.audio, frame_rate=components.frame_rate)
    )
