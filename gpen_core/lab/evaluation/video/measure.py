"""Flicker, the motion of landmarks, identity between neighbors, and error, all along the motion that is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product

import torch
from torch import Tensor

from ....faces.alignment import align_face, crop_transform
from ....faces.detectors.mtcnn import Mtcnn
from ....faces.identity import Embedder
from ....geometry import apply_affine, fit_similarity, template_points
from ....imaging.masks import ellipse_mask
from ....imaging.warp import warp
from ....types import Face
from .clips import Clip

SIDE, TEMPLATE = 256, "ffhq"  # of the crops in which everything is measured
_FACE = 0.66  # of the crop's side: the square that a detector's last network sees of it
_PLACES = (-8, -4, 0, 4, 8)  # px by which that square is moved, each way
_SURE = 0.5  # least probability of a face, where one is known to be
_EYES = 0.2  # of the crop's side: the squares around the eyes


@dataclass(frozen=True)
class VideoMeasures:
    """What a clip is like beside the clean one. Errors are of the face's oval, in aligned crops of 256 px.

    Attributes:
        flicker: Mean absolute second difference in time, less that of the clean clip, in steps of 8 bits.
        tlme: Landmark motion error: by how much the landmarks that MTCNN finds move otherwise from frame to frame than
            those that it finds in the clean clip, in pixels: what it errs in that clip is no fault of a restoration. Steps in
            which the face itself changes, as in a blink, are left out. None where MTCNN is sure of the face in none.
        vidd: Distance of neighbors' identity vectors; None without a recognition network.
        psnr: In dB.
        eyes: Mean absolute error in the eyes of the frames in which the face itself changes and their neighbors, in steps of 8
            bits; None where there are none.
        tlme_steps: Share of the steps without a change of the face that ``tlme`` is the mean of.
    """

    flicker: float
    tlme: float | None
    vidd: float | None
    psnr: float
    eyes: float | None
    tlme_steps: float = 1.0

    def as_dict(self) -> dict[str, float | None]:
        """For tables and files."""
        return {name: None if value is None or math.isnan(value) else value for name, value in asdict(self).items()}


def measure_clip(
    frames: Sequence[Tensor] | Tensor,
    clean: Clip,
    ruler: Mtcnn,
    embedder: Embedder | None = None,
    landmarks: Tensor | None = None,
) -> VideoMeasures:
    """Measure a clip against its clean original.

    Args:
        frames: [T, 3, H, W] RGB in [0, 1], of the size of the clean ones.
        clean: The original, and where its face is.
        ruler: Finds landmarks, whatever detector the clip was restored with: so that figures can be compared.
        embedder: Tells whose face it is.
        landmarks: What ``clean_landmarks`` found, where several clips are measured against one.
    """
    crops, originals = aligned(frames, clean.faces), aligned(clean.frames, clean.faces)
    oval = ellipse_mask(SIDE, TEMPLATE, 0.35) > 0.5
    expected = landmarks_of(originals, ruler) if landmarks is None else landmarks
    tlme, steps = landmark_motion_error(landmarks_of(crops, ruler), expected, clean.changed)
    error = (crops - originals)[:, oval.expand(3, -1, -1)]
    return VideoMeasures(
        flicker=255 * (second_difference(crops, oval) - second_difference(originals, oval)),
        tlme=tlme,
        vidd=None if embedder is None else identity_motion(crops, embedder),
        psnr=-10 * math.log10(max(float(error.square().mean()), 1e-10)),
        eyes=_eyes(crops, originals, clean.changed),
        tlme_steps=steps,
    )


def aligned(frames: Sequence[Tensor] | Tensor, faces: Sequence[Face]) -> Tensor:
    """[T, 3, 256, 256], each frame's crop at the true place of its face."""
    return torch.stack(
        [align_face(frame, face, SIDE, TEMPLATE).pixels for frame, face in zip(frames, faces, strict=True)]
    )


def second_difference(crops: Tensor, oval: Tensor) -> float:
    """Mean absolute second difference in time of [T, 3, S, S], inside the oval [1, S, S]."""
    change = (crops[2:] - 2 * crops[1:-1] + crops[:-2]).abs().mean(1, keepdim=True)
    return float((change * oval).sum() / (oval.sum() * len(change)))


