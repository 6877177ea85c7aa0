"""A network and what is known of it."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor

from ..engines import Engine, Network, OnnxNetwork, PlainEngine, Threaded, engine_of
from ..errors import ImageError, OptionError, RestorationError
from ..model import Gpen, GpenConfig
from ..tasks import Task

_log = logging.getLogger(__name__)


class _Once:
    """Remembers whether something has been said."""

    def __init__(self) -> None:
        self.said = False


@dataclass(frozen=True, eq=False)
class GpenModel:
    """A network, what is known of it, and the engine that runs it.

    Calling it maps crops in [0, 1] to crops in [0, 1], in the weights' precision and on their device.

    Attributes:
        config: The network's shape.
        module: The network: [N, 3, S, S] RGB in [-1, 1] → [N, 3, S', S'] RGB, nominally in [-1, 1]; both in [0, 1]
            where the task is ``unshifted``. Of an ONNX file whose weights cannot be read back, the graph.
        task: What it was trained for.
        name: What messages call it.
        engine: How it runs; ``None`` when it is made chooses by where ``module`` is then. Give ``engine_of(module, target,
            dtype)`` where the weights will move later.
    """

    config: GpenConfig
    module: Gpen | OnnxNetwork
    task: Task
    name: str
    engine: Engine = None  # type: ignore[assignment]
    _overflow: _Once = field(default_factory=_Once, repr=False)

    def __post_init__(self) -> None:
        if self.engine is None:
            object.__setattr__(self, "engine", engine_of(self.module, self.device, self.dtype))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.module.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The weights' precision."""
        return next(self.module.parameters()).dtype

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> GpenModel:
        """Move the weights, and return the model with the engine for where they are then.

        As with ``torch.nn.Module.to``, weights are moved and not copied: use the model that is returned, not this one.

        Args:
            device: Where to; None: where they are.
            dtype: The new precision; None: the same.
        """
        device, dtype = torch.device(device or self.device), dtype or self.dtype
        engine = engine_of(self.module, device, dtype)
        self.module.to(device, dtype)
        return replace(self, engine=engine)

    @property
    def network(self) -> Gpen:
        """The network, for what needs more of it than a call. Raises OptionError of a graph, whose parts cannot be had."""
        if isinstance(self.module, OnnxNetwork):
            raise OptionError(
                f"{self.name} is an ONNX graph whose weights could not be read back: it can restore, and nothing else. Use the "
                ".pth file of the same model."
            )
        return self.module

    def __call__(self, crops: Tensor, noise: torch.Generator | None = None) -> Tensor:
        """Restore aligned faces.

        Args:
            crops: [N, 3, S, S] RGB in [0, 1], aligned as ``task.template`` says, on any device. The network is shown of them
                what its task says (``Task.shown``): a colorizer, the brightness.
            noise: For models that enlarge their input, the source of the detail that they invent; None always gives the
                same.

        Returns:
            [N, 3, S', S'] RGB in [0, 1], float32, on the weights' device.

        Raises:
            ImageError: The crops are none, or of another size.
            RestorationError: The network yields NaN or infinity, in float32 too.
        """
        if not isinstance(crops, Tensor):
            raise ImageError(f"crops must be a tensor [N, 3, S, S] in [0, 1], not a {type(crops).__name__}")
        if not crops.is_floating_point():
            raise ImageError(f"crops must be floating point in [0, 1], not {crops.dtype}")
        try:
            self.module.check_pictures(crops)
        except ValueError as error:
            raise ImageError(f"the crops do not fit {self.name}: {error}") from error
        before = None if noise is None else noise.get_state()

        def restored(module: Gpen | OnnxNetwork) -> Tensor:
            if noise is not None and before is not None:
                noise.set_state(before)  # the same noise again where a batch runs twice
            network = self._network if module is self.module else PlainEngine(self.device.type).bind(cast(Gpen, module))
            return network(self._pictures(crops, module), noise)

        if isinstance(self._network, Threaded):
            return self._network.around(lambda: self.run(restored))
        return self.run(restored)

    @torch.inference_mode()
    def run(self, compute: Callable[[Any], Tensor]) -> Tensor:
        """Whatever runs the network goes through here: the check for numbers, and float32 where half precision overflows.

        Args:
            compute: Makes RGB [N, 3, S', S'], in the network's own range, with the network given to it, in the precision of
                that network's weights. Called a second time, with a float32 copy, where the first result is not finite.

        Returns:
            [N, 3, S', S'] RGB in [0, 1], float32, clamped.

        Raises:
            RestorationError: The result is not finite in float32.
        """
        result = compute(self.module).float()
        finite = _finite(result)  # before the clamp, which would turn infinity into white
        if not finite and self.dtype.itemsize < torch.float32.itemsize:
            self._say_overflow()
            result = compute(copy.deepcopy(self.module).float())
            finite = _finite(result)
        if not finite:
            raise RestorationError(
                f"{self.name} gave NaN or infinity. Its weights are damaged: download the file again."
            )
        if not self.task.unshifted:
            result.add_(1).div_(2)  # in place: at 2048 px each copy is 50 MB
        return result.clamp_(0, 1)

    def _pictures(self, crops: Tensor, module: Gpen | OnnxNetwork) -> Tensor:
        """[0, 1] → the range and the precision that the network takes, where its weights are."""
        weight = next(module.parameters())
        shown = self.task.shown(crops)
        pictures = shown.to(weight.device, weight.dtype, copy=True, memory_format=self.engine.layout())
        return pictures if self.task.unshifted else pictures.mul_(2).sub_(1)

    @cached_property
    def _network(self) -> Network:
        return self.engine.bind(cast(Gpen, self.module))  # a graph is called likewise

    def _say_overflow(self) -> None:
        if not self._overflow.said:
            self._overflow.said = True
            precision = str(self.dtype).removeprefix("torch.")
            _log.warning(
                "%s overflows in %s; such faces are restored in float32, which takes longer. Choose bfloat16 or float32 to "
                "avoid it.", self.name, precision,
            )  # fmt: skip


def _finite(result: Tensor) -> bool:
    """NaN and infinity survive a sum: one number to wait for, and no map of truths."""
    return bool(torch.isfinite(result.sum()))
