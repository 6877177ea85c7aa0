"""Gray → color. The network sees brightness alone, and what it makes gives colors alone: brightness stays the picture's own."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..imaging.luma import BT601
from ..imaging.numbers import in_unit_range

# Scans and JPEG leave a little color in gray pictures, and in a toned print it follows from the brightness. In what people call
# a color picture, it differs from that by this much, in this share of the pixels.
_TINT, _SHARE = 16 / 255, 0.02
_LOOKED_AT = 512  # pixels of the longer side
_AT_A_TIME = 1 << 18  # pixels: a large photograph takes little more memory than its result


def brightness_of(pictures: Tensor, fill: Tensor | None = None) -> Tensor:
    """[N, 3, S, S] → the same in gray, as three equal channels."""
    return _luma(pictures, 1).expand_as(pictures)


def with_brightness_of(made: Tensor, own: Tensor) -> Tensor:
    """The colors of what was made with the brightness of the picture, exactly.

    Colors are differences from the brightness (Y′ of BT.601, as the published demo takes them). Where they would leave [0, 1],
    they are paled until they fit, instead of being cut off, which would change the brightness.

    Args:
        made: [3, h, w] RGB in [0, 1].
        own: [3, h, w] RGB in [0, 1].

    Returns:
        [3, h, w] RGB in [0, 1].
    """
    result = torch.empty_like(made)
    rows = max(1, _AT_A_TIME // max(1, made.shape[2]))
    for top in range(0, made.shape[1], rows):
        band = slice(top, top + rows)
        luma = _luma(own[:, band], 0)
        color = made[:, band] - _luma(made[:, band], 0)
        room = torch.where(color > 0, 1 - luma, luma).div_(color.abs().clamp_min_(1e-6))
        result[:, band] = color.mul_(room.amin(0, keepdim=True).clamp_(0, 1)).add_(luma).clamp_(0, 1)
    return result


def colors_were_there(frame: Tensor) -> Iterable[str]:
    """Says what becomes of a picture that is in color already."""
    step = max(1, max(frame.shape[-2:]) // _LOOKED_AT)
    small = in_unit_range(frame[:3, ::step, ::step])
    luma = _luma(small, 0).flatten(1)
    color = small.flatten(1) - luma
    luma, color = luma - luma.mean(), color - color.mean(1, keepdim=True)
    toned = luma * (color * luma).mean(1, keepdim=True) / luma.square().mean().clamp_min(1e-6)
    if bool(((color - toned).abs().amax(0) > _TINT).float().mean() > _SHARE):
        yield (
            "This picture is in color already: the model is shown only its brightness, and the colors it makes replace those "
            "that are there."
        )


def _luma(pictures: Tensor, channel: int) -> Tensor:
    """Brightness, in place of the channels: ``channel`` is their dimension."""
    shape = [3 if dimension == channel else 1 for dimension in range(pictures.dim())]
    return (pictures * pictures.new_tensor(BT601).view(shape)).sum(channel, keepdim=True)
