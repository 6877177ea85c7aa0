"""How pictures lie in memory while a detector looks at them."""

from __future__ import annotations

import torch


def fast_format(device: torch.device) -> torch.memory_format:
    """The layout of [N, C, H, W] in which the detectors' layers are fastest. All layers after the first keep it.

    On a CPU that is channels last: torch's convolutions of few channels take half the time or less there, and its pools a
    thirtieth.
    """
    return torch.channels_last if device.type == "cpu" else torch.contiguous_format
