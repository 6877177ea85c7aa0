"""The nodes. They translate between the graph and ``gpen_core``; ``nodes.host`` is the only part that touches ComfyUI."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .blend import BlendFaces
from .detect import DetectFaces
from .host import folders
from .loaders import LoadDetector, LoadModel, LoadParser
from .restore import RestoreFaces
from .restore_image import RestoreImage
from .sample import SampleFaces


class GpenExtension(ComfyExtension):
    """What ComfyUI asks for: the folders to know of, and the nodes."""

    async def on_load(self) -> None:
        folders.register()

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [RestoreImage, LoadModel, LoadDetector, LoadParser, DetectFaces, RestoreFaces, BlendFaces, SampleFaces]


async def comfy_entrypoint() -> GpenExtension:
    return GpenExtension()
