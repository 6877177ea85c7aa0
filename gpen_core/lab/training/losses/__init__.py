"""What training minimises: small named objects with a weight, and the adversarial terms."""

from .adversarial import Lazy, Logits, PathLength, discriminator_loss, feature_matching, generator_loss, r1_penalty
from .base import LossConfig, PictureLoss, WeightFinder
from .build import LOSS_KINDS, build_picture_losses

__all__ = [
    "LOSS_KINDS",
    "Lazy",
    "Logits",
    "LossConfig",
    "PathLength",
    "PictureLoss",
    "WeightFinder",
    "build_picture_losses",
    "discriminator_loss",
    "feature_matching",
    "generator_loss",
    "r1_penalty",
]
