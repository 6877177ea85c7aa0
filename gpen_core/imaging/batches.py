"""Batches of pictures as a graph hands them over: any number of channels, and whatever values a node upstream made."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..errors import ImageError

_ROUNDING = 0.05  # beyond [0, 1]: what sharp resampling overshoots; nobody needs to hear of it
_BYTES = (
    2.0  # a picture whose brightness is above this on average counts in 255ths; one that shines here and there is HDR
)
_MOST_MASKS = 16.0  # what is more than the sum of so many masks counts in 255ths
_NAN_ADVICE = (
    "Most often it comes from a VAE or a model in half precision: start ComfyUI with --fp32-vae, or look at the images before "
    "this node."
)


def frames_of_batch(image: Tensor, say: Callable[[str], None], name: str = "image") -> Tensor:
    """Frames of the pipeline.

    Args:
        image: [B, H, W, C] or [H, W, C] with 1 (gray), 3 (RGB) or 4 (RGB and alpha) channels in [0, 1].
        say: Hears of what was not quite in order: values that were cut off, frames that hold no numbers.
        name: What messages call it.

    Returns:
        [B, 3 or 4, H, W] float32 in [0, 1], on the same device; a frame that holds NaN or infinity comes as it is.

    Raises:
        ImageError: It is no such batch, counts in 0 … 255, or every frame holds NaN or infinity.
    """
    image = image[None] if image.dim() == 3 else image
    if image.dim() != 4 or 0 in image.shape or image.dtype == torch.bool or image.is_complex():
        raise ImageError(f"{_with(name, 'is', 'are')} empty, or no picture. Look at the node that it comes from.")
    if not image.is_floating_point():
        raise ImageError(_counts_in_bytes(name))
    frames = image.movedim(-1, 1).float()
    channels = frames.shape[1]
    if channels not in (1, 3, 4):
        raise ImageError(
            f"{_with(name, 'has', 'have')} {channels} channels. An image has 1 (gray), 3 (RGB) or 4 (RGB and "
            "transparency)."
        )
    return _in_range(frames.expand(-1, 3, -1, -1) if channels == 1 else frames, say, name)


def masks_of_batch(mask: Tensor, name: str = "mask") -> Tensor:
    """Masks of the pipeline.

    Args:
        mask: [B, H, W] or [H, W], as ComfyUI has them; [B, 1, H, W] and [B, H, W, 1], as some nodes hand them on.
        name: What messages call it.

    Returns:
        [B, 1, H, W] float32 in [0, 1], on the same device; what lies beyond, as sums of masks do, is cut off.

    Raises:
        ImageError: It is no such batch, counts in 0 … 255, or holds NaN or infinity.
    """
    if mask.dim() == 4 and 1 in (mask.shape[1], mask.shape[3]):
        mask = mask.squeeze(1 if mask.shape[1] == 1 else 3)
    if mask.dim() not in (2, 3) or 0 in mask.shape:
        raise ImageError(
            f"{_with(name, 'is', 'are')} empty, or no mask. Look at the node that it comes from; an image becomes a mask in "
            "Convert Image to Mask."
        )
    masks = mask.reshape(-1, 1, *mask.shape[-2:]).float()
    if not bool(torch.isfinite(masks).all()):
        raise ImageError(
            f"The {_with(name, 'holds', 'hold')} not only numbers (NaN or infinity). Check the node that made it."
        )
    if float(masks.amax()) > _MOST_MASKS:
        raise ImageError(_counts_in_bytes(name, "masks"))
    return masks.clamp(0, 1)


def joined_background(frames: Tensor, background: Tensor) -> Tensor:
    """The background with transparency where either has it.

    Args:
        frames: [B, 3 or 4, H, W] in [0, 1].
        background: [B, 3 or 4, H', W'] in [0, 1], the same frames in another size.

    Returns:
        The background as it is, or with the frames' own alpha, resized: [B, 4, H', W'].
    """
    if frames.shape[1] <= background.shape[1]:
        return background
    from .lanczos import resize_lanczos

    size = (background.shape[2], background.shape[3])
    alpha = torch.stack([resize_lanczos(frame[3:4], size) for frame in frames])
    return torch.cat((background, alpha.to(background)), dim=1)


def _in_range(frames: Tensor, say: Callable[[str], None], name: str) -> Tensor:
    lowest, highest = (float(value) for value in torch.aminmax(frames))  # NaN comes through
    if lowest >= 0 and highest <= 1:
        return frames
    bad = [number for number, frame in enumerate(frames) if not bool(torch.isfinite(frame).all())]
    if len(bad) == len(frames):
        raise ImageError(f"{_named(name, bad, len(frames))} not only numbers (NaN or infinity). {_NAN_ADVICE}")
    if bad:
        say(not_finite(bad, len(frames), name))
        say(_NAN_ADVICE)
    good = frames.nan_to_num(0, 0, 0) if bad else frames
    lowest, highest = (float(value) + 0.0 for value in torch.aminmax(good))  # no "-0" in what is said
    if highest > _BYTES and float(good[good > 0].mean()) > _BYTES:
        raise ImageError(_counts_in_bytes(name))
    if lowest < -_ROUNDING or highest > 1 + _ROUNDING:
        say(
            f"{_with(name[:1].upper() + name[1:], 'has', 'have')} values from {lowest:.3g} to {highest:.3g}: those below 0 and "
            "above 1 were cut off."
        )
    clamped = frames.clamp(0, 1)
    clamped[bad] = frames[bad]
    return clamped


def not_finite(numbers: Sequence[int], count: int, name: str = "image") -> str:
    """What is said of some of ``count`` frames that hold NaN or infinity: by whoever finds them first, in these very words."""
    stay = "stays" if len(numbers) == 1 else "stay"
    return f"{_named(name, numbers, count)} NaN or infinity and {stay} unchanged."


def _named(name: str, numbers: Sequence[int], count: int) -> str:
    """Which images of a batch, counted from 1, hold something: "Image 3 of 8 holds"."""
    if count == 1:
        return f"The {_with(name, 'holds', 'hold')}"
    shown = ", ".join(str(number + 1) for number in numbers[:8]) + (", …" if len(numbers) > 8 else "")
    many = len(numbers) > 1
    one = name[:1].upper() + name[1:].removesuffix("s")
    return f"{one}{'s' if many else ''} {shown} of {count} {'hold' if many else 'holds'}"


def _with(name: str, singular: str, plural: str) -> str:
    """An input's name and what is said of it: "image is", "crops are"."""
    return f"{name} {plural if name.endswith('s') else singular}"


def _counts_in_bytes(name: str, what: str = "images") -> str:
    return (
        f"{_with(name, 'counts', 'count')} from 0 to 255; {what} of ComfyUI go from 0 to 1. Divide by 255 in the node that the "
        "input comes from."
    )
