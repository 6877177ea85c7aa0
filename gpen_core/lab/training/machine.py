"""The processes and devices of a run: accelerate's, one process or as many as ``accelerate launch`` started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ...commands import pip_install
from ...errors import OptionError
from .config import TrainConfig
from .samples import Share

if TYPE_CHECKING:
    from accelerate import Accelerator

_KINDS = ("NO", "MULTI_CPU", "MULTI_GPU", "MULTI_XPU", "MULTI_NPU", "MULTI_MLU")  # that share nothing but gradients


def accelerator_for(config: TrainConfig) -> Accelerator:
    """Raises OptionError without accelerate, and for what it, its settings or the device cannot do."""
    try:
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState
    except ImportError as error:
        raise OptionError(f"training needs the Python package accelerate: {pip_install('accelerate')}") from error
    # Settings are of the process there; a second run in it may want another precision. The processes stay connected.
    AcceleratorState._reset_state(reset_partial_state=False)
    try:
        accelerator = Accelerator(mixed_precision=config.mixed_precision)
    except ValueError as error:
        raise OptionError(f"mixed_precision {config.mixed_precision}: {error}") from error
    if config.mixed_precision != "no" and not accelerator.native_amp:
        raise OptionError(f"mixed_precision {config.mixed_precision}: not on this device ({accelerator.device.type})")
    if accelerator.distributed_type.value not in _KINDS:
        raise OptionError(
            f"accelerate is set up for {accelerator.distributed_type.value}: only {', '.join(_KINDS)} work here"
        )
    if accelerator.gradient_accumulation_steps != 1:
        raise OptionError("accelerate is set up to accumulate gradients: give the [[phases]] accumulate = … instead")
    if accelerator.device.type == "cuda" and config.deterministic:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    share = Share(accelerator.process_index, accelerator.num_processes)
    check_batches(config, share)
    return accelerator


def emulated(config: TrainConfig, device: torch.device) -> str:
    """What to say of a precision that the device has no instructions for; "" where there is nothing to say."""
    if device.type != "cpu" or config.mixed_precision != "bf16" or _has_bfloat16():
        return ""
    return (
        "mixed_precision bf16: this CPU has no instructions for it, and a step takes many times as long as in float32. "
        'Set mixed_precision = "no", and compile = false.'
    )


def _has_bfloat16() -> bool:
    """Whether oneDNN's convolutions run in it."""
    return bool(torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def check_batches(config: TrainConfig, share: Share) -> None:
    """Raise OptionError where a phase's batch cannot be worked on in equal parts by equal processes."""
    for number, phase in enumerate(config.phases, start=1):
        if phase.batch % (share.world * phase.accumulate):
            raise OptionError(
                f"phase {number}: {share.world} processes cannot each work on its batch of {phase.batch} in "
                f"{phase.accumulate} equal parts: make the batch a multiple of {share.world * phase.accumulate}"
            )
