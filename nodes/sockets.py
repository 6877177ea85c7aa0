"""Inputs and outputs shared by several nodes that are connected, not set: they have the same name and tooltip everywhere."""

from __future__ import annotations

from comfy_api.latest import io

from .host.networks import DetectorIO, FacesIO, ParserIO, RegionsIO


def protected_output() -> io.Output:
    return io.Mask.Output(
        "protected", display_name="protected",
        tooltip="White where the original was kept in a face, at the size of the input images.",
    )  # fmt: skip


def detector() -> io.Input:
    return DetectorIO.Input(
        "detector",
        optional=True,
        tooltip="If not connected, the best installed detector is loaded on every run. Connect a loader to keep it in memory.",
    )


def chosen_faces() -> io.Input:
    return FacesIO.Input(
        "faces",
        optional=True,
        tooltip="Restore only these faces, from Select Faces or Detect Faces. If not connected, all faces are detected.",
    )


def parser() -> io.Input:
    return ParserIO.Input("parser", optional=True, tooltip="If not connected, a soft oval mask is used.")


def face_regions() -> io.Input:
    return RegionsIO.Input(
        "regions",
        optional=True,
        tooltip="Output of Regions of a Face. If not connected, the whole face is restored.",
    )


def background() -> io.Input:
    return io.Image.Input(
        "background",
        optional=True,
        tooltip="The same image, already upscaled to any size. Faces are then pasted into this image, and scale is ignored.",
    )
