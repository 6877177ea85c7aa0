"""A picture to try the other nodes on. It lies in the pack's own folder: nothing is put into the user's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from comfy_api.latest import io
from PIL import Image, ImageDraw
from torch import Tensor

from .host.images import to_image, to_mask
from .host.previews import save_exact
from .loaders import CATEGORY

_FOLDER = Path(__file__).parent / "pictures"
_FILES = {"portrait": "portrait.jpg", "contact sheet": "contact_sheet.jpg"}
_GRAY, _SCRATCHED, _COVERED, _MAP = "gray portrait", "scratched portrait", "covered portrait", "label map"
# Across the face of the portrait, in shares of its sides, and how wide, as a share of its width.
_SCRATCHES = (
    ((0.365, 0.07), (0.405, 0.15), (0.385, 0.2), (0.43, 0.3)),
    ((0.5, 0.12), (0.455, 0.19), (0.47, 0.25)),
)
_WIDTH = 0.012
# A microphone before its mouth, likewise: the head's box, and the handle's line and width.
_HEAD, _HANDLE, _THICK = (0.415, 0.245, 0.485, 0.33), (0.462, 0.315, 0.53, 0.62), 0.034
_DARK, _BODY, _MESH, _BRIGHT = (34, 34, 38), (58, 58, 64), (104, 104, 112), (150, 150, 156)


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
                    "picture", options=[*_FILES, _GRAY, _SCRATCHED, _MAP, _COVERED], default="portrait",
                    tooltip="portrait: one face, enlarged from a small copy. contact sheet: six prints, two of them good. "
                    "gray, scratched, covered: the portrait without colors, with scratches, or with a microphone before the "
                    "mouth. label map: parts of a face, in colors.",
                )
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="A photograph by NASA, in the public domain."),
                io.Mask.Output("mask", display_name="mask", tooltip="White on the scratches or the microphone, if any."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, picture: str) -> io.NodeOutput:
        pixels, mask = example_picture(picture)
        return io.NodeOutput(
            to_image(pixels[None]), to_mask(mask[None]), ui={"images": [save_exact(pixels, "gpen_example")]}
        )


def example_picture(name: str) -> tuple[Tensor, Tensor]:
    """[3, H, W] RGB in [0, 1] and the mask [1, H, W] of its scratches, or of what covers the face."""
    if name == _MAP:
        from ..gpen_core.pipeline.label_maps import drawn_map

        pixels = drawn_map()
    else:
        with Image.open(_FOLDER / _FILES.get(name, _FILES["portrait"])) as opened:
            pixels = torch.from_numpy(np.array(opened.convert("RGB"))).movedim(-1, 0).float() / 255
    mask = torch.zeros_like(pixels[:1])
    if name == _GRAY:
        from ..gpen_core.tasks.coloring import brightness_of

        pixels = brightness_of(pixels[None])[0].contiguous()
    if name == _SCRATCHED:
        mask = _scratches(pixels.shape[2], pixels.shape[1])
        pixels = torch.maximum(pixels, mask * 0.9)
    if name == _COVERED:
        pixels, mask = _behind_a_microphone(pixels)
    return pixels, mask


def _scratches(width: int, height: int) -> Tensor:
    """[1, H, W] of 0 and 1."""
    drawn, thick = Image.new("L", (width, height)), round(_WIDTH * width)
    draw = ImageDraw.Draw(drawn)
    for scratch in _SCRATCHES:
        points = [(x * width, y * height) for x, y in scratch]
        draw.line(points, fill=255, width=thick, joint="curve")
        for x, y in points:
            draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=255)
    return torch.from_numpy(np.array(drawn))[None].float() / 255


def _behind_a_microphone(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """[3, H, W] with a drawn microphone, about as soft as the portrait, and its mask [1, H, W]."""
    height, width = pixels.shape[1:]
    layer = Image.new("RGBA", (2 * width, 2 * height))
    draw, sides = ImageDraw.Draw(layer), np.array((width, height) * 2) * 2
    left, top, right, bottom = head = tuple(_HEAD * sides)
    for shift, color, share in ((0, _DARK, 1), (-0.006, (74, 74, 80), 0.2)):
        line = (np.array(_HANDLE) + np.array((shift, 0, shift, 0))) * sides
        draw.line(tuple(line), fill=color, width=round(_THICK * share * sides[0]))
    draw.ellipse(head, fill=_BODY)
    x, y = (left + right) / 2, (top + bottom) / 2
    for place in np.linspace(-0.8, 0.8, 8):  # of wires, from -1 to 1 across the head
        reach = (1 - place**2) ** 0.5 / 2
        across, down = y + place * (bottom - top) / 2, x + place * (right - left) / 2
        draw.line((x - reach * (right - left), across, x + reach * (right - left), across), fill=_MESH, width=3)
        draw.line((down, y - reach * (bottom - top), down, y + reach * (bottom - top)), fill=_MESH, width=3)
    draw.line((left, y, right, y), fill=_BRIGHT, width=9)
    draw.ellipse(head, outline=_MESH, width=4)
    soft = layer.resize((width // 2, height // 2), Image.Resampling.LANCZOS).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    drawn = torch.from_numpy(np.array(soft)).movedim(-1, 0).float() / 255
    return drawn[:3] * drawn[3:] + pixels * (1 - drawn[3:]), drawn[3:]