def landmark_motion_error(found: Tensor, expected: Tensor, changed: Sequence[int] = ()) -> tuple[float | None, float]:
    """How far the steps of landmarks from frame to frame are from those in the clean clip.

    Args:
        found: [T, N, 5, 2], of one face, in crops at its true places, as ``landmarks_of`` finds them.
        expected: [T, N, 5, 2], those of the clean clip.
        changed: Frames in which the face itself changes, so that nobody knows where its landmarks should be.

    Returns:
        The mean in pixels, and the share of the other steps that it is of. A step is seen in the squares that show the face in
        both frames of both clips; None and 0 where none does.
    """
    off = found - expected
    still = [step for step in range(1, len(off)) if not {step - 1, step} & set(changed)]
    moved = (off[1:] - off[:-1]).nanmean(1).norm(dim=-1).mean(-1)[[step - 1 for step in still]]
    used = moved[torch.isfinite(moved)]
    return (float(used.mean()), len(used) / len(still)) if len(used) else (None, 0.0)


def clean_landmarks(clean: Clip, ruler: Mtcnn) -> Tensor:
    """[T, N, 5, 2], ``landmarks_of`` the clean clip, in crops at its faces' places."""
    return landmarks_of(aligned(clean.frames, clean.faces), ruler)


def landmarks_of(crops: Tensor, ruler: Mtcnn) -> Tensor:
    """[T, N, 5, 2], where MTCNN finds them in aligned crops, in N squares each; NaN where a square shows it no face.

    A search answers in steps: where it sees the same face a few pixels farther to the right, it finds its landmarks half a
    pixel elsewhere in it, more than faces shake. The crops are at the true place of the face, so that MTCNN's last network can
    be asked directly, in the same squares of each.
    """
    return torch.stack([_asked(crop, ruler) for crop in crops])


def _asked(crop: Tensor, ruler: Mtcnn) -> Tensor:
    """[N, 5, 2] in one crop."""
    x, y = template_points(TEMPLATE, SIDE).mean(0).tolist()
    half = _FACE * SIDE / 2
    squares = torch.tensor(
        [(x + u - half, y + v - half, x + u + half, y + v + half) for u, v in product(_PLACES, _PLACES)]
    )
    points, scores = ruler.landmarks_in(crop, squares)
    return points.double().masked_fill(scores[:, None, None] < _SURE, math.nan)


def identity_motion(crops: Tensor, embedder: Embedder) -> float:
    """Mean distance of neighbors' vectors."""
    to_chip = fit_similarity(template_points(TEMPLATE, SIDE), torch.tensor(embedder.points, dtype=torch.float64))
    chips = torch.stack([warp(crop, to_chip, (embedder.side, embedder.side)) for crop in crops])
    vectors = embedder.embed(chips)
    return float(embedder.distances(vectors[1:], vectors[:-1]).mean())


def _eyes(crops: Tensor, originals: Tensor, changed: Sequence[int]) -> float | None:
    if not changed:
        return None
    near = sorted({frame + step for frame in changed for step in (-1, 0, 1) if 0 <= frame + step < len(crops)})
    off = (crops[near] - originals[near]).abs()
    reach = round(_EYES * SIDE / 2)
    parts = []
    for x, y in template_points(TEMPLATE, SIDE)[:2].round().long().tolist():
        parts.append(off[:, :, y - reach : y + reach, x - reach : x + reach])
    return 255 * float(torch.cat(parts).mean())


def landmark_error(faces: Sequence[Face], truth: Sequence[Face]) -> float:
    """Root mean square distance of landmarks from the true ones, in pixels of a crop of 256 px."""
    squares = []
    for face, true in zip(faces, truth, strict=True):
        to_crop = crop_transform(true, SIDE, TEMPLATE)
        found, expected = (apply_affine(to_crop, torch.tensor(one.landmarks)) for one in (face, true))
        squares.append((found - expected).square().sum(-1).mean())
    return float(torch.stack(squares).mean().sqrt())
