"""A GPU on any machine: fake CUDA tensors, which have shapes, dtypes and devices and no memory.

What runs under ``FakeCuda`` is the real code with real operators; only the numbers are missing. Operators refuse tensors on
different devices as a GPU would, reading a number (``.item()``, ``bool(tensor)``, ``nonzero``) raises, and every storage's
life is followed, so that the peak of live bytes is known to the byte. cuDNN's workspaces are counted as they were seen on
an H100, operator by operator: its convolutions want channels last, and hold a copy of their input and of their result in
that layout. Depthwise ones have none.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# Operators that make the host wait for the GPU, beside those that read a number, which raise by themselves.
_SYNCHRONIZING = (
    "aten::nonzero",
    "aten::_local_scalar_dense",
    "aten::is_nonzero",
    "aten::masked_select",
    "aten::equal",
)


_CONVOLUTIONS = ("aten::conv2d", "aten::conv_transpose2d", "aten::convolution", "aten::cudnn_convolution")


class StorageCounter(TorchDispatchMode):
    """Counts the bytes of live storages that operators have made since the mode began, on devices of type ``device``.

    On "meta", the same operators run without ``FakeCuda``, several times as fast: what they hold is the same, and no more is
    known of whether the host waits.
    """

    def __init__(self, device: str = "cuda") -> None:
        super().__init__()
        self._device = device
        self.peak = 0
        self.peak_at = ""
        self.waits: list[str] = []
        self._live: dict[int, tuple[StorageWeakRef, int]] = {}
        self._known: set[int] = set()

    def leave_out(self, *tensors: Tensor) -> None:
        """Storages that were there before, such as the weights': they count for nothing."""
        self._known |= {tensor.untyped_storage()._cdata for tensor in tensors}

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func._schema.name  # type: ignore[attr-defined]
        moved = [leaf.device.type for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        tensors = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        if name in _SYNCHRONIZING or (self._device in moved and any(tensor.device.type == "cpu" for tensor in tensors)):
            self.waits.append(name)
        for tensor in tensors:
            storage = tensor.untyped_storage()
            if tensor.device.type == self._device and storage._cdata not in self._known:
                self._live.setdefault(storage._cdata, (StorageWeakRef(storage), storage.nbytes()))
        self._live = {key: entry for key, entry in self._live.items() if not entry[0].expired()}
        now = self.live + (_workspace(args, tensors, self._device) if name in _CONVOLUTIONS else 0)
        if now > self.peak:
            self.peak, self.peak_at = now, f"{name} → {[list(tensor.shape) for tensor in tensors]}"
        return result

    @property
    def live(self) -> int:
        """Bytes that are held now."""
        return sum(size for _, size in self._live.values())


def _workspace(args: tuple[Any, ...], results: list[Tensor], device: str) -> int:
    """Of a convolution, in bytes; args: input, weight, …"""
    picture, weight = args[:2]
    depthwise = weight.shape[1] == 1 and picture.shape[1] > 1
    if depthwise or picture.device.type != device:
        return 0
    return sum(tensor.numel() * tensor.element_size() for tensor in (picture, *results))


class FakeCuda(ExitStack):
    """``with FakeCuda() as gpu:`` tensors made inside for the device "cuda" are fake; ``gpu.counting()`` counts them."""

    def __enter__(self) -> FakeCuda:
        super().__enter__()
        self.mode = self.enter_context(FakeTensorMode())
        return self

    def module(self, make: Callable[[], nn.Module], dtype: torch.dtype) -> nn.Module:
        """What ``make`` builds, on the fake GPU in ``dtype``, ready for inference."""
        with torch.device("cuda"):
            module = make().requires_grad_(False).eval()
        for part in module.modules():  # by hand: Module.to can't swap fake parameters
            for name, value in part._parameters.items():
                part._parameters[name] = None if value is None else nn.Parameter(value.to(dtype), requires_grad=False)
            for name, value in part._buffers.items():
                part._buffers[name] = None if value is None else value.to(dtype)
        return module

    def counting(self, *present: Tensor) -> StorageCounter:
        """A mode that counts what is made while it is on, ``present`` aside."""
        counter = StorageCounter()
        counter.leave_out(*present)
        return counter
