"""A video to try the other nodes on, made anew each time: it lies in ComfyUI's temporary folder."""

from __future__ import annotations

from comfy_api.latest import io

from ..gpen_core.video.example_names import EXAMPLE_CLIPS
from .example import example_picture
from .host import video as host
from .loaders import CATEGORY


class ExampleVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_ExampleVideo",
            display_name="Example Video (GPEN)",
            category=CATEGORY,
            description="Two seconds of video with a face that needs restoring, to try a workflow on. For your own video, use "
            "Load Video in its place.",
            search_aliases=["sample video", "test video", "demo", "gpen"],
            inputs=[
                io.Combo.Input(
                    "clip", options=list(EXAMPLE_CLIPS), default=EXAMPLE_CLIPS[0],
                    tooltip="old film: gray, with grain, scratches, dust and flickering light, silent. phone clip: upright, "
                    "noisy and heavily compressed, with sound.",
                )
            ],
            outputs=[
                io.Video.Output("video", display_name="video", tooltip="Made of a photograph by NASA, in the public domain.")
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, clip: str) -> io.NodeOutput:
        from ..gpen_core.video.examples import write_example_clip

        path = host.new_file(".mp4")
        write_example_clip(clip, example_picture("portrait")[0], path)
        return io.NodeOutput(host.video_of(path), ui=host.shown(path))
