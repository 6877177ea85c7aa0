"""A GPU on any machine, with numbers: tensors that say they are on "cuda" and are computed on the CPU.

Fake tensors have no numbers, so what decides by one (a mask's extent, a detector's scores) can't run with them. Here every
operator runs for real, after a check that a GPU would have run it, too: all its tensors are on the same device, but for
single numbers. Operators that make the host wait for the GPU are noted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

_WAITING = {"aten::_local_scalar_dense", "aten::nonzero", "aten::is_nonzero", "aten::equal", "aten::masked_select"}
_BETWEEN_DEVICES = {"aten::copy_", "aten::_to_copy", "aten::to"}
# Indices may be on the CPU (torch copies them); a matter of speed, not of correctness.
_TAKES_CPU_INDICES = {"aten::index.Tensor", "aten::index_put_", "aten::index"}


class OnGpu(Tensor):
    """A tensor that says it is on "cuda:0"; ``on_cpu`` holds its numbers."""

    on_cpu: Tensor

    @staticmethod
    def __new__(cls, real: Tensor) -> OnGpu:
        with torch.inference_mode(False):  # an ordinary tensor everywhere: wrappers can't be views of inference tensors
            made = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
                cls, real.shape, strides=real.stride(), storage_offset=real.storage_offset(), dtype=real.dtype,
                device="cuda:0",
            )  # fmt: skip
        made.on_cpu = real
        return made

    def tolist(self) -> list[Any]:
        """torch's own refuses every subclass."""
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise AssertionError(f"{func} was called outside of PretendCuda")


class PretendCuda(TorchDispatchMode):
    """While it is on, "cuda" is a device. ``waits``: the operators that a GPU's host would have waited in."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []
        self._no_driver = mock.patch("torch.cuda._lazy_init")

    def __enter__(self) -> PretendCuda:
        self._no_driver.start()
        if not torch.cuda.is_available():  # as FakeTensorMode does: a device guard that guards nothing
            torch._C._ensureCUDADeviceGuardSet()  # type: ignore[attr-defined]
        self._lifting = torch._C._only_lift_cpu_tensors()  # type: ignore[attr-defined]
        torch._C._set_only_lift_cpu_tensors(True)  # type: ignore[attr-defined] - torch.tensor(…, device="cuda") comes by here
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        torch._C._set_only_lift_cpu_tensors(self._lifting)  # type: ignore[attr-defined]
        self._no_driver.stop()

    def module(self, module: nn.Module) -> nn.Module:
        """``module`` with its weights on the GPU."""
        for part in module.modules():
            for name, value in part._parameters.items():
                part._parameters[name] = None if value is None else nn.Parameter(OnGpu(value.data), requires_grad=False)
            for name, value in part._buffers.items():
                part._buffers[name] = None if value is None else OnGpu(value)
        return module

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = func._schema.name  # type: ignore[attr-defined]
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        gpu = [tensor for tensor in tensors if isinstance(tensor, OnGpu)]
        if gpu and name not in _BETWEEN_DEVICES | _TAKES_CPU_INDICES:
            strays = [tensor for tensor in tensors if not isinstance(tensor, OnGpu) and tensor.dim()]
            if strays:
                raise RuntimeError(f"{name}: tensors on cuda:0 and cpu ({[list(t.shape) for t in tensors]})")
        targets = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.device)]
        on_gpu = targets[0].type == "cuda" if targets else bool(gpu)
        if name == "aten::copy_" or (name == "aten::to" and not targets):
            on_gpu = isinstance(args[0 if len(tensors) < 2 or name == "aten::copy_" else 1], OnGpu)
        if (name in _WAITING and gpu) or (gpu and not on_gpu):
            self.waits.append(name)
        wrappers = {id(tensor.on_cpu): tensor for tensor in gpu}
        real_args, real_kwargs = tree_map(_real, (args, kwargs))
        with torch.inference_mode(False), torch.no_grad():
            result = _operator(func)(*real_args, **real_kwargs)

        def wrapped(leaf: Any) -> Any:
            if not isinstance(leaf, Tensor) or not on_gpu:
                return leaf
            return wrappers.get(id(leaf)) if id(leaf) in wrappers else OnGpu(leaf)

        return tree_map(wrapped, result)


def _real(leaf: Any) -> Any:
    if isinstance(leaf, torch.device) and leaf.type == "cuda":
        return torch.device("cpu")
    return leaf.on_cpu if isinstance(leaf, OnGpu) else leaf


def _operator(func: Any) -> Any:
    """What the CPU calls an operator that only CUDA has."""
    if func is torch.ops.aten.cudnn_grid_sampler.default:
        return lambda x, grid: torch.ops.aten.grid_sampler_2d(x, grid, 0, 0, True)
    return func
