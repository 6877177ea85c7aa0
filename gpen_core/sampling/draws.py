"""What the generator is fed: styles from seeds, and features from seeds or from a face.

Every picture's numbers come from a ``torch.Generator`` of its own on the CPU: z first, its features after, level by level.
So a picture is the same with whatever others it is made, in whatever batches, on whatever device (up to rounding).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..checkpoints import GpenModel
from ..errors import ImageError, OptionError
from ..imaging.warp import resize_filtered

Features = list[tuple[Tensor, Tensor]]  # for each level from 4×4 up, the maps of both its layers, [N, C, r, r]

_MEAN_OF = 4096  # z for the mean w: what StyleGAN2's published tools take
_MEAN_SEED = 0


def draw_styles(model: GpenModel, seeds: Sequence[int]) -> Tensor:
    """w of each seed's z ~ N(0, 1). [N, style_dim] float32, on the model's device."""
    return _mapped(model, torch.stack([_start(model, seed)[0] for seed in seeds]))


def mean_style(model: GpenModel) -> Tensor:
    """The mean w of a few thousand z, always the same ones. [1, style_dim] float32"""
    z = torch.randn(_MEAN_OF, model.config.style_dim, generator=torch.Generator().manual_seed(_MEAN_SEED))
    return _mapped(model, z).double().mean(0, keepdim=True).float()


def draw_features(model: GpenModel, seed: int, of_face: Features) -> Features:
    """One picture's features: those of a face, where there are any, and N(0, 1) at every level above them."""
    _, generator = _start(model, seed)
    return of_face + model.module.noise_features(_like(model).new_empty(1), generator, start=len(of_face))


def joined(pictures: Sequence[Features], count: int) -> Features:
    """The features of a batch of ``count``: of as many pictures each its own, or of one picture for all."""
    if len(pictures) == 1:
        return [(first.expand(count, -1, -1, -1), second.expand(count, -1, -1, -1)) for first, second in pictures[0]]
    return [
        (torch.cat([pair[0] for pair in level]), torch.cat([pair[1] for pair in level])) for level in zip(*pictures)
    ]


def face_features(model: GpenModel, face: Tensor) -> Features:
    """The encoder's features of an aligned face: [3 or more, side, side] RGB(…) in [0, 1], of any size.

    Raises ImageError where it is not square, and OptionError where the network takes no features.
    """
    if face.dim() != 3 or len(face) < 3 or face.shape[1] != face.shape[2] or 0 in face.shape:
        raise ImageError(f"an aligned face must be [3 or more, side, side], square, not {list(face.shape)}")
    size = model.config.input_size
    picture = face[None, :3].float()
    if picture.shape[-1] != size:
        picture = resize_filtered(picture, (size, size), "bicubic").clamp(0, 1)
    _, features = model.module.encode((picture if model.task.unshifted else picture * 2 - 1).to(_like(model)))
    if not features:
        raise OptionError(f"{model.name} takes no features from a picture: sample from it without a face")
    return [(feature, feature) for feature in features]


def _start(model: GpenModel, seed: int) -> tuple[Tensor, torch.Generator]:
    """A seed's z [style_dim], and the generator that drew it, ready for the features."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(model.config.style_dim, generator=generator), generator


def _mapped(model: GpenModel, z: Tensor) -> Tensor:
    w: Tensor = model.module.generator.style(z.to(_like(model)))
    return w.float()


def _like(model: GpenModel) -> Tensor:
    """A tensor of the model's device and precision."""
    return next(model.module.parameters())
