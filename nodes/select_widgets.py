"""Widgets of Select Faces, and the rules that follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..gpen_core.faces.selection.orders import ORDERS
from . import widgets

if TYPE_CHECKING:
    from ..gpen_core.faces.selection import SelectOptions


def choosing() -> list[io.Input]:
    return [
        io.String.Input(
            "indices", default="",
            tooltip="Numbers of the faces to choose, as the preview shows them: 0, 2-4, -1 (-1 = last). Empty = all.",
        ),
        widgets.order("How the faces of an image are numbered", list(ORDERS)),
        widgets.max_faces(),
        _side("min_size", "smaller than this (shorter side, in pixels)"),
        _side("max_size", "larger than this (shorter side, in pixels). 0 = no limit"),
        _number("min_share", "that cover less than this percentage of the image", most=100.0, step=0.1),
        _number("max_share", "that cover more than this percentage of the image. 0 = no limit", most=100.0, step=0.1),
        _number("min_score", "that the detector is less sure of"),
        _number("min_quality", "worse than this. Above 0, faces of unknown quality are left out too"),
        _number("max_quality", "better than this: they need no restoration", default=1.0),
        _place("point_x", "from 0 (left edge) to 1 (right edge)"),
        _place("point_y", "from 0 (top) to 1 (bottom)"),
    ]  # fmt: skip


def _side(name: str, which: str) -> io.Input:
    return io.Int.Input(
        name, display_name=name.replace("_", " "), default=0, min=0, max=16384, advanced=True,
        tooltip=f"Leave out faces {which}.",
    )  # fmt: skip


def _number(name: str, which: str, default: float = 0.0, most: float = 1.0, step: float = 0.01) -> io.Input:
    return io.Float.Input(
        name, display_name=name.replace("_", " "), default=default, min=0.0, max=most, step=step, advanced=True,
        tooltip=f"Leave out faces {which}.",
    )  # fmt: skip


def _place(name: str, how: str) -> io.Input:
    return io.Float.Input(
        name, display_name=name.replace("_", " "), default=0.5, min=0.0, max=1.0, step=0.01, advanced=True,
        tooltip=f"For the order nearest_to_point: {how}.",
    )  # fmt: skip


def choice_options(
    indices: str, order: str, max_faces: int, min_size: int, max_size: int, min_share: float, max_share: float,
    min_score: float, min_quality: float, max_quality: float, point_x: float, point_y: float,
) -> SelectOptions:  # fmt: skip
    from ..gpen_core.faces.selection import SelectOptions

    return SelectOptions(
        order, max_faces, min_size, max_size, min_share, max_share, min_score, min_quality, max_quality, indices,
        (point_x, point_y),
    )  # fmt: skip
