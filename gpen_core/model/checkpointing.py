"""Trading time for memory in training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint


def checkpointed(function: Callable[..., Any], *arguments: Any, checkpointing: bool) -> Any:
    """``function(*arguments)``, for functions that draw nothing at random.

    With ``checkpointing`` and gradients on, what happens inside is not kept for the backward pass but done again there.
    """
    if checkpointing and torch.is_grad_enabled():
        return checkpoint(function, *arguments, use_reentrant=False, preserve_rng_state=False)
    return function(*arguments)
