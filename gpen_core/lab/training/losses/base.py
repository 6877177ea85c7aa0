"""What a loss on pictures is, and how one is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor

from ....errors import ImageError, OptionError


class PictureLoss(Protocol):
    """How far restored pictures are from their targets, for gradient descent.

    Called with two [N, 3, S, S] RGB tensors, nominally in [-1, 1], on the loss's device; returns the unweighted value, a
    float32 scalar, differentiable through ``restored`` and only through it. Usable under ``torch.autocast``: networks run
    in the precision of the autocast, distances in float32.
    """

    @property
    def name(self) -> str: ...

    @property
    def weight(self) -> float: ...

    def __call__(self, restored: Tensor, target: Tensor) -> Tensor: ...


class WeightFinder(Protocol):
    """The path of a weight file of this name in the user's folders; None where there is none."""

    def __call__(self, name: str) -> Path | None: ...


@dataclass(frozen=True)
class LossConfig:
    """``kind`` is one of ``LOSS_KINDS``, ``weight`` its factor in the sum.

    ``file`` names the file of the network's weights where it is not one the finder knows. ``layer_weights`` are factors of
    a feature loss's layers, shallowest first, in place of its own; 0 leaves a layer out.
    """

    kind: str
    weight: float = 1.0
    file: str | None = None
    layer_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise OptionError(f"the weight of the loss '{self.kind}' is 0 or more, not {self.weight}")
        factors = self.layer_weights
        if factors is not None and not (all(math.isfinite(f) and f >= 0 for f in factors) and sum(factors) > 0):
            raise OptionError(
                f"layer_weights of the loss '{self.kind}' are 0 or more, and not all 0, not {list(factors)}"
            )


def check_pictures(restored: Tensor, target: Tensor) -> None:
    """Raise ImageError unless both are [N, 3, H, W] of one shape."""
    if restored.dim() != 4 or restored.shape[1] != 3 or restored.shape != target.shape:
        raise ImageError(
            f"a loss compares two tensors [N, 3, S, S], not {list(restored.shape)} with {list(target.shape)}"
        )
