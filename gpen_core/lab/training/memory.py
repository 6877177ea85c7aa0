"""How much memory a phase needs, worked out on the meta device, where tensors have shapes and no content."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .config import TrainConfig
from .learner import AnyDiscriminator
from .losses import PathLength
from .optimizers import freeze_still
from .samples import Batch
from .stages import PriorStage, RestoreStage
from .start import empty_networks
from .terms import TermMaker

_ADAM = 4  # numbers for each weight: itself, its gradient and Adam's two moments
_FLOAT32 = 4  # bytes
_GIB = 1 << 30

Run = Callable[[Batch], Tensor]  # to what is minimised


@dataclass(frozen=True)
class Memory:
    """Bytes, in float32. ``fixed``: weights, gradients, moments and the average, whatever the batch. ``terms``: what each
    sample adds to the peak, by part of a step (one after the other, so that the largest counts). Mixed precision needs
    less; workspaces of convolutions, and networks that losses look through, come on top."""

    fixed: int
    terms: dict[str, int]

    @property
    def per_sample(self) -> int:
        return max(self.terms.values())

    def text(self) -> str:
        terms = ", ".join(f"{name} {size / _GIB:.2f}" for name, size in self.terms.items())
        return f"{self.per_sample / _GIB:.2f} GiB a sample ({terms}) and {self.fixed / _GIB:.2f} GiB whatever the batch"


def memory_of(config: TrainConfig, size: int) -> Memory:
    """Of a phase of this size. Takes seconds, and next to no memory itself."""
    with torch.device("meta"):
        network, discriminator = empty_networks(config, size)
    network.train().checkpointing = config.checkpointing
    freeze_still(network, config.optimizer, prior=config.stage == "prior")
    numbers = sum(
        parameter.numel() * (_ADAM + 1 if parameter.requires_grad else 2) for parameter in network.parameters()
    )  # with the average's; what does not learn has no gradient and no moments
    if discriminator is not None:
        discriminator.checkpointing = config.checkpointing
        numbers += _numbers(discriminator) * _ADAM
    return Memory(
        _FLOAT32 * numbers, {name: _added(run, network) for name, run in _runs(config, network, discriminator)}
    )


def _runs(config: TrainConfig, network: Any, discriminator: AnyDiscriminator | None) -> Iterator[tuple[str, Run]]:
    """The parts of a step."""
    stage = PriorStage() if config.stage == "prior" else RestoreStage()
    maker = TermMaker(config, stage, (), lambda mean: mean, torch.device("cpu"))

    def total(terms: Any) -> Tensor:
        return torch.stack([value for _, value in terms.values()]).sum()

    if discriminator is None:
        yield "generator", lambda batch: network(batch.low).sum()
        return
    discriminator.requires_grad_(False)
    yield "generator", lambda batch: total(maker.generator(network, discriminator, batch))
    if config.adversarial.path_length > 0:
        path = PathLength(shrink=1)
        yield "path length", lambda batch: total(maker.path_length(network, path, batch))
    discriminator.requires_grad_(True)
    yield "discriminator", lambda batch: total(maker.discriminator(network, discriminator, batch))
    if config.adversarial.r1 > 0:
        yield "R1", lambda batch: total(maker.r1(discriminator, batch))


def _added(run: Run, network: Any) -> int:
    """What the second sample adds to the peak of the first."""
    return _peak(run, network, 2) - _peak(run, network, 1)


def _peak(run: Run, network: Any, count: int) -> int:
    sizes = network.config.input_size, network.config.output_size
    low, target = (torch.empty(count, 3, size, size, device="meta") for size in sizes)
    with _Watermark() as watermark:
        run(Batch(low, target, tuple(range(count)))).backward()
    network.zero_grad(set_to_none=True)
    return watermark.highest + low.nbytes + target.nbytes


def _numbers(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


class _Watermark(TorchDispatchMode):
    """The most bytes that tensors on the meta device, made while this is entered, have held at one time."""

    def __init__(self) -> None:
        super().__init__()
        self.highest = self._now = 0
        self._living: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor) and tensor.device.type == "meta":
                self._count(tensor.untyped_storage())
        return out

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._living:
            return

        def gone(reference: Any) -> None:
            self._now -= size
            del self._living[key]

        self._living[key] = weakref.ref(storage, gone)
        self._now += size
        self.highest = max(self.highest, self._now)
