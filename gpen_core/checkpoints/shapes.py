"""Networks that have shapes and no memory: what a file is compared with, and what its weights then go into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_FILLS = (Tensor.normal_, nn.init.normal_)
_DIVISIONS = (Tensor.div, Tensor.__truediv__)


@contextmanager
def shapes_only() -> Iterator[None]:
    """Networks built inside are on the meta device, but for constants of a few numbers. No weight is initialized.

    ``torch.device("meta")`` by itself does so too; but the first random or scaled weight has torch look up in Python what
    shape that makes, and for it import its compiler and sympy: 900 modules, a second and more.
    """
    with _Unfilled(), torch.device("meta"):
        yield


class _Unfilled(TorchFunctionMode):
    """Leaves out what fills weights with numbers. What it does not know of is only slower."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _FILLS:
            return args[0] if args else kwargs["tensor"]
        if func in _DIVISIONS and args[0].is_meta and isinstance(args[1], int | float):
            return args[0]
        if func is torch.randn:
            func = torch.empty
        elif func is torch.tensor:  # a filter's taps: what is made of them is small, and made for real
            kwargs = {**kwargs, "device": "cpu"}
        return func(*args, **kwargs)
