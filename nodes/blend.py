"""Blend restored faces into the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io
from torch import Tensor

from . import widgets
from .host.images import to_frames, to_image, to_mask
from .host.networks import ManagedParser, RestoredFacesIO
from .host.progress import node_hooks
from .loaders import CATEGORY

if TYPE_CHECKING:
    from ..gpen_core.types import RestoredFace


class BlendFaces(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_BlendFaces",
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
                widgets.parser(),
                widgets.face_regions(),
                widgets.background(),
                *widgets.blending(),
                *widgets.texture(),
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The images with restored faces."),
                io.Mask.Output(
                    "mask", display_name="mask", tooltip="Blend mask: white = fully replaced, black = unchanged."
                ),
            ],
        )

    @classmethod
    def execute(
        cls, image: Tensor, restored_faces: Sequence[RestoredFace], parser: ManagedParser | None = None,
        background: Tensor | None = None, crops: Tensor | None = None, **blending: Any,
    ) -> io.NodeOutput:  # fmt: skip
        from ..gpen_core.pipeline import blend_faces, with_crops

        if crops is not None:
            restored_faces = with_crops(restored_faces, to_frames(crops))
        if parser is not None:
            parser.to_device()
        blended = blend_faces(
            to_frames(image),
            restored_faces,
            widgets.blend_options(**blending),
            parser=None if parser is None else parser.parser,
            background=None if background is None else to_frames(background),
            hooks=node_hooks(shares={"blend": 1.0}),
        )
        return io.NodeOutput(to_image(blended.frames), to_mask(blended.mask))
