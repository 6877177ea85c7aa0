"""The custom types passed between nodes: networks of the core, managed by ComfyUI."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from comfy_api.latest import io

from .memory import Managed

if TYPE_CHECKING:
    from ...gpen_core.checkpoints import GpenModel
    from ...gpen_core.faces.detectors import DetectOptions, FaceNetwork, MultiPassDetector
    from ...gpen_core.faces.parsing import FaceParser

GpenModelIO = io.Custom("GPEN_MODEL")
DetectorIO = io.Custom("GPEN_DETECTOR")
ParserIO = io.Custom("GPEN_PARSER")
FacesIO = io.Custom("GPEN_FACES")
RestoredFacesIO = io.Custom("GPEN_RESTORED_FACES")
RegionsIO = io.Custom("GPEN_REGIONS")
FaceFactsIO = io.Custom("GPEN_FACE_FACTS")  # a tuple of (Face, FaceFacts)
FaceLandmarksIO = io.Custom("FACE_LANDMARKS")  # of ComfyUI's MediaPipe nodes
SegsIO = io.Custom("SEGS")  # of the Impact Pack


class ManagedModel(Managed):
    """GPEN_MODEL: a restoration model."""

    def __init__(self, model: GpenModel) -> None:
        from ...gpen_core.engines import engine_of

        super().__init__(model.module)
        # By where the weights will be, not by where they are: what a run needs is asked for before they move.
        engine = engine_of(model.module, self.patcher.load_device, model.dtype)
        self.model = replace(model, engine=engine)


class ManagedDetector(Managed):
    """GPEN_DETECTOR: the detection network. Its settings are chosen by the node that uses it."""

    def __init__(self, network: FaceNetwork) -> None:
        super().__init__(network.module)
        self.network = network

    def configured(self, options: DetectOptions | None = None) -> MultiPassDetector:
        """The detector with these settings, or the defaults; the network is shared."""
        from ...gpen_core.faces.detectors import MultiPassDetector

        return MultiPassDetector(self.network, options)


class ManagedParser(Managed):
    """GPEN_PARSER: a face parsing network."""

    def __init__(self, parser: FaceParser) -> None:
        super().__init__(parser.module)
        self.parser = parser
