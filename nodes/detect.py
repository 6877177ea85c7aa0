"""Detect faces."""

from __future__ import annotations

from comfy_api.latest import io
from torch import Tensor

from . import sockets, widgets
from .host.images import to_bounding_boxes, to_frames, to_image, to_mask
from .host.networks import FacesIO, ManagedDetector
from .host.progress import node_hooks
from .host.shown import shown_faces
from .host.status import NodeStatus, sent_again
from .loaders import CATEGORY, automatic_detector


class DetectFaces(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_DetectFaces",
            **sent_again(),
            display_name="Detect Faces (GPEN)",
            category=CATEGORY,
            description="Detects faces in every image of a batch, including very large, small, rotated and partial ones.",
            search_aliases=["face detection", "find faces", "retinaface", "mtcnn", "gpen"],
            inputs=[
                io.Image.Input("image", tooltip="A single image, a batch, or video frames."),
                sockets.detector(),
                *widgets.detection(),
            ],
            outputs=[
                FacesIO.Output("faces", display_name="faces", tooltip="Connect to Restore Faces."),
                io.BoundingBox.Output(
                    "bounding_boxes",
                    display_name="bounding boxes",
                    tooltip="One list of boxes per image, for use with other nodes.",
                ),
                io.Mask.Output("mask", display_name="mask", tooltip="White inside the face boxes, one mask per image."),
                io.Image.Output(
                    "preview", display_name="preview", tooltip="The images with boxes, landmarks and scores drawn in."
                ),
                io.Int.Output("count", display_name="count", tooltip="Total number of faces in the batch."),
            ],
        )

    @classmethod
    def execute(
        cls, image: Tensor, threshold: float, min_face: int, max_faces: int, order: str, rotated_faces: bool,
        detector: ManagedDetector | None = None,
    ) -> io.NodeOutput:  # fmt: skip
        from ..gpen_core.faces.drawing import draw_faces, face_mask
        from ..gpen_core.faces.selection import select_faces
        from ..gpen_core.geometry import size_of
        from ..gpen_core.pipeline import detect_faces

        status = NodeStatus()
        detector = detector or automatic_detector()
        detector.to_device()
        configured = detector.configured(widgets.detect_options(threshold, min_face, rotated_faces))
        frames = to_frames(image, status)
        found = detect_faces(frames, configured, node_hooks(status, {"detect": 1.0}))
        faces = select_faces(found, widgets.select_options(min_face, max_faces, order))
        return io.NodeOutput(
            shown_faces(faces),
            to_bounding_boxes(faces, len(frames), size_of(frames)),
            to_mask(face_mask(frames, faces)),
            to_image(draw_faces(frames, faces)),
            len(faces),
            ui=status.ui(
                _summary(len(found), len(faces), len(frames)), {detector.network.name: detector}, notice=not faces
            ),
        )


def _summary(found: int, kept: int, images: int) -> str:
    from ..gpen_core.pipeline.summary import counted

    if not found:
        return "No face found."
    where = f" in {images} images" if images > 1 else ""
    return f"{counted(found)} found{where}{f', {kept} kept' if kept < found else ''}."
