"""Widgets that several nodes share, so that a setting is called and explained the same everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..gpen_core.faces.selection import ORDERS, SelectOptions
from ..gpen_core.geometry import TEMPLATES
from ..gpen_core.imaging.color import COLOR_METHODS
from ..gpen_core.pipeline.options import AUTO, LARGEST_SCALE, BlendOptions, RestoreOptions
from .host.networks import DetectorIO, ParserIO

if TYPE_CHECKING:
    from ..gpen_core.faces.detectors import DetectOptions


def detector() -> io.Input:
    return DetectorIO.Input(
        "detector",
        optional=True,
        tooltip="Left open, the best detector present is loaded anew each run; connect a loader to keep it.",
    )


def parser() -> io.Input:
    return ParserIO.Input("parser", optional=True, tooltip="Left open, faces are blended in through a soft oval.")


def background() -> io.Input:
    return io.Image.Input(
        "background",
        optional=True,
        tooltip="The same picture already upscaled, of any size. It then is what faces are blended into, and scale has no say.",
    )


def detection() -> list[io.Input]:
    return [
        io.Float.Input(
            "threshold", default=0.0, min=0.0, max=0.99, step=0.01,
            tooltip="Least score of a face. 0 takes the detector's own.",
        ),
        io.Int.Input(
            "min_face", display_name="min face", default=0, min=0, max=4096,
            tooltip="Shorter side of the smallest face, in pixels of the picture. 0: 20 pixels, more in very large pictures.",
        ),
        io.Int.Input(
            "max_faces", display_name="max faces", default=0, min=0, max=1000,
            tooltip="At most so many faces a picture. 0 takes all.",
        ),
        io.Combo.Input("order", options=list(ORDERS), default="largest", tooltip="Which faces come, and count, first."),
        io.Boolean.Input(
            "turned_faces", display_name="turned faces", default=True, advanced=True,
            tooltip="Look again in the turned picture where no face is upright.",
        ),
    ]  # fmt: skip


def detect_options(threshold: float, min_face: int, turned_faces: bool) -> DetectOptions:
    """``min_face`` counts from 0, which is automatic."""
    from ..gpen_core.faces.detectors import LEAST_MIN_FACE, DetectOptions

    return DetectOptions(
        threshold=threshold or None,
        min_face=max(min_face, LEAST_MIN_FACE) if min_face else None,
        try_rotations=turned_faces,
    )


def select_options(min_face: int, max_faces: int, order: str) -> SelectOptions:
    return SelectOptions(order, max_faces, min_face)


def restoring() -> list[io.Input]:
    return [
        io.Combo.Input(
            "template", options=[AUTO, *TEMPLATES], default=AUTO, advanced=True,
            tooltip="How faces are framed. auto takes what the model was trained with.",
        ),
        io.Int.Input(
            "batch_size", display_name="batch size", default=0, min=0, max=64, advanced=True,
            tooltip="Faces that go through the network at a time. 0 chooses by the model's size.",
        ),
    ]  # fmt: skip


def restore_options(template: str, batch_size: int) -> RestoreOptions:
    return RestoreOptions(template, batch_size)


def blending() -> list[io.Input]:
    defaults = BlendOptions()
    return [
        io.Float.Input(
            "strength", default=defaults.strength, min=0.0, max=1.0, step=0.01,
            tooltip="0 keeps the picture, 1 takes the restored face whole.",
        ),
        io.Combo.Input(
            "scale_mode", display_name="scale mode", options=["factor", AUTO], default="factor",
            tooltip="factor: the scale below. auto: as large as the largest face needs to keep every pixel the model made.",
        ),
        io.Float.Input(
            "scale", default=1.0, min=0.1, max=LARGEST_SCALE, step=0.1,
            tooltip="Size of the result by that of the picture. Faces keep more of their restored detail in a larger picture.",
        ),
        io.Combo.Input(
            "color_match", display_name="color match", options=list(COLOR_METHODS), default=defaults.color,
            tooltip="Bring the restored face's colours back to those of the picture, in Lab. Never applied to a colouriser.",
        ),
        io.Float.Input(
            "softness", default=defaults.softness, min=0.01, max=1.0, step=0.01,
            tooltip="Width of the mask's soft edge, as a part of the face's radius.",
        ),
        io.Float.Input(
            "max_megapixels", display_name="max megapixels", default=defaults.max_megapixels, min=0.1, max=400.0, step=0.1,
            tooltip="Largest picture that scale mode auto makes, in millions of pixels.",
        ),
    ]  # fmt: skip


def blend_options(
    strength: float, scale_mode: str, scale: float, color_match: str, softness: float, max_megapixels: float
) -> BlendOptions:
    return BlendOptions(AUTO if scale_mode == AUTO else scale, strength, softness, color_match, max_megapixels)
