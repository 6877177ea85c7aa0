"""Look at what was restored: before and after, from face to face.

The node's ``ui`` result, which ``web/js/face_compare.js`` draws, holds ``gpen_compare``: a list with one object::

    {
      "pairs": [{"before": {filename, subfolder, type}, "after": …, "width": 512, "height": 512}],  # size of the result
      "faces": [{"pair": 0, "name": "Face 1 of 2", "box": {x, y, width, height}, "facts": [["size", "97 × 124 px"], …]}],
      "note": ""  # "The first 32 of 40 images are shown."
    }

A pair is a frame of the batch: those with a face, or all where no faces are connected; at most ``_MOST_PAIRS``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io
from torch import Tensor

from .host.images import to_frames
from .host.networks import FaceFactsIO, FacesIO, RestoredFacesIO
from .host.previews import save_exact
from .host.status import NodeStatus, sent_again
from .loaders import CATEGORY

if TYPE_CHECKING:
    from ..gpen_core.types import Face, FaceFacts, RestoredFace

_MOST_PAIRS = 32
_BEFORE_BLENDING = {"strength": "strength before blending", "similarity": "similarity before blending"}
Texts = tuple[tuple[str, str], ...]


class CompareFaces(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_CompareFaces",
            **sent_again(),
            display_name="Compare Faces (GPEN)",
            category=CATEGORY,
            description="Shows the image before and after restoration under a slider. Step from face to face with the arrow "
            "keys, and read what is known of each.",
            search_aliases=["before after", "image compare", "slider", "gpen"],
            is_output_node=True,
            inputs=[
                io.Image.Input("original", tooltip="The images before restoration."),
                io.Image.Input("restored", tooltip="The images after restoration. They may be larger."),
                io.MultiType.Input(
                    "faces",
                    [FaceFactsIO, RestoredFacesIO, FacesIO],
                    optional=True,
                    tooltip="The faces to step through: face facts of GPEN Face Fix or Blend Faces, restored faces (their "
                    "strength is that before blending), or detected faces. If not connected, only whole images are shown.",
                ),
            ],
            outputs=[],
        )

    @classmethod
    def execute(cls, original: Tensor, restored: Tensor, faces: Sequence[Any] | None = None) -> io.NodeOutput:
        from ..gpen_core.pipeline.frames import check_faces_of, notice_another_picture

        status = NodeStatus()
        before, after = to_frames(original, status, "original"), to_frames(restored, status, "restored")
        _check(before, after, status)
        known = [_told(entry) for entry in faces or ()]
        check_faces_of(before, [face for face, _ in known])
        notice_another_picture(before, [face for face, _ in known], status.warn)
        shown = sorted({face.frame for face, _ in known}) or list(range(len(before)))
        pairs = [_pair(before[number], after[number]) for number in shown[:_MOST_PAIRS]]
        drawn = [_drawn(face, texts, shown.index(face.frame), known) for face, texts in known]
        drawn = [one for one in drawn if one["pair"] < len(pairs)]
        note = f"The first {len(pairs)} of {len(shown)} images are shown." if len(shown) > len(pairs) else ""
        return io.NodeOutput(ui={"gpen_compare": [{"pairs": pairs, "faces": drawn, "note": note}], **status.warnings()})


def _check(before: Tensor, after: Tensor, status: NodeStatus) -> None:
    from ..gpen_core.errors import ImageError
    from ..gpen_core.geometry import same_shape, size_of

    if len(before) != len(after):
        raise ImageError(f"original has {len(before)} images, restored has {len(after)}: connect the same number.")
    (rows, columns), (height, width) = size_of(before), size_of(after)
    if not same_shape((rows, columns), (height, width)):
        status.warn(
            f"original is {columns}×{rows}, restored is {width}×{height}: they have different shapes. Are they the same image?"
        )


def _pair(before: Tensor, after: Tensor) -> dict[str, object]:
    height, width = after.shape[-2:]
    files = {"before": save_exact(before, "gpen_before"), "after": save_exact(after, "gpen_after")}
    return {**files, "width": width, "height": height}


def _told(entry: Face | RestoredFace | tuple[Face, FaceFacts]) -> tuple[Face, Texts]:
    """A face, and what is known of it in words. What is set in Blend Faces is not known of a restored face."""
    from ..gpen_core.pipeline.summary import fact_texts
    from ..gpen_core.types import Face, RestoredFace

    if isinstance(entry, Face):
        return entry, fact_texts(entry)
    if not isinstance(entry, RestoredFace):
        return entry[0], fact_texts(*entry)
    face = entry.crop.face
    return face, tuple((_BEFORE_BLENDING.get(name, name), text) for name, text in fact_texts(face, entry.facts))


def _drawn(face: Face, texts: Texts, pair: int, known: Sequence[tuple[Face, Texts]]) -> dict[str, Any]:
    height, width = face.image_size
    place = next(number for number, (other, _) in enumerate(known, 1) if other is face)
    return {
        "pair": pair,
        "name": f"Face {place} of {len(known)}",
        "box": {
            "x": (face.box[0] + 0.5) / width,
            "y": (face.box[1] + 0.5) / height,
            "width": face.width / width,
            "height": face.height / height,
        },
        "facts": texts,
    }
