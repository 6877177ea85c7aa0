"""Hands our networks to ComfyUI's memory manager."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch
from comfy import model_management
from comfy.model_patcher import ModelPatcher


class Managed:
    """A network whose weights ComfyUI moves between devices.

    ``patcher`` is the attribute the host's cache looks for, and the strong reference that keeps the weights known.
    """

    def __init__(self, module: torch.nn.Module) -> None:
        # A plain patcher: most of GPEN's bytes sit in modulated convolutions, which dynamic VRAM neither counts nor unloads.
        self.patcher = ModelPatcher(
            module,
            load_device=model_management.get_torch_device(),
            offload_device=model_management.unet_offload_device(),
        )

    def to_device(self, activation_bytes: float = 0) -> None:
        """Load all weights onto the device, leaving ``activation_bytes`` free for the run itself."""
        load_managed([self], activation_bytes)


def load_managed(networks: Sequence[Managed], activation_bytes: float = 0) -> None:
    """Load several networks at once, so that loading one doesn't evict another."""
    patchers = [network.patcher for network in networks]
    model_management.load_models_gpu(patchers, memory_required=activation_bytes, force_full_load=True)
    for patcher in patchers:
        module, device = patcher.model, patcher.load_device
        # Under a small memory budget, and always with --novram, plain modules are silently left on the CPU.
        if any(value.device != device for value in itertools.chain(module.parameters(), module.buffers())):
            module.to(device)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ComfyUI, or torch on the CPU, considers this an out-of-memory error."""
    try:
        model_management.raise_non_oom(error)
    except BaseException:  # raises whatever it was given
        from ...gpen_core.out_of_memory import ran_out_of_memory

        return ran_out_of_memory(error)
    return True


free_memory: Callable[[], None] = model_management.soft_empty_cache
