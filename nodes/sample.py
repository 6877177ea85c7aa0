"""Generate faces from random noise."""

from __future__ import annotations

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
from .host.status import NodeStatus, sent_again
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
            **sent_again(),
            display_name="Sample Faces (GPEN)",
            category=CATEGORY,
            description="Generates faces from random noise: one per seed, or an interpolation between two seeds. Use a model "
            "whose generator was trained on noise; restoration-only models may not produce recognizable faces.",
            search_aliases=["generate faces", "random faces", "stylegan", "truncation", "interpolation", "gpen"],
            inputs=[
                GpenModelIO.Input(
                    "model", tooltip="Output of Load GPEN Model, ideally a model whose generator was trained on noise."
                ),
                io.Int.Input(
                    "seed", default=0, min=0, max=LARGEST_SEED, control_after_generate=True,
                    tooltip="Seed of the first image; the next ones use seed + 1, seed + 2, … "
                    "A seed gives the same face in any batch.",
                ),
                io.Int.Input("count", default=4, min=1, max=256, tooltip="Number of images, or of interpolation steps."),
                io.Float.Input(
                    "truncation", default=defaults.truncation, min=0.0, max=1.0, step=0.01,
                    tooltip="1 = full variety, 0 = average face; lower values look more typical.",
                ),
                io.Boolean.Input(
                    "interpolate", default=False,
                    tooltip="Interpolate from seed to end seed in equal steps instead of using consecutive seeds.",
                ),
                io.Int.Input(
                    "end_seed", display_name="end seed", default=1, min=0, max=LARGEST_SEED,
                    tooltip="Last seed of the interpolation. Ignored unless interpolate is on.",
                ),
                io.Int.Input(
                    "batch_size", display_name="batch size", default=0, min=0, max=64, advanced=True,
                    tooltip="Images generated at once. 0 = automatic.",
                ),
                io.Image.Input(
                    "image", optional=True,
                    tooltip="Use this face for the structure; the seed then changes only the style. Connect an aligned square "
                    "face, or any image together with faces. Only the first image of a batch is used.",
                ),
                FacesIO.Input(
                    "faces", optional=True, tooltip="Output of Detect Faces for this image: the first usable face is aligned."
                ),
            ],
            outputs=[
                io.Image.Output(
                    "image", display_name="image", tooltip="The generated faces at the model's full resolution, one image each."
                )
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, model: ManagedModel, seed: int, count: int, truncation: float, interpolate: bool, end_seed: int, batch_size: int,
        image: Tensor | None = None, faces: Sequence[Face] | None = None,
    ) -> io.NodeOutput:  # fmt: skip
        from ..gpen_core.sampling import sample_faces, sampling_bytes

        options = SampleOptions(seed, count, truncation, end_seed if interpolate else None, batch_size=batch_size)
        status = NodeStatus()
        face = _face(model.model, image, faces, status)
        model.to_device(sampling_bytes(model.model, options))
        pictures = list(sample_faces(model.model, options, face=face, hooks=node_hooks(shares={"sample": 1.0})))
        return io.NodeOutput(to_image(torch.stack(pictures)), ui=status.warnings())


def _face(model: GpenModel, image: Tensor | None, faces: Sequence[Face] | None, status: NodeStatus) -> Tensor | None:
    """The aligned face [3 or more, side, side] that provides the structure, if any. Raises ImageError."""
    from ..gpen_core.faces.alignment import align_face
    from ..gpen_core.geometry import size_of
    from ..gpen_core.imaging.numbers import is_finite
    from ..gpen_core.pipeline.frames import check_faces_of, notice_another_picture
    from ..gpen_core.pipeline.workable import check_any_finite, first_workable

    if image is None and faces is None:
        return None
    if image is None:
        raise ImageError("faces is connected but image is not: connect the image in which the faces were detected.")
    frames = to_frames(image, status)
    if faces is None:
        if len(frames) > 1:
            status.warn(f"{len(frames)} images are connected; only the first is used.")
        height, width = size_of(frames)
        if height != width:
            raise ImageError(
                f"the image is {width}×{height}, not a square aligned face: connect faces from Detect Faces as well."
            )
        check_any_finite(1, [] if is_finite(frames[0]) else [0], status.warn)
        return frames[0]
    if not faces:
        raise ImageError("no face was found in the image: connect a different image, or disconnect it.")
    check_faces_of(frames, faces)
    size, template = model.config.input_size, model.task.template
    face = first_workable(frames, faces, size, template, status.warn)
    if len(faces) > 1:
        status.warn(f"{len(faces)} faces are connected; only {'the first' if face is faces[0] else 'one'} is used.")
    notice_another_picture(frames, [face], status.warn)
    return align_face(frames[face.frame], face, size, template).pixels
