"""The networks, and the discriminators that training sets against them.

An encoder before a StyleGAN2-like generator, in two families of interchangeable parts (``GpenConfig``).
"""

from .config import GpenConfig
from .discriminator import Discriminator, build_discriminator
from .discriminator_config import DiscriminatorConfig
from .gpen import Gpen
from .growing import grow
from .layout import Layer, layers_of, maps_of
from .patch import PatchDiscriminator

__all__ = [
    "Discriminator",
    "DiscriminatorConfig",
    "Gpen",
    "GpenConfig",
    "Layer",
    "PatchDiscriminator",
    "build_discriminator",
    "grow",
    "layers_of",
    "maps_of",
]
