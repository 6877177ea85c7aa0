"""How much of each region of a face is restored."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ..gpen_core.faces.parts import REGIONS
from . import widgets
from .host.images import from_mask
from .host.networks import FaceLandmarksIO, RegionsIO
from .loaders import CATEGORY


class FaceRegions(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_FaceRegions",
            display_name="Regions of a Face (GPEN)",
            category=CATEGORY,
            description="Restores some regions of a face less, or not at all: eyes, skin, hair, and so on. Connect it to Blend "
            "Faces or GPEN Face Fix.",
            search_aliases=["face parts", "face mask", "face parsing", "skin", "eyes", "gpen"],
            inputs=[
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Optional: a mask drawn on the image, one for all images or one per image. mask mode says what it "
                    "does.",
                ),
                FaceLandmarksIO.Input(
                    "face_landmarks",
                    display_name="face landmarks",
                    optional=True,
                    tooltip="Optional: face landmarks of a MediaPipe node, for exact eyes, brows, nose and mouth. Not used "
                    "with a face parser, which is more exact still.",
                ),
                *widgets.regions(),
            ],
            outputs=[
                RegionsIO.Output("regions", display_name="regions", tooltip="Connect to Blend Faces or GPEN Face Fix.")
            ],
        )

    @classmethod
    def execute(
        cls,
        grow: int,
        feather: int,
        mask_mode: str,
        mask: Tensor | None = None,
        face_landmarks: Any = None,
        **strengths: float,
    ) -> io.NodeOutput:
        from ..gpen_core.faces.mesh import read_meshes
        from ..gpen_core.faces.regions import DEFAULTS, RegionOptions

        # Only regions that differ are named: those are the ones that grow.
        named = {region: strengths[region] for region in REGIONS if strengths[region] != DEFAULTS[region]}
        return io.NodeOutput(
            RegionOptions(
                named,
                grow=grow,
                feather=feather or None,
                mask=None if mask is None else from_mask(mask),
                mask_mode=mask_mode,
                meshes=() if face_landmarks is None else read_meshes(face_landmarks),
            )
        )
