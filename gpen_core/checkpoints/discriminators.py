"""Discriminators from files: what training goes on from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..errors import CheckpointError, OptionError
from ..model import Discriminator, DiscriminatorConfig, PatchDiscriminator, build_discriminator
from ..weights.reading import read_checkpoint
from .canonicalize import discriminator_state
from .infer import check_shapes
from .load import check_finite, take_over
from .shapes import shapes_only

_PATCH_KEY = re.compile(r"scales\.(\d{1,5})\.(\d{1,2})\.0\.weight")
_BLOCK_KEY = re.compile(r"convs\.(\d{1,2})\.")
_LARGEST = 16384


def load_discriminator(path: str | Path) -> Discriminator | PatchDiscriminator:
    """Load a discriminator of either kind, ready for training: float32, on the CPU.

    Args:
        path: A training checkpoint (``{"d": …}``, published or our own) or a file of its own (GPEN-BFR-256-D). Its kind and
            size are read from the weights.

    Raises:
        CheckpointError: The file has no discriminator, or an incomplete one.
    """
    path = Path(path)
    state = discriminator_state(read_checkpoint(path).content, path.name)
    config = infer_discriminator(state, path.name)
    with shapes_only():
        network = build_discriminator(config)
    check_shapes(state, network, f"discriminator of {config.size} px", path.name)
    take_over(state, torch.float32)
    check_finite(state, path.name)
    network.load_state_dict(state, strict=True, assign=True)
    return network.requires_grad_(True).train()


def infer_discriminator(state: Mapping[str, Tensor], name: str = "state dict") -> DiscriminatorConfig:
    """``infer_discriminator(build_discriminator(config).state_dict()) == config``. Raises CheckpointError."""
    try:
        return _patch(state) if any(_PATCH_KEY.fullmatch(key) for key in state) else _stylegan2(state, name)
    except OptionError as error:
        raise CheckpointError(f"{name}: {error}. The discriminator is incomplete.") from error


def _patch(state: Mapping[str, Tensor]) -> DiscriminatorConfig:
    convolutions = {key: len(value) for key, value in state.items() if value.dim() == 4}
    found = {match.groups(): width for key, width in convolutions.items() if (match := _PATCH_KEY.fullmatch(key))}
    if not found:
        raise OptionError("no usable 'scales.N.0.0.weight'")
    sizes = [int(size) for size, _ in found]
    widths = {int(layer): width for (size, layer), width in found.items() if int(size) == min(sizes)}
    channels = tuple(widths[layer] for layer in sorted(widths)[:-1])  # the last layer makes the logits
    return DiscriminatorConfig(min(max(sizes), _LARGEST), channels, "patch", min(sizes))


def _stylegan2(state: Mapping[str, Tensor], name: str) -> DiscriminatorConfig:
    blocks = [int(match[1]) for key in state if (match := _BLOCK_KEY.match(key))]
    last = max(blocks, default=0)
    keys = ["convs.0.0.weight", *(f"convs.{block}.conv2.1.weight" for block in range(1, last + 1))]
    absent = next((key for key in keys if key not in state or state[key].dim() != 4), None)
    if last > 12 or absent is not None:  # 4 << 12 is 16,384 px
        raise CheckpointError(f"{name}: no usable '{absent or f'convs.{last}'}'. This is not a GPEN discriminator.")
    return DiscriminatorConfig(4 << last, tuple(len(state[key]) for key in reversed(keys)))
