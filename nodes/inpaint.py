"""Fill scratches and holes in faces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from comfy_api.latest import io
from torch import Tensor

from . import sockets, tasking
from .host.images import from_mask
from .host.networks import GpenModelIO, ManagedDetector, ManagedModel
from .host.status import NodeStatus, sent_again
from .loaders import CATEGORY

if TYPE_CHECKING:
    from ..gpen_core.types import Face


class InpaintFaces(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_InpaintFaces",
            **sent_again(),
            display_name="Inpaint Faces (GPEN)",
            category=CATEGORY,
            description="Fills what you paint over in a face, such as scratches and stains, with GPEN-Inpainting-1024. Outside "
            "of the mask, the image stays exactly as it is.",
            search_aliases=["inpaint", "fill", "remove scratches", "repair old photo", "mask", "gpen"],
            inputs=[
                io.Image.Input("image", tooltip="A photograph with scratches, stains or holes in a face."),
                io.Mask.Input(
                    "mask", tooltip="White where to fill. To draw it, right-click Load Image and open it in the mask editor; "
                    "one mask for all images, or one for each.",
                ),
                GpenModelIO.Input("model", tooltip="Output of Load GPEN Model, with GPEN-Inpainting-1024."),
                tasking.area("fill the mask in"),
                tasking.strength(),
                sockets.chosen_faces(),
                sockets.detector(),
            ],
            outputs=tasking.outputs("The images, filled.", "White = replaced, black = unchanged."),
        )  # fmt: skip

    @classmethod
    def execute(
        cls, image: Tensor, mask: Tensor, model: ManagedModel, area: str, strength: float,
        faces: Sequence[Face] | None = None, detector: ManagedDetector | None = None,
    ) -> io.NodeOutput:  # fmt: skip
        from ..gpen_core.pipeline import BlendOptions, RestoreOptions, Settings
        from ..gpen_core.tasks import check_task

        check_task(model.model.name, model.model.task, "inpainting")
        given = from_mask(mask)
        if not given.any():  # Load Image gives an empty one of another size where nothing was drawn
            given = given.new_zeros(1, 1, *image.shape[-3:-1]) if image.dim() > 2 else given
        settings = Settings(
            restore=RestoreOptions(whole_picture=area == tasking.PICTURE), blend=BlendOptions(strength=strength)
        )
        result, ui = tasking.run_task(
            image, model, settings, NodeStatus(), "filled", faces=faces, detector=detector, mask=given.to(image.device)
        )
        return tasking.output(result, ui)
