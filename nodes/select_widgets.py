"""Widgets of Select Faces, and the rules that follow from them."""

from __future__ import annotations

from comfy_api.latest import io

from ..gpen_core.faces.selection.options import SelectOptions
from ..gpen_core.faces.selection.orders import ORDERS


def choosing() -> list[io.Input]:
    return [
        io.String.Input(
            "indices", default="",
            tooltip="Numbers of the faces to choose, as the preview shows them: 0, 2-4, -1 (-1 = last). Empty = all.",
        ),
        io.Combo.Input(
            "order", options=list(ORDERS), default="largest",
            tooltip="How the faces of an image are numbered, and which ones are kept when max faces limits them.",
        ),
        io.Int.Input(
            "max_faces", display_name="max faces", default=0, min=0, max=1000,
            tooltip="Maximum number of faces per image. 0 = no limit.",
        ),
        io.Int.Input(
            "min_size", display_name="min size", default=0, min=0, max=16384, advanced=True,
            tooltip="Leave out faces smaller than this (shorter side, in pixels).",
        ),
        io.Int.Input(
            "max_size", display_name="max size", default=0, min=0, max=16384, advanced=True,
            tooltip="Leave out faces larger than this (shorter side, in pixels). 0 = no limit.",
        ),
        io.Float.Input(
            "min_share", display_name="min share", default=0.0, min=0.0, max=100.0, step=0.1, advanced=True,
            tooltip="Leave out faces that cover less than this percentage of the image.",
        ),
        io.Float.Input(
            "max_share", display_name="max share", default=0.0, min=0.0, max=100.0, step=0.1, advanced=True,
            tooltip="Leave out faces that cover more than this percentage of the image. 0 = no limit.",
        ),
        io.Float.Input(
            "min_score", display_name="min score", default=0.0, min=0.0, max=1.0, step=0.01, advanced=True,
            tooltip="Leave out faces that the detector is less sure of.",
        ),
        io.Float.Input(
            "min_quality", display_name="min quality", default=0.0, min=0.0, max=1.0, step=0.01, advanced=True,
            tooltip="Leave out faces worse than this. Above 0, faces of unknown quality are left out too.",
        ),
        io.Float.Input(
            "max_quality", display_name="max quality", default=1.0, min=0.0, max=1.0, step=0.01, advanced=True,
            tooltip="Leave out faces better than this: they need no restoration.",
        ),
        io.Float.Input(
            "point_x", display_name="point x", default=0.5, min=0.0, max=1.0, step=0.01, advanced=True,
            tooltip="For the order nearest_to_point: from 0 (left edge) to 1 (right edge).",
        ),
        io.Float.Input(
            "point_y", display_name="point y", default=0.5, min=0.0, max=1.0, step=0.01, advanced=True,
            tooltip="For the order nearest_to_point: from 0 (top) to 1 (bottom).",
        ),
    ]  # fmt: skip


def choice_options(
    indices: str, order: str, max_faces: int, min_size: int, max_size: int, min_share: float, max_share: float,
    min_score: float, min_quality: float, max_quality: float, point_x: float, point_y: float,
) -> SelectOptions:  # fmt: skip
    return SelectOptions(
        order, max_faces, min_size, max_size, min_share, max_share, min_score, min_quality, max_quality, indices,
        (point_x, point_y),
    )  # fmt: skip
