"""Restore detected faces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from comfy_api.latest import io
from comfy_execution.graph_utils import ExecutionBlocker
from torch import Tensor

from . import sockets, widgets
from .host.folders import protect_tools
from .host.images import to_frames, to_image, to_mask
from .host.networks import FacesIO, GpenModelIO, ManagedModel, RestoredFacesIO
from .host.progress import node_hooks
from .host.shown import shown_restored
from .host.status import NodeStatus, sent_again
from .loaders import CATEGORY

if TYPE_CHECKING:
    from ..gpen_core.types import Face


class RestoreFaces(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_RestoreFaces",
            **sent_again(),
            display_name="Restore Faces (GPEN)",
            category=CATEGORY,
            description="Aligns detected faces and restores them with a GPEN model, batching faces across images.",
            search_aliases=["face restoration", "fix faces", "gpen"],
            inputs=[
                io.Image.Input("image", tooltip="The same images that were connected to Detect Faces."),
                FacesIO.Input("faces", tooltip="Output of Detect Faces."),
                GpenModelIO.Input("model", tooltip="Output of Load GPEN Model."),
                *widgets.restoring(),
                *widgets.protecting(),
                widgets.least_similarity(),
            ],
            outputs=[
                RestoredFacesIO.Output("restored_faces", display_name="restored faces", tooltip="Connect to Blend Faces."),
                io.Image.Output(
                    "crops", display_name="crops", tooltip="The restored, aligned faces at full resolution, one image each. "
                    "Nodes connected here are skipped when no face is found.",
                ),
                sockets.protected_output(),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, image: Tensor, faces: Sequence[Face], model: ManagedModel, template: str, batch_size: int, protect: str,
        min_similarity: float = 0.0,
    ) -> io.NodeOutput:  # fmt: skip
        from ..gpen_core.pipeline import ProtectOptions, protect_faces, protections_for
        from ..gpen_core.pipeline.clip import VideoOptions, restore_along
        from ..gpen_core.pipeline.kept import KeptMasks
        from ..gpen_core.pipeline.restore import activation_bytes, restore_faces
        from ..gpen_core.pipeline.summary import model_text, run_text
        from ..gpen_core.polling import polling

        status = NodeStatus()
        frames = to_frames(image, status)
        kept = KeptMasks(frames)
        if not faces:
            ui = status.ui("No face to restore: what is connected to crops is skipped.", notice=True)
            return io.NodeOutput(shown_restored(()), ExecutionBlocker(None), to_mask(kept.masks), ui=ui)
        options = widgets.restore_options(template, batch_size)
        model.to_device(activation_bytes(model.model, options, len(faces)))
        hooks, guard = node_hooks(status, {"restore": 1.0}), ProtectOptions(protect, min_similarity)
        steps = protections_for(guard, protect_tools(guard), hooks)
        if any(face.track for face in faces):
            video = VideoOptions()
            restored = tuple(restore_along(frames, faces, model.model, options, steps, video, hooks))
        else:
            found = restore_faces(frames, faces, model.model, options, hooks)
            with polling(hooks.poll):
                restored = tuple(protect_faces(frames, found, steps))
        for face in restored:
            kept.add(face)
        ui = status.ui(run_text([face.facts for face in restored]), {model_text(model.model.name): model})
        crops = torch.stack([face.pixels for face in restored])
        return io.NodeOutput(shown_restored(restored), to_image(crops), to_mask(kept.masks), ui=ui)
