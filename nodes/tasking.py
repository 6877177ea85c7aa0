"""What the nodes for tasks beside restoration share: one run of the pipeline, and its words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from comfy_api.latest import io
from torch import Tensor

from .host.images import to_frames, to_image, to_mask
from .host.memory import Managed, load_managed
from .host.networks import FaceFactsIO, ManagedDetector, ManagedModel, ManagedParser
from .host.progress import CHOSEN_FACES, WHOLE_JOB, node_hooks
from .host.shown import shown_facts
from .host.status import NodeStatus
from .loaders import automatic_detector

if TYPE_CHECKING:
    from ..gpen_core.pipeline import Restoration, Settings
    from ..gpen_core.types import Face

FACES, PICTURE = "faces", "whole picture"


def area(what: str) -> io.Input:
    return io.Combo.Input(
        "area", options=[FACES, PICTURE], default=FACES,
        tooltip=f"faces: find faces, and {what} those. whole picture: give the model the whole image, stretched to its size. "
        "It was trained with faces only.",
    )  # fmt: skip


def strength() -> io.Input:
    return io.Float.Input(
        "strength", default=1.0, min=0.0, max=1.0, step=0.01, tooltip="0 = original, 1 = the model's result."
    )


def outputs(image: str, mask: str) -> list[io.Output]:
    """Of a node for a task, with the tooltips of its images and of its mask."""
    return [
        io.Image.Output("image", display_name="image", tooltip=image),
        io.Mask.Output("mask", display_name="mask", tooltip=mask),
        FaceFactsIO.Output(
            "face_facts", display_name="face facts", tooltip="What is known of each face. Connect to Compare Faces."
        ),
    ]


def output(result: Restoration, ui: dict[str, list[object]]) -> io.NodeOutput:
    """What ``outputs`` promise, of ``run_task``'s result."""
    facts = shown_facts(zip(result.faces, result.facts, strict=True))
    return io.NodeOutput(to_image(result.frames), to_mask(result.mask), facts, ui=ui)


def run_task(
    image: Tensor, model: ManagedModel, settings: Settings, status: NodeStatus, done: str, *,
    faces: Sequence[Face] | None = None, detector: ManagedDetector | None = None, parser: ManagedParser | None = None,
    mask: Tensor | None = None, name: str = "image",
) -> tuple[Restoration, dict[str, list[object]]]:  # fmt: skip
    """One run → the result, and the node's ``ui``. ``done``: "colorized", "filled"; ``name``: of the images' input."""
    from ..gpen_core.pipeline import restore_image
    from ..gpen_core.pipeline.restore import activation_bytes
    from ..gpen_core.pipeline.summary import counted, model_text

    whole = settings.restore.whole_picture
    searches = faces is None and not whole
    if searches:
        detector = detector or automatic_detector()
    used = (model, detector if searches else None, parser)
    load_managed([one for one in used if one is not None], activation_bytes(model.model, settings.restore))
    result = restore_image(
        to_frames(image, status, name), model.model, detector.configured() if searches and detector else None, settings,
        faces=faces, parser=None if parser is None else parser.parser, mask=mask,
        hooks=node_hooks(status, WHOLE_JOB if searches else CHOSEN_FACES),
    )  # fmt: skip
    ran: dict[str, Managed] = {detector.network.name: detector} if searches and detector else {}
    if not result.faces:
        text = f"{'Nothing' if whole else 'No face'} was {done}: the image is returned unchanged."
        return result, status.ui(text, ran, notice=True)
    ran[model_text(model.model.name)] = model
    what = counted(len(result.faces))
    if whole and not model.model.task.is_map:
        what = f"Whole picture{'s' if len(result.faces) > 1 else ''}"
    return result, status.ui(f"{what} {done}.", ran)
