"""Restore faces that were found."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from comfy_api.latest import io
from comfy_execution.graph_utils import ExecutionBlocker
from torch import Tensor

from . import widgets
from .host.images import to_frames, to_image
from .host.networks import FacesIO, GpenModelIO, ManagedModel, RestoredFacesIO
from .host.progress import node_hooks
from .loaders import CATEGORY

if TYPE_CHECKING:
    from ..gpen_core.types import Face


class RestoreFaces(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_RestoreFaces",
            display_name="Restore Faces (GPEN)",
            category=CATEGORY,
            description="Aligns faces and runs them through the network, those of several pictures together.",
            search_aliases=["face restoration", "fix faces", "gpen"],
            inputs=[
                io.Image.Input("image", tooltip="The pictures in which the faces were found."),
                FacesIO.Input("faces", tooltip="From Detect Faces."),
                GpenModelIO.Input("model", tooltip="From Load GPEN Model."),
                *widgets.restoring(),
            ],
            outputs=[
                RestoredFacesIO.Output("restored_faces", display_name="restored faces", tooltip="For Blend Faces."),
                io.Image.Output(
                    "crops", display_name="crops", tooltip="The restored faces, aligned, one picture each, in full resolution. "
                    "Nodes behind this output don't run where there is no face.",
                ),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, image: Tensor, faces: Sequence[Face], model: ManagedModel, template: str, batch_size: int
    ) -> io.NodeOutput:
        from ..gpen_core.pipeline.restore import activation_bytes, restore_faces

        if not faces:
            logging.info("GPEN: no face to restore.")
            return io.NodeOutput((), ExecutionBlocker(None))
        options = widgets.restore_options(template, batch_size)
        model.to_device(activation_bytes(model.model, options, len(faces)))
        restored = tuple(restore_faces(to_frames(image), faces, model.model, options, node_hooks()))
        return io.NodeOutput(restored, to_image(torch.stack([face.pixels for face in restored])))
