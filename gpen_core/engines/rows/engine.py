"""Rows as an engine."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...model import Gpen, GpenConfig
from ..base import CPU_PIXELS_AT_ONCE, Network, largest_batch
from .memory import working_bytes
from .network import FastGpen
from .rows import Blocking


@dataclass(frozen=True)
class RowsEngine:
    """Networks of the published family on a CPU: large maps made in blocks of rows that stay in its cache."""

    blocking: Blocking = Blocking()

    @property
    def name(self) -> str:
        """For people."""
        return "rows"

    def can_run(self, config: GpenConfig, device: torch.device, dtype: torch.dtype) -> bool:
        """Networks of the published family, on a CPU."""
        return config.family == "published" and device.type == "cpu"

    def working_bytes(self, config: GpenConfig, batch: int, dtype: torch.dtype) -> int:
        """Whole maps of the small levels and blocks of the large ones."""
        return working_bytes(config, batch, dtype.itemsize, self.blocking)

    def faces_at_once(self, config: GpenConfig, dtype: torch.dtype, budget: int | None = None) -> int:
        """As many as have the pixels that fill the device."""
        return largest_batch(self, config, dtype, max(1, CPU_PIXELS_AT_ONCE // config.output_size**2), budget)

    def layout(self) -> torch.memory_format:
        """Channels last, as oneDNN's convolutions of wide maps like it."""
        return torch.channels_last

    def bind(self, network: Gpen) -> Network:
        """A ``FastGpen`` of it, which remembers what follows from the weights."""
        return FastGpen(network, self.blocking)
