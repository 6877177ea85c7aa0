"""Clips made from one photograph with a known motion, degraded by noise and a real codec."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor

from ....faces.moving import moved, resized_with
from ....geometry import apply_affine, size_of
from ....imaging.warp import resize_filtered, warp
from ....types import Face
from ....video.files import pyav

_SPARE = 1.25  # times: what a clip's picture has more pixels than are shown
_SURROUNDED = 2.5  # times the face: pictures that are smaller are filled up to show it alone
Motion = tuple[Tensor, ...]  # for each frame picture_to_frame, [2, 3] float64


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip and the truth about it.

    Attributes:
        frames: [T, 3, H, W] RGB in [0, 1].
        faces: Where the face is in each frame.
        changed: Frames in which the face itself changes, as in a blink.
    """

    frames: Tensor
    faces: tuple[Face, ...]
    changed: tuple[int, ...] = ()


def smooth_motion(
    frames: int, face: Face, size: tuple[int, int], face_width: float, speed: float = 1.0, seed: int = 0
) -> Motion:
    """A face that wanders, nods and comes nearer, all of it smoothly.

    Args:
        frames: How many.
        face: In the photograph.
        size: (height, width) of the frames.
        face_width: Of the face in them, in pixels, at the mean.
        speed: 1: as a person moves who talks; 0: not at all.
        seed: Another one, another motion.
    """
    generator = torch.Generator().manual_seed(seed)
    periods = (30 + 40 * torch.rand(4, generator=generator)).tolist()
    phases = (2 * math.pi * torch.rand(4, generator=generator)).tolist()
    height, width = size
    landmarks = torch.tensor(face.landmarks, dtype=torch.float64).mean(0)
    motion = []
    for frame in range(frames):
        x, y, turn, grow = (
            math.sin(2 * math.pi * speed * frame / period + phase)
            for period, phase in zip(periods, phases, strict=True)
        )
        angle, scale = math.radians(6 * turn), face_width / face.width * (1 + 0.08 * grow)
        middle = (width / 2 + 0.5 * face_width * x, height / 2 + 0.25 * face_width * y)
        a, b = scale * math.cos(angle), scale * math.sin(angle)
        linear = torch.tensor([[a, -b], [b, a]], dtype=torch.float64)
        shift = torch.tensor(middle, dtype=torch.float64) - linear @ landmarks
        motion.append(torch.cat((linear, shift[:, None]), 1))
    return tuple(motion)


def reduced(picture: Tensor, face: Face, face_width: float) -> tuple[Tensor, Face]:
    """A photograph and its face, reduced to about the size that the face has in a clip: fine texture would shimmer in it."""
    factor = _SPARE * face_width / face.width
    if factor >= 1:
        return picture, face
    height, width = size_of(picture)
    size = round(height * factor), round(width * factor)
    return resize_filtered(picture[None], size, "bicubic")[0].clamp(0, 1), resized_with(face, size)


def with_surroundings(picture: Tensor, face: Face) -> tuple[Tensor, Face]:
    """A picture that is little more than its face, as an aligned crop is, with what is at its edge all around.

    Frames are larger than it, and would show the same face again, mirrored.
    """
    height, width = size_of(picture)
    if min(width / face.width, height / face.height) >= _SURROUNDED:
        return picture, face
    edge = round(_SURROUNDED * max(face.width, face.height))
    wider = torch.nn.functional.pad(picture[None], (edge,) * 4, mode="replicate")[0]
    to_wider = torch.tensor([[1.0, 0.0, edge], [0.0, 1.0, edge]], dtype=torch.float64)
    return wider, moved(face, to_wider, size_of(wider))


def moving(picture: Tensor, face: Face, motion: Motion, size: tuple[int, int]) -> Clip:
    """A photograph, [3, H, W] RGB in [0, 1], under a motion, in frames of ``size`` (height, width)."""
    frames = torch.stack([warp(picture, matrix, size) for matrix in motion])
    faces = tuple(replace(moved(face, matrix, size), frame=number) for number, matrix in enumerate(motion))
    return Clip(frames, faces)


def blinking(clip: Clip, other: Tensor, motion: Motion, when: Sequence[int]) -> Clip:
    """The clip with another picture of the face, [3, H, W], where it shows in some frames, as in a blink."""
    frames = clip.frames.clone()
    size = size_of(frames)
    for number in when:
        frames[number] = warp(other, motion[number], size)
    return replace(clip, frames=frames, changed=tuple(when))


def closed_eyes(picture: Tensor, face: Face) -> Tensor:
    """The picture with lids over its eyes: the skin from below them, [3, H, W]."""
    result = picture.clone()
    (x0, y0), (x1, y1) = face.landmarks[:2]
    apart = math.hypot(x1 - x0, y1 - y0)
    half_width, half_height = 0.32 * apart, 0.17 * apart
    height, width = size_of(picture)
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    upwards = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, -0.42 * apart]], dtype=torch.float64)
    cheek = warp(picture, upwards, (height, width))
    for x, y in ((x0, y0), (x1, y1)):
        radius = (((columns - x) / half_width) ** 2 + ((rows - y) / half_height) ** 2).sqrt()
        share = ((1.15 - radius) / 0.3).clamp(0, 1)[None]
        result = result.lerp(cheek, share)
        line = (1 - ((rows - y - 0.6 * half_height).abs() / (0.12 * half_height + 0.6))).clamp(0, 1) * (radius < 0.95)
        result = result * (1 - 0.6 * line[None])
    return result


def noisy(frames: Tensor, sigma: float, seed: int = 0) -> Tensor:
    """With white noise of this standard deviation, other in each frame, rounded to 8 bits."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(frames.shape, generator=generator) * sigma
    return ((frames + noise).clamp(0, 1) * 255).round() / 255


def smaller(frames: Tensor, factor: float) -> Tensor:
    """As a camera with a ``factor`` of the pixels would see it, enlarged to the same size again."""
    height, width = size_of(frames)
    small = (max(2, round(height / factor)), max(2, round(width / factor)))
    down = torch.nn.functional.interpolate(frames, small, mode="bicubic", antialias=True, align_corners=False)
    return torch.nn.functional.interpolate(down, (height, width), mode="bicubic", align_corners=False).clamp(0, 1)


def coded(frames: Tensor, codec: str = "libx264", crf: int = 28, rate: int = 25) -> Tensor:
    """What is left of frames [T, 3, H, W] after a codec, in memory.

    Args:
        frames: RGB in [0, 1], with sides of even length.
        codec: FFmpeg's name of the encoder.
        crf: Its constant quality.
        rate: Frames a second.
    """
    av, file = pyav(), io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        stream = output.add_stream(codec, rate=Fraction(rate))
        stream.height, stream.width = size_of(frames)
        stream.pix_fmt, stream.options = "yuv420p", {"crf": str(crf)}
        if codec.startswith("libvpx"):
            stream.codec_context.bit_rate = 0  # else it limits the quality, too
        for frame in frames:
            array = frame.mul(255).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()
            output.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
        output.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        shown = [torch.from_numpy(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    return torch.stack(shown).movedim(-1, 1).float() / 255


def true_landmarks(face: Face, matrix: Tensor) -> Tensor:
    """[5, 2], where the photograph's landmarks are in a frame."""
    return apply_affine(matrix, torch.tensor(face.landmarks, dtype=torch.float64))
