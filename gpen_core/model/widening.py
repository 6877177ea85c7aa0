"""A wider network out of a trained one, that begins exactly where that one is."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from ..errors import OptionError
from .config import GpenConfig
from .gpen import Gpen
from .layout import layers_of


@torch.no_grad()
def widen(small: Gpen, config: GpenConfig) -> Gpen:
    """A new network of ``config``, like ``small`` but with at least as many channels everywhere, and the same output.

    New channels are random (torch's global generator); nothing looks at them yet, since the weights on them begin at zero
    (Net2Net, Chen et al. 2016, has copies instead, which learn the same as their originals). Equalised weights are
    rescaled for their new number of inputs. Raises OptionError where ``config`` differs in more than wider channels.
    """
    _check(small.config, config)
    like = next(small.parameters())
    big = Gpen(config).to(like.device, like.dtype)
    new, axes = dict(big.named_parameters()), _concatenated_axes(config)
    for name, old in small.named_parameters():
        if name == "final_linear.0.weight":
            _widen_linear(new[name], old)
        else:
            _widen(new[name], old, axes.get(name), filters=old.dim() >= 4 and name.endswith(".weight"))
    return big.train(small.training)


def _check(old: GpenConfig, new: GpenConfig) -> None:
    wider = len(old.channels) == len(new.channels) and all(a <= b for a, b in zip(old.channels, new.channels))
    if replace(old, channels=new.channels) != new or not wider or old.family != "published":
        raise OptionError(
            f"{new} is not {old} with wider channels; only networks of the published family can be widened"
        )


def _concatenated_axes(config: GpenConfig) -> dict[str, int]:
    """Of each parameter, the axis along which the generator's own channels and then the features' are laid out."""
    layers, axes = layers_of(config), {}
    styled = {layer.name for layer in layers if layer.kind == "styled" and config.concatenate}
    for layer in layers:
        if layer.name in styled:
            axes[f"{layer.name}.activate.bias"] = 0
        if styled.intersection(layer.reads):
            axes |= {
                layer.weight: 2,
                f"{layer.name}.conv.modulation.weight": 0,
                f"{layer.name}.conv.modulation.bias": 0,
            }
    return axes


def _widen(new: Tensor, old: Tensor, concatenated: int | None, *, filters: bool) -> None:
    """Old numbers where they belong in ``new``; zero where an old filter would see a new channel."""
    if new.shape == old.shape:
        new.copy_(old)
        return
    places = [
        _places(axis == concatenated, before, after) for axis, (before, after) in enumerate(zip(old.shape, new.shape))
    ]
    if filters:
        inputs = old.dim() - 3  # of [(1,) out, in, k, k]
        rows = places[inputs - 1]
        new.index_fill_(inputs - 1, rows, 0.0)
        old = old * math.sqrt(new.shape[inputs] / old.shape[inputs])  # equalised: used as weight / √inputs
    new[torch.meshgrid(*places, indexing="ij")] = old


def _widen_linear(new: Tensor, old: Tensor) -> None:
    """[style, C·4·4], channel first."""
    gain = math.sqrt(new.shape[1] / old.shape[1])
    new.zero_()
    new[:, : old.shape[1]] = old * gain


def _places(concatenated: bool, before: int, after: int) -> Tensor:
    if not concatenated:
        return torch.arange(before)
    half = torch.arange(before // 2)
    return torch.cat((half, half + after // 2))
