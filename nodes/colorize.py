"""Colorize gray photographs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from comfy_api.latest import io
from torch import Tensor

from . import sockets, tasking
from .host.networks import GpenModelIO, ManagedDetector, ManagedModel, ManagedParser
from .host.status import NodeStatus, sent_again
from .loaders import CATEGORY

if TYPE_CHECKING:
    from ..gpen_core.types import Face


class Colorize(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_Colorize",
            **sent_again(),
            display_name="Colorize (GPEN)",
            category=CATEGORY,
            description="Colors faces of gray photographs, or whole photographs, with GPEN-Colorization-1024. The brightness "
            "of every pixel stays as it is: only colors come from the model.",
            search_aliases=["colorize", "colourise", "color old photo", "black and white", "gray to color", "gpen"],
            inputs=[
                io.Image.Input("image", tooltip="Gray photographs. Colors that are there already are replaced."),
                GpenModelIO.Input("model", tooltip="Output of Load GPEN Model, with GPEN-Colorization-1024."),
                tasking.area("color"),
                tasking.strength(),
                io.Float.Input(
                    "softness", default=0.35, min=0.01, max=1.0, step=0.01, advanced=True,
                    tooltip="Width of the soft edge of the colors, as a fraction of the face's radius.",
                ),
                sockets.chosen_faces(),
                sockets.detector(),
                sockets.parser(),
            ],
            outputs=tasking.outputs("The images in color.", "White = fully colored, black = unchanged."),
        )  # fmt: skip

    @classmethod
    def execute(
        cls, image: Tensor, model: ManagedModel, area: str, strength: float, softness: float,
        faces: Sequence[Face] | None = None, detector: ManagedDetector | None = None, parser: ManagedParser | None = None,
    ) -> io.NodeOutput:  # fmt: skip
        from ..gpen_core.pipeline import BlendOptions, RestoreOptions, Settings
        from ..gpen_core.tasks import check_task

        check_task(model.model.name, model.model.task, "colorization")
        settings = Settings(
            restore=RestoreOptions(whole_picture=area == tasking.PICTURE),
            blend=BlendOptions(strength=strength, softness=softness),
        )
        result, ui = tasking.run_task(
            image, model, settings, NodeStatus(), "colorized", faces=faces, detector=detector, parser=parser
        )
        return tasking.output(result, ui)
