"""A network and what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..engines.rows import FastGpen, runs_fast
from ..errors import RestorationError
from ..model import Gpen, GpenConfig
from ..tasks import Task

Network = Callable[[Tensor, torch.Generator | None], Tensor]  # pictures [N, 3, S, S] in [-1, 1], noise → [N, 3, S', S']


@dataclass(frozen=True, eq=False)
class GpenModel:
    """A network and what is known of it.

    ``module`` maps [N, 3, S, S] in [-1, 1] to [N, 3, S', S'], nominally in [-1, 1]. Calling the model itself maps
    crops in [0, 1] to crops in [0, 1], float32, on the module's device and in its precision; RestorationError where the
    result is not finite.
    """

    config: GpenConfig
    module: Gpen
    task: Task
    name: str

    def __call__(self, crops: Tensor, noise: torch.Generator | None = None) -> Tensor:
        """crops: [N, 3, S, S] RGB in [0, 1] → [N, 3, S', S'] RGB in [0, 1], float32, clamped."""
        if runs_fast(self.module):
            return self._fast.around(lambda: self.by(self._fast, crops, noise))
        self._fast.forget()  # of a module that has moved to a GPU
        return self.by(self.module, crops, noise)

    @torch.inference_mode()
    def by(self, network: Network, crops: Tensor, noise: torch.Generator | None = None) -> Tensor:
        """The same by another way through the module, ``network``."""
        self.module.check_pictures(crops)
        where = next(self.module.parameters())
        on_cpu = where.device.type == "cpu"  # where oneDNN's convolutions of wide maps are twice as fast with
        layout = torch.channels_last if on_cpu else torch.preserve_format
        pictures = crops.to(where.device, where.dtype, copy=True, memory_format=layout)
        if not self.task.unshifted:
            pictures.mul_(2).sub_(1)
        restored = network(pictures, noise).float()
        if not torch.isfinite(restored.sum()):  # before the clamp, which would turn infinity into white
            raise RestorationError(
                f"{self.name} yielded NaN or infinity. In half precision, try float32; otherwise the weights are damaged."
            )
        return restored.add_(1).div_(2).clamp_(0, 1)  # in place: at 2048 px each copy is 50 MB

    @cached_property
    def _fast(self) -> FastGpen:
        return FastGpen(self.module)
