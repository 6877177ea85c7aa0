"""The published network: a U-shaped encoder whose features take the place of a StyleGAN2 generator's noise."""

from .config import DiscriminatorConfig, GpenConfig
from .discriminator import Discriminator
from .gpen import Gpen

__all__ = ["Discriminator", "DiscriminatorConfig", "Gpen", "GpenConfig"]
