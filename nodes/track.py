"""Follow faces through a clip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from comfy_api.latest import io
from torch import Tensor

from . import widgets
from .host.images import to_frames, to_image
from .host.networks import FacesIO
from .host.shown import shown_faces
from .host.status import NodeStatus, sent_again
from .loaders import CATEGORY

if TYPE_CHECKING:
    from ..gpen_core.types import Face


class TrackFaces(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_TrackFaces",
            **sent_again(),
            display_name="Track Faces (GPEN)",
            category=CATEGORY,
            description="Follows detected faces through the frames of a clip: each face gets a track, its landmarks no longer "
            "jitter, and frames in which it was missed are filled in.",
            search_aliases=["video faces", "face tracking", "stabilize faces", "flicker", "gpen"],
            inputs=[
                io.Image.Input("image", tooltip="The frames of the clip, in their order."),
                FacesIO.Input("faces", tooltip="Output of Detect Faces, for the same frames."),
                *widgets.tracking(),
            ],
            outputs=[
                FacesIO.Output(
                    "faces", display_name="faces",
                    tooltip="The faces with their tracks. Connect to Select Faces (choosing a face chooses its whole track) or "
                    "GPEN Face Fix.",
                ),
                io.Image.Output("preview", display_name="preview", tooltip="The frames with boxes, a color for each track."),
                io.Int.Output("tracks", display_name="tracks", tooltip="Number of tracks."),
            ],
            hidden=[io.Hidden.prompt],
        )  # fmt: skip

    @classmethod
    def execute(cls, image: Tensor, faces: Sequence[Face], smoothing: int, patience: int) -> io.NodeOutput:
        from ..gpen_core.faces.drawing import draw_faces
        from ..gpen_core.faces.track_options import TrackOptions
        from ..gpen_core.pipeline.clip import VideoOptions, track_part
        from ..gpen_core.pipeline.frames import notice_another_picture
        from .host.parts_of_clips import part_ends, part_of_clip

        status = NodeStatus()
        frames = to_frames(image, status)
        options = VideoOptions(look_ahead=smoothing, track=TrackOptions(patience=patience))
        part = part_of_clip(cls.hidden.prompt)
        tracked, end = track_part(frames, faces, options, part_ends().before(part))
        part_ends().keep(part, end)
        notice_another_picture(frames, faces, status.warn)
        if part is not None:
            status.say(part.note)
        tracks = len({face.track for face in tracked})
        ui = status.ui(_summary(len(faces), len(tracked), tracks, len(frames)))
        return io.NodeOutput(shown_faces(tracked), to_image(draw_faces(frames, tracked)), tracks, ui=ui)


def _summary(before: int, after: int, tracks: int, frames: int) -> str:
    if not tracks:
        return "No face to track."
    filled = f", {after - before} filled in" if after > before else ""
    return f"{tracks} track{'s' if tracks > 1 else ''} in {frames} frame{'s' if frames > 1 else ''}{filled}."
