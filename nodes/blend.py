"""Blend restored faces into the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io
from torch import Tensor

from ..gpen_core.geometry import size_of
from . import sockets, widgets
from .host.images import to_frames, to_image, to_mask
from .host.networks import FaceFactsIO, ManagedParser, RestoredFacesIO
from .host.progress import node_hooks
from .host.shown import shown_facts
from .host.status import NodeStatus, sent_again
from .loaders import CATEGORY

if TYPE_CHECKING:
    from ..gpen_core.types import RestoredFace


class BlendFaces(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_BlendFaces",
            **sent_again(),
            display_name="Blend Faces (GPEN)",
            category=CATEGORY,
            description="Pastes restored faces back into the image, or into an enlarged copy that keeps their full detail.",
            search_aliases=["paste faces", "composite faces", "face restoration", "gpen"],
            inputs=[
                io.Image.Input("image", tooltip="The same images that were connected to Detect Faces."),
                RestoredFacesIO.Input(
                    "restored_faces", display_name="restored faces", tooltip="Output of Restore Faces or Crop Faces."
                ),
                io.Image.Input(
                    "crops",
                    optional=True,
                    tooltip="The crops of Restore Faces or Crop Faces, edited by other nodes: one for "
                    "each face, in the same order, of any size. They are pasted instead of the restored faces.",
                ),
                sockets.parser(),
                sockets.face_regions(),
                sockets.background(),
                *widgets.blending(),
                *widgets.texture(),
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The images with restored faces."),
                io.Mask.Output(
                    "mask", display_name="mask", tooltip="Blend mask: white = fully replaced, black = unchanged."
                ),
                sockets.protected_output(),
                FaceFactsIO.Output(
                    "face_facts",
                    display_name="face facts",
                    tooltip="What is known of each face, with the strength set here. Connect to Compare Faces.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls, image: Tensor, restored_faces: Sequence[RestoredFace], parser: ManagedParser | None = None,
        background: Tensor | None = None, crops: Tensor | None = None, **blending: Any,
    ) -> io.NodeOutput:  # fmt: skip
        from ..gpen_core.pipeline import blend_faces, with_crops
        from ..gpen_core.pipeline.kept import KeptMasks
        from ..gpen_core.pipeline.summary import blended_at, blended_text

        status = NodeStatus()
        frames = to_frames(image, status)
        if crops is not None:
            restored_faces = with_crops(restored_faces, to_frames(crops, status, "crops"))
        if parser is not None:
            parser.to_device()
        options = widgets.blend_options(**blending)
        blended = blend_faces(
            frames,
            restored_faces,
            options,
            parser=None if parser is None else parser.parser,
            background=None if background is None else to_frames(background, status, "background"),
            hooks=node_hooks(status, {"blend": 1.0}),
        )
        kept = KeptMasks(frames)
        for face in restored_faces:
            kept.add(face)
        height, width = size_of(blended.frames)
        facts = [face.facts for face in restored_faces]
        text = blended_text(facts, len(frames), (width, height), options.strength)
        ui = status.ui(text, {} if parser is None else {parser.parser.name: parser}, notice=not restored_faces)
        told = shown_facts((face.crop.face, blended_at(face.facts, options.strength)) for face in restored_faces)
        return io.NodeOutput(to_image(blended.frames), to_mask(blended.mask), to_mask(kept.masks), told, ui=ui)
