"""Make faces from random noise."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from comfy_api.latest import io
from torch import Tensor

from ..gpen_core.errors import ImageError
from ..gpen_core.sampling.options import LARGEST_SEED, SampleOptions
from .host.images import to_frames, to_image
from .host.networks import FacesIO, GpenModelIO, ManagedModel
from .host.progress import node_hooks
from .loaders import CATEGORY

if TYPE_CHECKING:
    from ..gpen_core.checkpoints import GpenModel
    from ..gpen_core.types import Face


class SampleFaces(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        defaults = SampleOptions()
        return io.Schema(
            node_id="GPEN_SampleFaces",
            display_name="Sample Faces (GPEN)",
            category=CATEGORY,
            description="Makes faces from random noise, each from its own seed, or a strip from one seed to another. A model "
            "trained for restoration alone need not give faces: it knows noise only where it was trained with noise.",
            search_aliases=["generate faces", "random faces", "stylegan", "truncation", "interpolation", "gpen"],
            inputs=[
                GpenModelIO.Input("model", tooltip="From Load GPEN Model. Best one whose generator was trained on noise."),
                io.Int.Input(
                    "seed", default=0, min=0, max=LARGEST_SEED, control_after_generate=True,
                    tooltip="Of the first picture; the others take the next ones. A seed is the same picture in any batch.",
                ),
                io.Int.Input("count", default=4, min=1, max=256, tooltip="How many pictures; those of a strip, with strip on."),
                io.Float.Input(
                    "truncation", default=defaults.truncation, min=0.0, max=1.0, step=0.01,
                    tooltip="1: as the seed falls. 0: the mean style for every seed. Between: likelier faces, less various.",
                ),
                io.Boolean.Input(
                    "strip", default=False,
                    tooltip="Go from seed to end seed in even steps, instead of taking one seed after the other.",
                ),
                io.Int.Input(
                    "end_seed", display_name="end seed", default=1, min=0, max=LARGEST_SEED,
                    tooltip="Where a strip ends. Without strip it has no say.",
                ),
                io.Int.Input(
                    "batch_size", display_name="batch size", default=0, min=0, max=64, advanced=True,
                    tooltip="Pictures that go through the network at a time. 0 chooses by the model's size.",
                ),
                io.Image.Input(
                    "image", optional=True,
                    tooltip="Takes the structure from a face instead of noise, and only the style from the seed. An aligned, "
                    "square face, or any picture with faces connected too. Of a batch, the first.",
                ),
                FacesIO.Input(
                    "faces", optional=True, tooltip="From Detect Faces, found in the image: the first is aligned and taken."
                ),
            ],
            outputs=[
                io.Image.Output(
                    "image", display_name="image", tooltip="The faces, one picture each, in the model's full resolution."
                )
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, model: ManagedModel, seed: int, count: int, truncation: float, strip: bool, end_seed: int, batch_size: int,
        image: Tensor | None = None, faces: Sequence[Face] | None = None,
    ) -> io.NodeOutput:  # fmt: skip
        from ..gpen_core.sampling import sample_faces, sampling_bytes

        options = SampleOptions(seed, count, truncation, end_seed if strip else None, batch_size=batch_size)
        face = _face(model.model, image, faces)
        model.to_device(sampling_bytes(model.model, options))
        pictures = list(sample_faces(model.model, options, face=face, hooks=node_hooks()))
        return io.NodeOutput(to_image(torch.stack(pictures)))


def _face(model: GpenModel, image: Tensor | None, faces: Sequence[Face] | None) -> Tensor | None:
    """The aligned face [3 or more, side, side] that gives its structure, if any. Raises ImageError."""
    from ..gpen_core.faces.alignment import align_face
    from ..gpen_core.geometry import size_of
    from ..gpen_core.pipeline.frames import check_faces_of

    if image is None and faces is None:
        return None
    if image is None:
        raise ImageError("faces are connected, but no image: connect the picture in which they were found.")
    frames = to_frames(image)
    choice = frames if faces is None else faces
    if len(choice) > 1:
        logging.info("GPEN: %d are connected, the structure is that of the first.", len(choice))
    if faces is None:
        height, width = size_of(frames)
        if height != width:
            raise ImageError(
                f"the image is {width}×{height}, not an aligned face: connect faces from Detect Faces too."
            )
        return frames[0]
    if not faces:
        raise ImageError("no face was found in the image: connect another picture, or none.")
    check_faces_of(frames, faces)
    return align_face(frames[faces[0].frame], faces[0], model.config.input_size, model.task.template).pixels
