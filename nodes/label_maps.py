"""Label maps of faces, and faces of label maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from comfy_api.latest import io
from comfy_execution.graph_utils import ExecutionBlocker
from torch import Tensor

from . import sockets, tasking
from .host.images import to_frames, to_image
from .host.memory import load_managed
from .host.networks import GpenModelIO, ManagedDetector, ManagedModel, ManagedParser, ParserIO
from .host.progress import node_hooks
from .host.status import NodeStatus, sent_again
from .loaders import CATEGORY, FACES_CATEGORY, automatic_detector

if TYPE_CHECKING:
    from ..gpen_core.types import Face


class FacesFromLabelMaps(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_FacesFromLabelMaps",
            **sent_again(),
            display_name="Label Maps to Faces (GPEN)",
            category=CATEGORY,
            description="Makes a face of each label map, a picture whose colors name the parts of a face, with "
            "GPEN-Seg2face-512. Nothing is detected: the map is the face.",
            search_aliases=["segmentation to face", "seg2face", "semantic image synthesis", "label map", "gpen"],
            inputs=[
                io.Image.Input(
                    "label_maps", display_name="label maps",
                    tooltip="Square label maps of any size, one face each. Label Map of a Face makes such maps.",
                ),
                GpenModelIO.Input("model", tooltip="Output of Load GPEN Model, with GPEN-Seg2face-512."),
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The faces, at the model's size, one image each.")
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, label_maps: Tensor, model: ManagedModel) -> io.NodeOutput:
        from ..gpen_core.pipeline import RestoreOptions, Settings
        from ..gpen_core.tasks import check_task

        check_task(model.model.name, model.model.task, "seg2face")
        settings = Settings(restore=RestoreOptions(whole_picture=True))
        result, ui = tasking.run_task(
            label_maps[..., :3], model, settings, NodeStatus(), "made of label maps", name="label maps"
        )
        return io.NodeOutput(to_image(result.frames), ui=ui)


class LabelMapOfFace(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_LabelMap",
            **sent_again(),
            display_name="Label Map of a Face (GPEN)",
            category=FACES_CATEGORY,
            description="Draws the parts of each face (skin, eyes, hair …) in the colors that Label Maps to Faces takes.",
            search_aliases=["face segmentation map", "face parsing", "parsenet", "semantic map", "gpen"],
            inputs=[
                io.Image.Input("image", tooltip="Images with faces."),
                ParserIO.Input("parser", tooltip="Output of Load Face Parser."),
                sockets.chosen_faces(),
                sockets.detector(),
            ],
            outputs=[
                io.Image.Output(
                    "label_maps", display_name="label maps",
                    tooltip="One map of 512×512 for each face. Nodes connected here are skipped when no face is found.",
                ),
                io.Image.Output("legend", display_name="legend", tooltip="Which color is which part, to paint by."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, image: Tensor, parser: ManagedParser, faces: Sequence[Face] | None = None,
        detector: ManagedDetector | None = None,
    ) -> io.NodeOutput:  # fmt: skip
        from ..gpen_core.pipeline.detect import detect_faces
        from ..gpen_core.pipeline.label_maps import label_maps, legend
        from ..gpen_core.pipeline.summary import counted

        status = NodeStatus()
        frames, hooks = to_frames(image, status), node_hooks(status, {"detect": 0.3, "restore": 0.7})
        colors = to_image(legend()[None])
        if faces is None:
            detector = detector or automatic_detector()
            load_managed([detector, parser])
            faces = detect_faces(frames, detector.configured(), hooks)
        if not faces:
            ui = status.ui("No face found: what is connected to label maps is skipped.", notice=True)
            return io.NodeOutput(ExecutionBlocker(None), colors, ui=ui)
        parser.to_device()
        maps = label_maps(frames, faces, parser.parser, hooks)
        ui = status.ui(f"{counted(len(maps))} drawn as label maps.", {parser.parser.name: parser})
        return io.NodeOutput(to_image(maps), colors, ui=ui)
