"""The average of the weights, which is what is shown, measured and kept (StyleGAN's G_ema)."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def averaged(network: Network) -> Network:
    """A copy to average into."""
    return copy.deepcopy(network).requires_grad_(False).eval()


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, pictures: int, half_life: float, seen: int) -> None:
    """Move the average towards the network. ``half_life``: thousands of pictures after which old weights count half;
    early on, a tenth of the pictures ``seen`` so far, or the average would remember the random start."""
    life = min(half_life * 1000, max(seen, pictures) / 10)
    decay = 0.5 ** (pictures / life)
    means: list[Tensor] = list(average.parameters())
    values = [value.detach() for value in network.parameters()]
    torch._foreach_lerp_(means, values, 1 - decay)
    for mean, value in zip(average.buffers(), network.buffers()):
        mean.copy_(value)  # FIR kernels, running statistics
