"""Choose the device to run on."""

from __future__ import annotations

import re

import torch

from .errors import OptionError, one_line
from .modes import AUTO

_DEVICE = re.compile("(cpu|cuda|mps|xpu|hip|mtia|hpu|npu|vulkan|xla|meta|privateuseone)(:[0-9]{1,4})?")


def choose_device(name: str | torch.device) -> torch.device:
    """The device of that name.

    Args:
        name: "cpu", "cuda", "cuda:1", "mps", …; "auto" is the GPU there is, else the CPU.

    Raises:
        OptionError: The device cannot be used on this machine.
    """
    if not isinstance(name, str | torch.device | int) or isinstance(name, bool):
        raise OptionError(
            f"a device must be a name, not {one_line(repr(name), 40)}. Choose auto, cpu, cuda, mps, xpu …"
        )
    if name != AUTO:
        if isinstance(name, str) and not _DEVICE.fullmatch(name):
            raise OptionError(
                f"device '{name}' cannot be used: there is none of that name. Choose auto, cpu, cuda, cuda:1 (the second GPU), "
                "mps, xpu …"
            )
        try:
            return torch.empty(0, device=name).device
        except (RuntimeError, AssertionError, ValueError, OverflowError) as error:
            raise OptionError(
                f"device '{one_line(str(name), 40)}' cannot be used: {str(error).splitlines()[0]}"
            ) from error
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def device_names() -> list[str]:
    """The GPUs that torch can use, each with its name; where there are none, the CPU."""
    if torch.cuda.is_available():
        return [f"cuda:{index} {torch.cuda.get_device_name(index)}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        return ["mps"]
    threads = torch.get_num_threads()
    return [f"cpu with {threads} thread{'s' if threads > 1 else ''}"]


def detector_device(device: torch.device) -> torch.device:
    """The CPU instead of Apple's GPU, which lacks operators that detectors need in some versions of torch."""
    return torch.device("cpu") if device.type == "mps" else device
