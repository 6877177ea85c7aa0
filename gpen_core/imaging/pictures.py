"""Pictures as Python programs hold them (Pillow, NumPy, torch) to frames, and frames back to the same kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..errors import ImageError
from .described import DEEP_MODES, GRAY_MODES, described, in_rgb, inks_of, space_of
from .numbers import in_unit_range
from .spaces import InkSpace
from .spaces.inks import image_of_planes

_BEYOND = 0.1  # how far filters with negative lobes may have left [0, 1]; what lies farther out is of another range
_WHOLE = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}


@dataclass(frozen=True, eq=False)
class Opened:
    """A picture as frames.

    Attributes:
        frames: [B, 3 or 4, H, W] RGB or RGBA, float32 in [0, 1].
        back: Frames [B, C, H', W'] of the same B and C, and the mask [B, 1, H', W'] of what was replaced in them → a picture
            of the kind that was opened.
    """

    frames: Tensor
    back: Callable[[Tensor, Tensor], Any]


def open_picture(picture: Any, *, keep_gray: bool = True) -> Opened:
    """A picture of any supported kind as frames, and the way back.

    Args:
        picture: A ``PIL.Image.Image``, a NumPy array [H, W], [H, W, 3] or [H, W, 4], or a tensor [C, H, W] or [B, C, H, W].
        keep_gray: Whether a gray picture comes back gray; else as RGB.

    Raises:
        ImageError: The kind, shape, dtype or range is none of those that ``gpen_core.restore`` documents.
    """
    if isinstance(picture, Image.Image):
        _check_readable(picture)
        inks = inks_of(picture)
        return _of_image(picture, keep_gray) if inks is None else _of_inks(picture, *inks)
    if isinstance(picture, np.ndarray):
        return _of_array(picture, keep_gray)
    if isinstance(picture, Tensor):
        return _of_tensor(picture)
    raise ImageError(
        f"a picture is a PIL image, a NumPy array or a torch tensor, not {type(picture).__name__}. "
        "Open a file with PIL.Image.open(path)."
    )


def open_mask(mask: Any) -> Tensor:
    """A mask as ``pipeline.restore_image`` takes it.

    Args:
        mask: A ``PIL.Image.Image``, of which the brightness counts; a NumPy array [H, W]; or a tensor [H, W], [1, H, W] or
            [B, 1, H, W], floating point in [0, 1].

    Returns:
        [B, 1, H, W] float32 in [0, 1].

    Raises:
        ImageError: It is none of these.
    """
    if isinstance(mask, Image.Image):
        _check_readable(mask)
        mask = np.asarray(mask.convert("RGB").convert("L"))
    if isinstance(mask, np.ndarray) and mask.ndim == 2:
        return _of_array(mask, True).frames[:, :1]
    if (
        isinstance(mask, Tensor)
        and _is_plain(mask)
        and mask.dim() in (2, 3, 4)
        and mask.is_floating_point()
        and mask.numel()
    ):
        pixels = mask if mask.dim() == 4 else mask.reshape(-1, 1, *mask.shape[-2:])
        if pixels.shape[1] == 1:
            return _in_range(pixels.detach().float()).clamp(0, 1)
    raise ImageError("a mask is a PIL image, a NumPy array [H, W], or a tensor [H, W] or [B, 1, H, W] in [0, 1]")


def _check_readable(image: Image.Image) -> None:
    """Pillow reads a file when its pixels are first asked for. Raises ImageError where it cannot, and for no pixels."""
    try:
        image.load()
    except Exception as error:  # damaged files make Pillow's readers raise almost anything
        raise ImageError(
            f"the PIL image cannot be read ({error}). Its file is damaged, or was closed too early."
        ) from error
    if 0 in image.size:
        raise ImageError(f"the PIL image is empty: it has {image.width}×{image.height} pixels.")


def _is_plain(tensor: Tensor) -> bool:
    """Whether its numbers are there, one beside the other."""
    return not tensor.is_nested and tensor.layout is torch.strided and not tensor.is_meta and not tensor.is_quantized


def _of_image(image: Image.Image, keep_gray: bool) -> Opened:
    if image.mode in ("I", "F"):
        raise ImageError(
            f"a PIL image of mode '{image.mode}' has 32 bits a channel and no fixed range. Convert it to 'RGB' or 'L', or "
            "give a float NumPy array in [0, 1]."
        )
    deep = image.mode in DEEP_MODES
    has_alpha = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or ("transparency" in image.info and not deep)
    gray = image.mode in GRAY_MODES and keep_gray
    mode = ("LA" if has_alpha else "L") if gray else ("RGBA" if has_alpha else "RGB")
    if deep:
        pixels = torch.from_numpy(np.asarray(image).astype(np.float32)).div_(65535).expand(3, -1, -1)
    else:
        array = np.array(in_rgb(image).convert("RGBA" if has_alpha else "RGB"))
        pixels = in_unit_range(torch.from_numpy(array).movedim(-1, 0))
    space = space_of(image)

    def back(frames: Tensor, replaced: Tensor) -> Image.Image:
        result = frames[0].detach().cpu()
        if space is not None and (gray or deep or image.mode not in GRAY_MODES):
            result = space.back(result, pixels, replaced[0].detach().cpu())
        if deep:
            numbers = (result[:3].mean(0).clamp(0, 1) * 65535).round()
            return described(Image.fromarray(numbers.numpy().astype(np.uint16)), image)
        numbers = (result.movedim(0, -1).clamp(0, 1) * 255).round()
        return described(Image.fromarray(np.ascontiguousarray(numbers.numpy().astype(np.uint8))).convert(mode), image)

    seen = pixels if space is None else in_unit_range(space.seen(pixels))
    return Opened(seen[None].contiguous(), back)


def _of_inks(image: Image.Image, numbers: Tensor, space: InkSpace) -> Opened:
    def back(frames: Tensor, replaced: Tensor) -> Image.Image:
        result = space.back(frames[0].detach().cpu(), numbers, replaced[0].detach().cpu())
        return described(image_of_planes(result.movedim(0, -1).numpy(), space.mode), image)

    return Opened(in_unit_range(space.seen(numbers))[None], back)


def _of_array(array: np.ndarray, keep_gray: bool) -> Opened:
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        hint = (
            " Channels come last: use array.transpose(1, 2, 0)." if array.ndim == 3 and array.shape[0] in (3, 4) else ""
        )
        raise ImageError(
            f"a NumPy picture is [H, W], [H, W, 3] or [H, W, 4] and not empty, not {list(array.shape)}.{hint}"
        )
    kind = array.dtype.newbyteorder("=")  # files of other machines come in the other order
    if kind not in _WHOLE and kind.kind != "f":
        raise ImageError(f"a NumPy picture is uint8, uint16 or floating point in [0, 1], not {array.dtype}.")
    highest = _WHOLE.get(kind)
    pixels = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))  # a copy, but of float32
    pixels = pixels / highest if highest else _in_range(pixels)
    gray = array.ndim == 2
    frames = (pixels.expand(3, *pixels.shape) if gray else pixels.movedim(-1, 0))[None].contiguous()

    def back(result: Tensor, replaced: Tensor) -> np.ndarray:
        shown = result[0].detach().cpu().movedim(0, -1)
        shown = shown.mean(-1) if gray and keep_gray else shown
        scaled = (shown.clamp(0, 1) * highest).round() if highest else shown
        return np.ascontiguousarray(scaled.numpy().astype(array.dtype))

    return Opened(frames, back)


def _of_tensor(tensor: Tensor) -> Opened:
    if not _is_plain(tensor):
        raise ImageError(
            "a tensor picture is dense and has its numbers: this one is sparse, nested, quantized or on meta."
        )
    shape = list(tensor.shape)
    if tensor.dim() not in (3, 4) or shape[-3] not in (3, 4) or 0 in shape:
        last = tensor.dim() in (3, 4) and shape[-1] in (3, 4)
        hint = " Channels come before rows: use tensor.movedim(-1, -3)." if last else ""
        raise ImageError(f"a tensor picture is [C, H, W] or [B, C, H, W] with 3 or 4 channels, not {shape}.{hint}")
    if not tensor.is_floating_point():
        raise ImageError(f"a tensor picture is floating point in [0, 1], not {tensor.dtype}. Divide bytes by 255.")
    frames = _frames_in_range(tensor.detach().float())

    def back(result: Tensor, replaced: Tensor) -> Tensor:
        return (result if tensor.dim() == 4 else result[0]).to(tensor.device, tensor.dtype)

    return Opened(frames if tensor.dim() == 4 else frames[None], back)


def _frames_in_range(frames: Tensor) -> Tensor:
    """As ``_in_range``; of several frames, some may hold NaN or infinity: the pipeline leaves those out and says so."""
    if frames.dim() == 4 and len(frames) > 1:
        good = torch.stack([torch.isfinite(frame).all() for frame in frames])
        if bool(good.any()) and not bool(good.all()):
            _in_range(frames[good])
            return frames
    return _in_range(frames)


def _in_range(pixels: Tensor) -> Tensor:
    """Floating-point pixels, as they are. Raises ImageError where they cannot be colors in [0, 1]."""
    lowest, highest = (float(value) for value in torch.aminmax(pixels))  # NaN comes through
    if lowest >= -_BEYOND and highest <= 1 + _BEYOND:
        return pixels
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise ImageError("the picture holds NaN or infinity; find the step that made them.")
    hint = "Divide it by 255." if highest > 2 and lowest >= 0 else "Is it in [-1, 1]? Then use (picture + 1) / 2."
    hint = hint if highest > 2 or lowest < 0 else "Clamp it to [0, 1]."
    raise ImageError(f"a floating-point picture has values in [0, 1]; this one has {lowest:g} to {highest:g}. {hint}")
