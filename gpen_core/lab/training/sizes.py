"""The networks of a run's smaller phases."""

from __future__ import annotations

from dataclasses import replace

from ...model import DiscriminatorConfig, GpenConfig


def sized(config: GpenConfig, size: int) -> GpenConfig:
    """The network of a smaller phase: the same widths, fewer octaves."""
    octaves = (config.input_size // size).bit_length() - 1
    if octaves == 0:
        return config
    return replace(
        config, input_size=size, output_size=config.output_size >> octaves, channels=config.channels[:-octaves]
    )


def sized_discriminator(config: DiscriminatorConfig, size: int) -> DiscriminatorConfig:
    """The discriminator of pictures of ``size``."""
    if config.kind == "patch":
        return replace(config, size=size, smallest=min(config.smallest, size))
    return replace(config, size=size, channels=config.channels[: size.bit_length() - 2])
