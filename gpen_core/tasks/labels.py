"""Label maps: pictures whose colors are names of a face's parts, as CelebAMask-HQ colors them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import ImageError
from ..imaging.numbers import in_unit_range

# RGB, 0 … 255, in the order of the labels of CelebAMask-HQ and ParseNet. Left and right are those that they call so.
LABEL_COLORS = MappingProxyType(
    {
        "background": (0, 0, 0), "skin": (204, 0, 0), "nose": (76, 153, 0), "eyeglasses": (204, 204, 0),
        "left_eye": (51, 51, 255), "right_eye": (204, 0, 204), "left_brow": (0, 255, 255), "right_brow": (255, 204, 204),
        "left_ear": (102, 51, 0), "right_ear": (255, 0, 0), "mouth": (102, 204, 0), "upper_lip": (255, 255, 0),
        "lower_lip": (0, 0, 153), "hair": (0, 0, 204), "hat": (255, 51, 153), "earring": (0, 204, 204),
        "necklace": (0, 51, 0), "neck": (255, 153, 51), "cloth": (0, 204, 0),
    }
)  # fmt: skip
_NEAR = 24  # of 255: how far JPEG's rounding moves a flat color
_MOST_OTHERS = 0.05  # of the pixels, which JPEG and smooth resizing leave along outlines
_SAID = 0.002


def check_labels(frame: Tensor) -> Iterable[str]:
    """Refuse what is no label map, and say where colors were taken for the nearest label's.

    Args:
        frame: [3 or more, H, W] RGB in [0, 1], or of whole numbers as files have them.

    Raises:
        ImageError: It is not square, or has other colors.
    """
    height, width = frame.shape[-2:]
    if height != width:
        raise ImageError(f"a label map is square, like the face it becomes, but this one is {width}×{height}: crop it")
    _, far = _nearest(frame)
    others = float(far.float().mean())
    if others > _MOST_OTHERS:
        raise ImageError(
            f"{others:.0%} of this picture has colors that are no labels: it is no label map, or was saved as JPEG. Make "
            "one with Label Map of a Face (GPEN) in ComfyUI, or paint one in the colors listed in docs/tasks.md, as PNG."
        )
    if others > _SAID:
        yield f"{others:.1%} of the label map has other colors: they were taken for the nearest label's. Save maps as PNG."


def labels_at(frame: Tensor, side: int) -> Tensor:
    """A label map [3 or more, H, W] of any size → [3, side, side] RGB in [0, 1], of labels' colors only: none are mixed."""
    numbers = label_numbers(frame)[None, None].float()
    return colored_labels(F.interpolate(numbers, (side, side), mode="nearest-exact")[0, 0])


def label_numbers(frame: Tensor) -> Tensor:
    """[3 or more, H, W] RGB in [0, 1], a label map → [H, W], each pixel's nearest place in ``LABEL_COLORS``."""
    return _nearest(frame)[0]


def colored_labels(numbers: Tensor, names: Sequence[str] = tuple(LABEL_COLORS)) -> Tensor:
    """Labels as a label map.

    Args:
        numbers: [..., H, W], indices into ``names``.
        names: What a parser's labels mean; those that are no label of the published maps become background.

    Returns:
        [..., 3, H, W] RGB float32 in [0, 1].
    """
    colors = [LABEL_COLORS.get(name, LABEL_COLORS["background"]) for name in names]
    palette = torch.tensor(colors, dtype=torch.float32, device=numbers.device) / 255
    return palette[numbers.long()].movedim(-1, -3)


def _nearest(frame: Tensor) -> tuple[Tensor, Tensor]:
    """[H, W]: the nearest label of each pixel, and whether it is none of them."""
    pixels = in_unit_range(frame[:3]) * 255
    best = torch.full_like(pixels[0], torch.inf)
    number = torch.zeros_like(best, dtype=torch.long)
    for index, color in enumerate(LABEL_COLORS.values()):
        distance = (pixels - pixels.new_tensor(color)[:, None, None]).abs().amax(0)
        number[distance < best] = index
        best = torch.minimum(best, distance)
    return number, best > _NEAR
