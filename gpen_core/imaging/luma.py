"""A picture's brightness as JPEG, and every gray conversion here, weighs it."""

from __future__ import annotations

from torch import Tensor

BT601 = (0.299, 0.587, 0.114)  # ITU-R BT.601: of red, green and blue


def luma_of(picture: Tensor) -> Tensor:
    """[3 or more, H, W] RGB(…) → its brightness, [1, H, W]."""
    return (picture[:3] * picture.new_tensor(BT601)[:, None, None]).sum(0, keepdim=True)
