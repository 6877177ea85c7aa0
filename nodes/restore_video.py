"""Restore the faces of a video, from file to file."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import Input, io

from . import sockets, widgets
from .host import video as host
from .host.folders import protect_tools
from .host.images import to_frames, to_image
from .host.memory import load_managed
from .host.networks import GpenModelIO, ManagedDetector, ManagedModel, ManagedParser
from .host.progress import node_hooks
from .host.status import NodeStatus, sent_again
from .loaders import CATEGORY, automatic_detector


class RestoreVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_RestoreVideo",
            **sent_again(),
            display_name="Restore Faces in Video (GPEN)",
            category=CATEGORY,
            description="Restores the faces of a video and holds them steady, so that they do not flicker. Works through the "
            "file a few frames at a time: memory does not grow with its length. Sound and frame times are kept.",
            search_aliases=["video restoration", "restore film", "face restoration", "deflicker", "gpen"],
            inputs=[
                io.Video.Input("video", tooltip="Output of Load Video, or any other video."),
                GpenModelIO.Input("model", tooltip="Output of Load GPEN Model."),
                sockets.detector(),
                sockets.parser(),
                sockets.face_regions(),
                *widgets.blending(protect=True),
                *widgets.restoring(),
                *widgets.steadying(),
                *widgets.encoding(),
                widgets.least_similarity(),
            ],
            outputs=[
                io.Video.Output("video", display_name="video", tooltip="The restored video. Connect to Save Video."),
                io.Int.Output("tracks", display_name="tracks", tooltip="Number of faces that were followed and restored."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, video: Input.Video, model: ManagedModel, protect: str, template: str, batch_size: int, steadiness: float,
        detect_every: int, codec: str, crf: int, start: float, end: float, detector: ManagedDetector | None = None,
        parser: ManagedParser | None = None, min_similarity: float = 0.0, **blending: Any,
    ) -> io.NodeOutput:  # fmt: skip
        from ..gpen_core.pipeline import ProtectOptions, Settings
        from ..gpen_core.pipeline.clip import VideoOptions
        from ..gpen_core.pipeline.restore import activation_bytes
        from ..gpen_core.pipeline.summary import model_text
        from ..gpen_core.video import ClipTools, EncodeOptions

        status, detector = NodeStatus(), detector or automatic_detector()
        settings = Settings(
            restore=widgets.restore_options(template, batch_size),
            blend=widgets.blend_options(**blending),
            protect=ProtectOptions(protect, min_similarity),
        )
        used = [network for network in (model, detector, parser) if network is not None]
        load_managed(used, activation_bytes(model.model, settings.restore))
        tools = ClipTools(
            model.model,
            detector.configured(),
            settings,
            VideoOptions(steadiness=steadiness, detect_every=detect_every),
            None if parser is None else parser.parser,
            protect=protect_tools(settings.protect),
            encode=EncodeOptions(codec, crf or None),
        )
        restored, tracks, text = _restored(video, tools, start, end, status)
        ran = {detector.network.name: detector, model_text(model.model.name): model}
        return io.NodeOutput(restored, tracks, ui=status.ui(text, ran))


def _restored(
    video: Input.Video, tools: Any, start: float, end: float, status: NodeStatus
) -> tuple[Input.Video, int, str]:
    """The restored video, how many tracks it has, and a sentence."""
    from ..gpen_core.video import restore_clip, suffix_for

    source = host.source_of(video, start, end)
    if source is None:
        return _in_memory(video, tools, start, end, status)
    path = host.new_file(suffix_for(tools.encode, source.file))
    report = restore_clip(
        source.file,
        path,
        tools,
        start=source.start,
        end=source.end,
        hooks=node_hooks(status, tells_time=True),
        resumes=False,
    )
    return host.video_of(path), len(report.tracks), report.text()


def _in_memory(
    video: Input.Video, tools: Any, start: float, end: float, status: NodeStatus
) -> tuple[Input.Video, int, str]:
    """A video that is frames already stays that: encoding it here would lose something."""
    from ..gpen_core.pipeline import restore_image
    from ..gpen_core.pipeline.summary import run_text

    if start or end:
        video = video.as_trimmed(start, max(end - start, 0.0), strict_duration=False)
        return _restored(video, tools, 0.0, 0.0, status)
    images, components = host.frames_in(video)
    result = restore_image(
        to_frames(images, status), tools.model, tools.detector, tools.settings, parser=tools.parser,
        hooks=node_hooks(status, tells_time=True), tools=tools.protect, video=tools.video,
    )  # fmt: skip
    tracks = len({face.track for face in result.faces})
    return host.video_with(components, to_image(result.frames)), tracks, run_text(result.facts)
