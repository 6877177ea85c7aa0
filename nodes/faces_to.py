"""Faces for nodes of other packs: boxes, SEGS, and aligned crops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from comfy_api.latest import io
from comfy_execution.graph_utils import ExecutionBlocker
from torch import Tensor

from ..gpen_core.errors import OptionError
from ..gpen_core.geometry import TEMPLATES, size_of
from .host.images import to_bounding_boxes, to_frames, to_image, to_mask
from .host.networks import FacesIO, RestoredFacesIO, SegsIO
from .host.shown import shown_restored
from .host.status import NodeStatus, sent_again
from .loaders import FACES_CATEGORY

if TYPE_CHECKING:
    from ..gpen_core.types import Face


class FacesToBoxes(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_FacesToBoxes",
            **sent_again(),
            display_name="Boxes and SEGS of Faces (GPEN)",
            category=FACES_CATEGORY,
            description="Hands faces, such as those you chose, to nodes of other packs: as bounding boxes, and as SEGS for "
            "detailer nodes.",
            search_aliases=["faces to SEGS", "faces to bbox", "impact", "detailer", "gpen"],
            inputs=[
                io.Image.Input("image", tooltip="The images in which the faces were found."),
                FacesIO.Input("faces", tooltip="From Select Faces, Detect Faces, or another node with faces."),
                io.Int.Input(
                    "image_index", display_name="image index", default=0, min=0, max=1_000_000,
                    tooltip="SEGS are for one image: which one of the batch. 0 = the first.",
                ),
                io.Float.Input(
                    "crop_factor", display_name="crop factor", default=3.0, min=1.0, max=20.0, step=0.1,
                    tooltip="Size of the region around a face in SEGS, relative to its box.",
                ),
            ],
            outputs=[
                io.BoundingBox.Output(
                    "bounding_boxes", display_name="bounding boxes", tooltip="One list of boxes per image."
                ),
                SegsIO.Output("segs", display_name="SEGS", tooltip="Faces of the image with this index, with oval masks."),
                io.Mask.Output("mask", display_name="mask", tooltip="White inside the face boxes, one mask per image."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, image: Tensor, faces: Sequence[Face], image_index: int, crop_factor: float) -> io.NodeOutput:
        from ..gpen_core.faces.drawing import face_mask
        from ..gpen_core.faces.exchange import faces_to_segs
        from ..gpen_core.pipeline.frames import check_faces_of, notice_another_picture
        from ..gpen_core.pipeline.summary import counted

        status = NodeStatus()
        frames = to_frames(image, status)
        check_faces_of(frames, faces)
        notice_another_picture(frames, faces, status.warn)
        if image_index >= len(frames):
            raise OptionError(
                f"image index is {image_index}, but the last of {counted(len(frames), 'image')} is {len(frames) - 1}"
            )
        mine = [face for face in faces if face.frame == image_index]
        return io.NodeOutput(
            to_bounding_boxes(faces, len(frames), size_of(frames)),
            faces_to_segs(mine, frames[image_index], crop_factor),
            to_mask(face_mask(frames, faces)),
            ui=status.warnings(),
        )


class CropFaces(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_CropFaces",
            **sent_again(),
            display_name="Crop Faces (GPEN)",
            category=FACES_CATEGORY,
            description="Cuts faces out, upright and aligned, for any other model. Connect the edited crops to Blend Faces to "
            "paste them back.",
            search_aliases=["align faces", "face crop", "extract faces", "gpen"],
            inputs=[
                io.Image.Input("image", tooltip="The images in which the faces were found."),
                FacesIO.Input("faces", tooltip="From Select Faces, Detect Faces, or another node with faces."),
                io.Int.Input(
                    "size", default=512, min=16, max=4096, step=8, tooltip="Width and height of the crops, in pixels."
                ),
                io.Combo.Input(
                    "template", options=list(TEMPLATES), default="ffhq",
                    tooltip="How faces are framed. ffhq: as most face models expect. gpen: a little closer to GPEN's own.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    "crops", display_name="crops", tooltip="The aligned faces, one image each. Nodes connected here are "
                    "skipped when there is no face.",
                ),
                RestoredFacesIO.Output(
                    "restored_faces", display_name="restored faces", tooltip="Where the crops belong. Connect to Blend Faces, "
                    "and the edited crops to its input crops.",
                ),
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, image: Tensor, faces: Sequence[Face], size: int, template: str) -> io.NodeOutput:
        from ..gpen_core.pipeline import crop_faces
        from ..gpen_core.pipeline.frames import notice_another_picture
        from ..gpen_core.pipeline.summary import counted

        status = NodeStatus()
        frames = to_frames(image, status)
        cropped = crop_faces(frames, faces, size, template, status.warn)
        if not cropped:
            ui = status.ui("No face to crop: what is connected to crops is skipped.", notice=True)
            return io.NodeOutput(ExecutionBlocker(None), shown_restored(()), ui=ui)
        notice_another_picture(frames, faces, status.warn)
        ui = status.ui(f"{counted(len(cropped))} cropped.")
        return io.NodeOutput(to_image(torch.stack([face.pixels for face in cropped])), shown_restored(cropped), ui=ui)
