"""A picture to try the other nodes on. It lies in the pack's own folder: nothing is put into the user's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from comfy_api.latest import io
from PIL import Image

from .host.images import to_image
from .host.previews import save_exact
from .loaders import CATEGORY

_FOLDER = Path(__file__).parent / "pictures"
_FILES = {"portrait": "portrait.jpg", "contact sheet": "contact_sheet.jpg"}


class ExampleImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_ExampleImage",
            display_name="Example Image (GPEN)",
            category=CATEGORY,
            description="A photograph with faces that need restoring, to try a workflow on. For your own picture, use "
            "Load Image in its place.",
            search_aliases=["sample image", "test image", "demo", "gpen"],
            inputs=[
                io.Combo.Input(
                    "picture", options=list(_FILES), default="portrait",
                    tooltip="portrait: one face, enlarged from a small copy. contact sheet: six prints, two of them good.",
                )
            ],
            outputs=[io.Image.Output("image", display_name="image", tooltip="A photograph by NASA, in the public domain.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, picture: str) -> io.NodeOutput:
        with Image.open(_FOLDER / _FILES[picture]) as opened:
            pixels = torch.from_numpy(np.array(opened.convert("RGB"))).movedim(-1, 0).float() / 255
        return io.NodeOutput(to_image(pixels[None]), ui={"images": [save_exact(pixels, "gpen_example")]})
