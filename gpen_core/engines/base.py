"""What an engine is: one way to run a network, which knows where it can and what that costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from ..model import Gpen, GpenConfig

# Of results: one face of 512 px keeps the cores of a CPU busy; two or four at once gained 0 to 5 % on two cores, cost as much
# more memory, and nothing would be seen of any until all are done.
CPU_PIXELS_AT_ONCE = 512**2


class Network(Protocol):
    """What an engine makes of a network: a function."""

    def __call__(self, pictures: Tensor, noise: torch.Generator | None = None) -> Tensor:
        """Run the network.

        Args:
            pictures: [N, 3, S, S] RGB in [-1, 1], on the weights' device and in their precision.
            noise: The source of noise for levels above the encoder, of models that enlarge their input.

        Returns:
            [N, 3, S', S'] RGB, nominally in [-1, 1], not clamped.
        """
        ...


@runtime_checkable
class Threaded(Protocol):
    """A network that computes in threads of its own."""

    def around(self, job: Callable[[], Tensor]) -> Tensor:
        """Run ``job``, which calls this object, there: what it does before and after the call is then theirs, too."""
        ...


class Engine(Protocol):
    """A way to run a GPEN network on a device. Holds no weights: one instance serves any number of networks.

    ``gpen_core.engines.engine_for`` chooses one from the *target* device, before anything moves there.
    """

    @property
    def name(self) -> str:
        """For people: logs, benchmarks."""
        ...

    def can_run(self, config: GpenConfig, device: torch.device, dtype: torch.dtype) -> bool:
        """Whether it runs networks of this shape, in this precision, on this device."""
        ...

    def working_bytes(self, config: GpenConfig, batch: int, dtype: torch.dtype) -> int:
        """The most bytes that a call with ``batch`` pictures holds at a time.

        Its pictures, its result and copies that it makes of weights count; the weights themselves and a library's own
        workspaces don't.
        """
        ...

    def faces_at_once(self, config: GpenConfig, dtype: torch.dtype, budget: int | None = None) -> int:
        """A good batch: what fills the device, and no more than fits ``budget`` bytes; always one at least."""
        ...

    def layout(self) -> torch.memory_format:
        """The memory format that it likes its pictures in."""
        ...

    def bind(self, network: Gpen) -> Network:
        """The call. ``network`` may move, or its weights change, between calls."""
        ...


def largest_batch(engine: Engine, config: GpenConfig, dtype: torch.dtype, wanted: int, budget: int | None) -> int:
    """``wanted``, or as many faces as ``budget`` bytes allow: one at least."""
    while budget is not None and wanted > 1 and engine.working_bytes(config, wanted, dtype) > budget:
        wanted -= 1
    return wanted
