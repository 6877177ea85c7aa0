"""Choose faces: by rules, and by hand in the face picker.

What passes between this node and the face picker in ``web/js``:

- The picker writes the widget ``picks``: JSON as ``gpen_core/faces/selection/picks.py`` describes it, "" for no picks.
- The node's ``ui`` result holds ``gpen_selection``: a list with one object, that of ``selection_report``
  (``gpen_core/faces/selection/report.py``) with ``pictures`` added: small copies of the first frames that have a face, at
  most 32, or of the first frame where none has. Each is ``{filename, subfolder, type, frame, width, height}``: the first
  three are what ``/view`` takes, width and height are those of the frame itself, in pixels. ``frames`` is the number of
  frames in the batch.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io
from torch import Tensor

from ..gpen_core.faces.selection.orders import MASK_MODES, SAME_PERSON
from . import select_widgets
from .host.folders import detector_folders
from .host.images import from_mask, to_frames, to_image
from .host.networks import FacesIO
from .host.progress import node_hooks
from .host.shown import shown_faces
from .host.status import NodeStatus, sent_again
from .loaders import CATEGORY, automatic_detector

if TYPE_CHECKING:
    from ..gpen_core.faces.selection import Reference, Selection
    from ..gpen_core.types import Face

_MOST_PICTURES = 32
_PICKER = "GPEN_PICKS"  # the widget that web/js/extension.js makes; where no page is, the input is plain text


class SelectFaces(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_SelectFaces",
            **sent_again(),
            display_name="Select Faces (GPEN)",
            category=CATEGORY,
            description="Chooses which faces are restored: click them in the picture, or set a list of numbers, limits, or a "
            "mask, a reference picture. Runs alone, so you can choose before anything is restored.",
            search_aliases=["choose faces", "filter faces", "face picker", "face index", "gpen"],
            is_output_node=True,
            inputs=[
                io.Image.Input("image", tooltip="The same images that were connected to Detect Faces."),
                FacesIO.Input("faces", tooltip="Output of Detect Faces."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Optional: only faces inside (or outside) this mask are chosen. One mask, or one per image.",
                ),
                io.Image.Input(
                    "reference",
                    optional=True,
                    tooltip="Optional: choose only the faces of the person in this picture (the largest face counts). Needs a "
                    "face recognition network; see the help page.",
                ),
                *select_widgets.choosing(),
                io.Combo.Input(
                    "mask_mode", display_name="mask mode", options=list(MASK_MODES), default="inside", advanced=True,
                    tooltip="inside: choose faces in the mask. outside: choose faces that are not. Ignored without a mask.",
                ),
                io.Float.Input(
                    "mask_overlap", display_name="mask overlap", default=0.5, min=0.01, max=1.0, step=0.01, advanced=True,
                    tooltip="How much of a face's box must lie inside (or outside) the mask. 0.5 = half of it.",
                ),
                io.String.Input(
                    "picks", default="", socketless=True, extra_dict={"widgetType": _PICKER},
                    tooltip="Faces picked by hand, as positions. Written by the face picker; empty it to forget the picks.",
                ),
                io.Float.Input(
                    "reference_similarity", display_name="reference similarity", default=SAME_PERSON, min=0.0, max=1.0,
                    step=0.01, advanced=True, optional=True,
                    tooltip="How similar a face must be to the reference: 1 = the same picture. Ignored without a reference.",
                ),
            ],
            outputs=[
                FacesIO.Output("faces", display_name="faces", tooltip="The chosen faces. Connect to Restore Faces."),
                FacesIO.Output("rest", display_name="rest", tooltip="The other faces."),
                io.Image.Output(
                    "preview",
                    display_name="preview",
                    tooltip="The images with numbered boxes: full = chosen, dashed = not chosen, crossed out = excluded.",
                ),
                io.Int.Output("count", display_name="count", tooltip="Number of chosen faces."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, image: Tensor, faces: Sequence[Face], mask_mode: str, mask_overlap: float, picks: str,
        mask: Tensor | None = None, reference: Tensor | None = None, reference_similarity: float = SAME_PERSON, **rules: Any,
    ) -> io.NodeOutput:  # fmt: skip
        from ..gpen_core.faces.drawing import draw_selection
        from ..gpen_core.faces.quality import load_quality
        from ..gpen_core.faces.selection import MaskRule, choose_faces, read_picks
        from ..gpen_core.pipeline import rate_faces
        from ..gpen_core.pipeline.frames import notice_another_picture

        status = NodeStatus()
        frames = to_frames(image, status)
        rated = rate_faces(frames, faces, load_quality())
        notice_another_picture(frames, rated, status.warn)
        selection = choose_faces(
            rated,
            select_widgets.choice_options(**rules),
            picks=read_picks(picks),
            mask=None if mask is None else from_mask(mask),
            mask_rule=MaskRule(mask_mode, mask_overlap),
            likeness=None
            if reference is None
            else _person(to_frames(reference, status, "reference"), reference_similarity).likeness(frames, rated),
        )
        logging.info("GPEN: %s", selection.summary())
        return io.NodeOutput(
            shown_faces(selection.chosen),
            shown_faces(selection.rest),
            to_image(draw_selection(frames, selection.choices)),
            len(selection.chosen),
            ui={"gpen_selection": [_drawn(frames, selection)], **status.warnings()},
        )


def _person(frames: Tensor, least: float) -> Reference:
    """Whom the reference shows. Raises MissingWeightsError without a recognition network, ImageError without a face."""
    from ..gpen_core.faces.identity import find_embedder
    from ..gpen_core.faces.selection import reference_of
    from ..gpen_core.pipeline import detect_faces

    embedder = find_embedder(detector_folders())  # before anything is detected: without one nothing can be said
    detector = automatic_detector()
    detector.to_device()
    return reference_of(
        frames, detect_faces(frames, detector.configured(), node_hooks(shares={"detect": 1.0})), embedder, least
    )


def _drawn(frames: Tensor, selection: Selection) -> dict[str, Any]:
    """What the face picker draws; see above."""
    from ..gpen_core.faces.selection import selection_report
    from .host.previews import save_previews

    with_faces = sorted({choice.face.frame for choice in selection.choices}) or [0]
    pictures = save_previews(frames, with_faces[:_MOST_PICTURES], "gpen_faces")
    return selection_report(selection) | {"pictures": pictures, "frames": len(frames)}
