"""The generator's inputs: styles from seeds, and features from seeds or from a face.

Each image has its own ``torch.Generator`` on the CPU, which draws z and then the features, level by level. So an image does
not depend on the rest of its batch, and on the device only by rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..checkpoints import GpenModel
from ..errors import ImageError, OptionError
from ..imaging.warp import resize_filtered

Features = list[
    tuple[Tensor, Tensor]
]  # for each resolution level from 4×4 up, the maps of its two layers, [N, C, r, r]

_MEAN_OF = 4096  # samples of z for the mean w, as in StyleGAN2's published tools
_MEAN_SEED = 0


def draw_styles(model: GpenModel, seeds: Sequence[int]) -> Tensor:
    """The styles w [N, style_dim] float32 of each seed's z ~ N(0, 1), on the model's device."""
    return _mapped(model, torch.stack([_start(model, seed)[0] for seed in seeds]))


def mean_style(model: GpenModel) -> Tensor:
    """The mean style w [1, style_dim] float32 over a fixed set of a few thousand z."""
    z = torch.randn(_MEAN_OF, model.config.style_dim, generator=torch.Generator().manual_seed(_MEAN_SEED))
    return _mapped(model, z).double().mean(0, keepdim=True).float()


def draw_features(model: GpenModel, seed: int, of_face: Features) -> Features:
    """The features of one image.

    Args:
        model: The model.
        seed: Seed of the noise.
        of_face: A face's features from ``face_features``, or an empty list. Levels above them are N(0, 1) noise.
    """
    _, generator = _start(model, seed)
    return of_face + model.network.noise_features(_like(model).new_empty(1), generator, start=len(of_face))


def joined(pictures: Sequence[Features], count: int) -> Features:
    """Batch the features of ``count`` images, or repeat those of a single one ``count`` times."""
    if len(pictures) == 1:
        return [(first.expand(count, -1, -1, -1), second.expand(count, -1, -1, -1)) for first, second in pictures[0]]
    return [
        (torch.cat([pair[0] for pair in level]), torch.cat([pair[1] for pair in level])) for level in zip(*pictures)
    ]


def face_features(model: GpenModel, face: Tensor) -> Features:
    """The encoder's features of a face.

    Args:
        model: The model.
        face: [3 or more, side, side] RGB in [0, 1], aligned, any size; channels after the third are ignored.

    Raises:
        ImageError: The face is not square.
        OptionError: The network has no encoder features.
    """
    if face.dim() != 3 or len(face) < 3 or face.shape[1] != face.shape[2] or 0 in face.shape:
        raise ImageError(f"an aligned face must be [3 or more, side, side], square, not {list(face.shape)}")
    size = model.config.input_size
    picture = face[None, :3].float()
    if picture.shape[-1] != size:
        picture = resize_filtered(picture, (size, size), "bicubic").clamp(0, 1)
    _, features = model.network.encode((picture if model.task.unshifted else picture * 2 - 1).to(_like(model)))
    if not features:
        raise OptionError(f"{model.name} takes no features from an image: sample from it without a face")
    return [(feature, feature) for feature in features]


def _start(model: GpenModel, seed: int) -> tuple[Tensor, torch.Generator]:
    """A seed's z [style_dim], and the generator that drew it, ready for the features."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(model.config.style_dim, generator=generator), generator


def _mapped(model: GpenModel, z: Tensor) -> Tensor:
    w: Tensor = model.network.generator.style(z.to(_like(model)))
    return w.float()


def _like(model: GpenModel) -> Tensor:
    """A tensor of the model's device and precision."""
    return next(model.module.parameters())
