"""Regions from MediaPipe's face mesh, as ComfyUI's own landmark nodes give it (FACE_LANDMARKS)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from ..errors import OptionError
from ..geometry import apply_affine, resize_affine
from ..types import Face

_VERTICES = (468, 478)  # without and with irises
_EYE_CORNERS = ((33, 133), (362, 263))
_CONNECT = "connect the output face_landmarks of a MediaPipe node"
_NEAR = 0.5  # of the distance between the eyes: farther off, the mesh is another face's

# Vertices around each region, in order (MediaPipe's published connection sets; the nose by its bridge and wings).
OUTLINES: MappingProxyType[str, tuple[tuple[int, ...], ...]] = MappingProxyType(
    {
        "skin": (
            (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
             136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
        ),
        "brows": ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)),
        "eyes": (
            (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
            (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
        ),
        "nose": ((168, 193, 129, 64, 98, 2, 327, 294, 358, 417),),
        "mouth": ((61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185),),
    }
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """One face's mesh.

    Attributes:
        points: [468 or 478, 2] float64, (x, y) in pixels of the frame.
        image_size: (height, width) of that frame.
        frame: Its index; None where the mesh is for every frame.
    """

    points: Tensor
    image_size: tuple[int, int]
    frame: int | None = None


def read_meshes(value: Any) -> tuple[FaceMesh, ...]:
    """Read FACE_LANDMARKS.

    Args:
        value: ``{"frames": [[{"landmarks_xy": [468 or 478, 2]}, …], …], "image_size": (H, W)}``: a list of faces for each
            frame, or a single one for all frames.

    Raises:
        OptionError: The value is something else.
    """
    lists, size = read_landmarks(value)
    return tuple(
        FaceMesh(mesh_points(entry), size, index if len(lists) > 1 else None)
        for index, entries in enumerate(lists)
        for entry in entries
    )


def read_landmarks(value: Any) -> tuple[tuple[Sequence[Any], ...], tuple[int, int]]:
    """The faces of each frame of FACE_LANDMARKS, and (height, width) of the frames. Raises OptionError."""
    if not isinstance(value, Mapping) or not isinstance(value.get("frames"), list | tuple):
        raise OptionError(f"these are no face landmarks: {_CONNECT}")
    for index, entries in enumerate(value["frames"], 1):
        if not isinstance(entries, list | tuple):
            raise OptionError(f"the landmarks of image {index} are no list of faces, but {type(entries).__name__}")
    try:
        height, width = (int(side) for side in value["image_size"])
    except (KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise OptionError("the landmarks don't say the size of their image (image_size)") from error
    if min(height, width) < 1:
        raise OptionError(f"the landmarks say that their image is {width}×{height}")
    return tuple(value["frames"]), (height, width)


def mesh_points(entry: Any) -> Tensor:
    """The mesh of one face of FACE_LANDMARKS: [468 or 478, 2] float64, (x, y) in pixels. Raises OptionError."""
    given = entry.get("landmarks_xy") if isinstance(entry, Mapping) else None
    try:
        points = _as_points(given)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise OptionError(f"a face has no landmarks (landmarks_xy) that are numbers: {_CONNECT}") from error
    if points.dim() != 2 or points.shape[1] < 2:
        raise OptionError(f"the landmarks of a face (landmarks_xy) are not pairs of x and y: {_CONNECT}")
    if len(points) not in _VERTICES:
        raise OptionError(
            f"a face has {len(points)} landmarks; MediaPipe's face mesh has {_VERTICES[0]} or {_VERTICES[1]}"
        )
    return points[:, :2]


def _as_points(given: Any) -> Tensor:
    """An array, a tensor, or a list of lists, arrays or tensors → float64 on the CPU."""
    if isinstance(given, list | tuple) and not all(isinstance(point, list | tuple) for point in given):
        return torch.stack([torch.as_tensor(point, dtype=torch.float64).cpu() for point in given])
    return torch.as_tensor(given, dtype=torch.float64).cpu()


def mesh_of(face: Face, meshes: Sequence[FaceMesh]) -> Tensor | None:
    """The points [468 or 478, 2] of the mesh that lies on a face, in pixels of the frame it was found in; None without one."""
    eyes = torch.tensor(face.landmarks[:2], dtype=torch.float64)
    apart = float((eyes[1] - eyes[0]).norm())
    best, nearest = None, _NEAR * max(apart, 1e-6)
    for mesh in meshes:
        if mesh.frame not in (None, face.frame):
            continue
        points = apply_affine(resize_affine(mesh.image_size, face.image_size), mesh.points)
        theirs = torch.stack([points[list(corners)].mean(0) for corners in _EYE_CORNERS])
        distance = float((theirs - eyes).norm(dim=1).mean())
        if distance < nearest:
            best, nearest = points, distance
    return best


def shapes_from_mesh(points: Tensor, side: int) -> dict[str, Tensor]:
    """Region → [side, side] bool, of the regions that a mesh outlines. ``points``: [N, 2], in pixels of the crop."""
    return {
        region: torch.stack([inside_polygon(points[list(outline)], side) for outline in outlines]).any(0)
        for region, outlines in OUTLINES.items()
    }


def inside_polygon(corners: Tensor, side: int) -> Tensor:
    """corners: [N, 2], (x, y) in order → [side, side] bool: which pixel centers lie inside (even-odd rule)."""
    axis = torch.arange(side, dtype=corners.dtype)
    inside = torch.zeros(side, side, dtype=torch.bool)
    for (x0, y0), (x1, y1) in zip(corners.tolist(), corners.roll(-1, 0).tolist(), strict=True):
        crossed = ((axis < y0) != (axis < y1))[:, None]  # rows that this edge crosses
        if y0 != y1:
            at = x0 + (axis - y0) / (y1 - y0) * (x1 - x0)
            inside ^= crossed & (axis < at[:, None])
    return inside
