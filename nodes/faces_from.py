"""Faces that something else found: boxes, landmarks, SEGS, or pictures that are aligned already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io
from torch import Tensor

from ..gpen_core.errors import OptionError
from ..gpen_core.geometry import TEMPLATES, size_of
from . import sockets
from .host.images import box_of, to_frames, to_image
from .host.networks import FaceLandmarksIO, FacesIO, ManagedDetector, SegsIO
from .host.progress import node_hooks
from .host.shown import shown_faces
from .host.status import NodeStatus, sent_again
from .loaders import FACES_CATEGORY, automatic_detector

if TYPE_CHECKING:
    from ..gpen_core.faces.exchange import GivenBox
    from ..gpen_core.types import Face


class FacesFromBoxes(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_FacesFromBoxes",
            **sent_again(),
            display_name="Boxes to Faces (GPEN)",
            category=FACES_CATEGORY,
            description="Takes boxes around faces from another detector, or typed, and finds eyes, nose and mouth inside each.",
            search_aliases=["bounding box to face", "bbox", "SEGS to faces", "yolo face", "impact", "gpen"],
            inputs=[
                io.Image.Input("image", tooltip="The images that the boxes belong to."),
                sockets.detector(),
                io.BoundingBox.Input(
                    "boxes", optional=True, force_input=True, socketless=False,
                    tooltip="Bounding boxes from another node: one box, a list for all images, or one list per image.",
                ),
                SegsIO.Input("segs", optional=True, tooltip="SEGS from the Impact Pack. Their boxes are used for every image."),
                io.String.Input(
                    "text", default="", multiline=True,
                    tooltip="More boxes, typed: x, y, width, height in pixels, one box a line. They are used for every image.",
                ),
                io.Float.Input(
                    "threshold", default=0.0, min=0.0, max=0.99, step=0.01, advanced=True,
                    tooltip="Minimum confidence for a face inside a box. 0 = 0.5: lower than in Detect Faces, since somebody "
                    "says that there is a face.",
                ),
            ],
            outputs=[
                FacesIO.Output("faces", display_name="faces", tooltip="Connect to Select Faces or Restore Faces."),
                io.BoundingBox.Output(
                    "missed", display_name="missed", tooltip="Boxes in which no face was found, one list per image."
                ),
                io.Image.Output("preview", display_name="preview", tooltip="The images with the faces drawn in."),
                io.Int.Output("count", display_name="count", tooltip="Total number of faces in the batch."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, image: Tensor, text: str, threshold: float, boxes: object = None, segs: object = None,
        detector: ManagedDetector | None = None,
    ) -> io.NodeOutput:  # fmt: skip
        from ..gpen_core.faces.detectors import DetectOptions
        from ..gpen_core.faces.exchange import faces_in_boxes
        from ..gpen_core.pipeline.summary import counted

        status = NodeStatus()
        frames = to_frames(image, status)
        given = _given(frames, boxes, segs, text)
        detector = detector or automatic_detector()
        detector.to_device()
        configured = detector.configured(DetectOptions(threshold=threshold or 0.5))
        hooks = node_hooks(status, {"detect": 1.0})
        found = faces_in_boxes(
            frames, [(box.frame, box.box) for box in given], configured, lambda *done: hooks.progress("detect", *done)
        )
        missed = [given[place] for place in found.missed]
        for box in missed:
            status.warn(f"No face in the box {box}.")
        missed_boxes = [[box_of(box.box) for box in missed if box.frame == index] for index in range(len(frames))]
        summary = f"{counted(len(found.faces))} found in {len(given)} box{'es' if len(given) != 1 else ''}."
        alike = len(given) - len(missed) - len(found.faces)
        if alike:
            summary += f" {alike} {'boxes show' if alike > 1 else 'box shows'} a face that another shows, too."
        ui = status.ui(summary, {detector.network.name: detector}, notice=not found.faces)
        return _faces_output(frames, found.faces, missed_boxes, ui=ui)


def _given(frames: Tensor, boxes: object, segs: object, text: str) -> list[GivenBox]:
    """All boxes that were connected or typed."""
    from ..gpen_core.faces.exchange import boxes_of_segs, parse_boxes, read_boxes

    count = len(frames)
    given = [
        *(read_boxes(boxes, count) if boxes is not None else ()),
        *(boxes_of_segs(segs, size_of(frames), count) if segs is not None else ()),
        *parse_boxes(text, count),
    ]
    if boxes is None and segs is None and not given:
        raise OptionError("there are no boxes: connect boxes or segs, or type x, y, width, height")
    return given


class FacesFromLandmarks(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_FacesFromLandmarks",
            **sent_again(),
            display_name="Landmarks to Faces (GPEN)",
            category=FACES_CATEGORY,
            description="Takes the faces that ComfyUI's own MediaPipe node found, with its landmarks: no other detector runs.",
            search_aliases=["mediapipe", "face mesh", "face landmarks", "gpen"],
            inputs=[
                io.Image.Input("image", tooltip="The images in which the landmarks were found."),
                FaceLandmarksIO.Input(
                    "face_landmarks", display_name="face landmarks", tooltip="Output of a MediaPipe node."
                ),
            ],
            outputs=[
                FacesIO.Output("faces", display_name="faces", tooltip="Connect to Select Faces or Restore Faces."),
                io.Image.Output("preview", display_name="preview", tooltip="The images with the faces drawn in."),
                io.Int.Output("count", display_name="count", tooltip="Total number of faces in the batch."),
            ],
        )

    @classmethod
    def execute(cls, image: Tensor, face_landmarks: object) -> io.NodeOutput:
        from ..gpen_core.faces.appearance import appearance_of
        from ..gpen_core.faces.exchange import faces_from_landmarks
        from ..gpen_core.pipeline.summary import counted

        status = NodeStatus()
        frames = to_frames(image, status)
        faces = [
            replace(face, appearance=appearance_of(frames[face.frame], face))
            for face in faces_from_landmarks(face_landmarks, len(frames), status.warn)
        ]
        return _faces_output(frames, faces, ui=status.ui(f"{counted(len(faces))} taken over.", notice=not faces))


class AlignedFaces(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_AlignedFaces",
            **sent_again(),
            display_name="Aligned Faces (GPEN)",
            category=FACES_CATEGORY,
            description="Takes each image for one face that is cropped and aligned already, such as those of a face data set: "
            "nothing is detected. Switch on whole crop in the node that blends.",
            search_aliases=["aligned face", "face crop", "ffhq", "skip detection", "gpen"],
            inputs=[
                io.Image.Input("image", tooltip="Square images, each of one upright face."),
                io.Combo.Input(
                    "template", options=list(TEMPLATES), default="ffhq",
                    tooltip="How the faces are framed. ffhq: as in FFHQ and facexlib's crops. gpen: as GPEN crops.",
                ),
            ],
            outputs=[
                FacesIO.Output("faces", display_name="faces", tooltip="Connect to Restore Faces, or GPEN Face Fix.")
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, image: Tensor, template: str) -> io.NodeOutput:
        from ..gpen_core.faces.appearance import appearance_of
        from ..gpen_core.faces.exchange import aligned_face

        status = NodeStatus()
        frames = to_frames(image, status)
        face = aligned_face(size_of(frames), template)
        faces = [
            replace(face, frame=index, id=index + 1, appearance=appearance_of(frames[index], face))
            for index in range(len(frames))
        ]
        return io.NodeOutput(shown_faces(faces), ui=status.warnings())


def _faces_output(
    frames: Tensor, faces: Sequence[Face], *more: Any, ui: dict[str, list[Any]] | None = None
) -> io.NodeOutput:
    """Faces, ``more``, the preview and the count."""
    from ..gpen_core.faces.drawing import draw_faces
    from ..gpen_core.pipeline.frames import check_faces_of

    check_faces_of(frames, faces)
    return io.NodeOutput(shown_faces(faces), *more, to_image(draw_faces(frames, faces)), len(faces), ui=ui)
