"""The nodes: adapters between ComfyUI's graph and ``gpen_core``. Only ``nodes.host`` touches ComfyUI's internals."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .blend import BlendFaces
from .colorize import Colorize
from .compare import CompareFaces
from .detect import DetectFaces
from .example import ExampleImage
from .example_video import ExampleVideo
from .faces_from import AlignedFaces, FacesFromBoxes, FacesFromLandmarks
from .faces_to import CropFaces, FacesToBoxes
from .host import folders
from .inpaint import InpaintFaces
from .label_maps import FacesFromLabelMaps, LabelMapOfFace
from .loaders import LoadDetector, LoadModel, LoadParser
from .regions import FaceRegions
from .restore import RestoreFaces
from .restore_image import RestoreImage
from .restore_video import RestoreVideo
from .sample import SampleFaces
from .select import SelectFaces
from .track import TrackFaces


class GpenExtension(ComfyExtension):
    """The extension that ComfyUI loads: it registers the model folders and lists the nodes."""

    async def on_load(self) -> None:
        folders.register()

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [
            RestoreImage,
            RestoreVideo,
            LoadModel,
            LoadDetector,
            LoadParser,
            DetectFaces,
            SelectFaces,
            TrackFaces,
            RestoreFaces,
            FaceRegions,
            BlendFaces,
            CompareFaces,
            FacesFromBoxes,
            FacesFromLandmarks,
            AlignedFaces,
            FacesToBoxes,
            CropFaces,
            Colorize,
            InpaintFaces,
            FacesFromLabelMaps,
            LabelMapOfFace,
            SampleFaces,
            ExampleImage,
            ExampleVideo,
        ]


async def comfy_entrypoint() -> GpenExtension:
    return GpenExtension()
