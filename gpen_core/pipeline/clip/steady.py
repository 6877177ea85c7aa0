"""Hold what a model makes of a face steady along its track: where the picture does not change, neither does the restoration."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...imaging.temporal import guide_noise, guide_of, held, noise_between, shares_in_time
from ...tasks import TASKS
from ...types import RestoredFace
from .moment import Moment
from .options import VideoOptions

_MOST_UNREST = 0.02  # in [0, 1]: beyond, the face itself changes
_MEMORY = 24  # frames over which strength and quality are held, beside those ahead


@dataclass(frozen=True, eq=False)
class _Kept:
    """A restored face of one frame, what its neighbors are compared by, and the noise that it and its last neighbor tell of."""

    frame: int
    face: RestoredFace
    guide: Tensor
    noise: float
    unrest: float | None


def steadied(moments: Iterable[Moment], options: VideoOptions, *, floored: bool = False) -> Iterator[Moment]:
    """The same moments, ``reach`` frames later, with restored faces that do not flicker.

    A pixel of a restored face becomes the mean of those of its neighbors in time between which the original has not changed
    there, noise aside; where it has changed, as when an eye closes, it follows at once. Everything is compared in the aligned
    crop, in which a face stands still however it moves. What may be taken of the face is held in the same way, its strength as
    a whole: the mean of a second or so, or, ``floored``, the least, where strengths were lowered until a face is like itself.
    """
    reach = round(options.reach * options.steadiness)
    if reach == 0:
        yield from moments
        return
    tracks: dict[int, deque[_Kept]] = {}
    waiting: deque[Moment] = deque()
    for moment in moments:
        for face in moment.restored:
            _remember(tracks, moment.number, face, reach)
        waiting.append(moment)
        if len(waiting) > reach:
            yield _steady(waiting.popleft(), tracks, reach, floored)
            _forget(tracks, waiting[0].number - _MEMORY)
    while waiting:
        yield _steady(waiting.popleft(), tracks, reach, floored)


def _remember(tracks: dict[int, deque[_Kept]], frame: int, face: RestoredFace, reach: int) -> None:
    if not face.crop.face.track:
        return
    kept = tracks.setdefault(face.crop.face.track, deque(maxlen=_MEMORY + reach + 1))
    last = kept[-1] if kept else None
    if last is not None and last.face.pixels is face.pixels:  # one result for a face that stands still
        kept.append(replace(last, frame=frame, face=face))
    else:
        guide = guide_of(face.crop.pixels)
        follows = last is not None and last.frame == frame - 1 and len(last.guide)
        unrest = noise_between(guide, last.guide) if last is not None and follows else None
        kept.append(_Kept(frame, face, guide, guide_noise(face.crop.pixels), unrest))
    # Only strength and quality are needed of those that are out of reach.
    for place in range(len(kept) - 2 * reach - 2, -1, -1):
        if not len(kept[place].guide):
            break
        kept[place] = _without_pictures(kept[place])


def _without_pictures(kept: _Kept) -> _Kept:
    nothing = kept.guide.new_zeros(0)
    crop = replace(kept.face.crop, pixels=nothing)
    return replace(kept, guide=nothing, face=replace(kept.face, crop=crop, pixels=nothing, weight=None, detail=None))


def _forget(tracks: dict[int, deque[_Kept]], before: int) -> None:
    for track in [track for track, kept in tracks.items() if kept[-1].frame < before]:
        del tracks[track]


def _steady(moment: Moment, tracks: dict[int, deque[_Kept]], reach: int, floored: bool) -> Moment:
    restored = tuple(
        _steady_face(face, moment.number, tracks[face.crop.face.track], reach, floored)
        if face.crop.face.track
        else face
        for face in moment.restored
    )
    return replace(moment, restored=restored)


def _steady_face(face: RestoredFace, frame: int, kept: Sequence[_Kept], reach: int, floored: bool) -> RestoredFace:
    task = TASKS.get(face.task)
    strength = _held_strength(kept, floored) if task is None or task.keeps_colors else face.strength
    qualities = [k.face.facts.quality for k in kept if k.face.facts.quality is not None]
    quality = sum(qualities) / len(qualities) if qualities else None
    calm = replace(face, strength=strength).noted(strength=strength, quality=quality)
    near = [k for k in kept if abs(k.frame - frame) <= reach and k.face.pixels.shape == face.pixels.shape]
    if strength == 0 or all(k.face.pixels is face.pixels for k in near):
        return calm
    center = next(place for place, k in enumerate(near) if k.frame == frame)
    noise = _noise(near, kept)
    shares = shares_in_time([k.guide for k in near], [k.frame for k in near], center, noise, reach)
    return replace(
        calm,
        pixels=held([k.face.pixels for k in near], shares).clamp(0, 1),
        weight=_held_mask([k.face.weight for k in near], 1.0, face.pixels, shares),
        detail=_held_mask([k.face.detail for k in near], 0.0, face.pixels, shares),
    )


def _noise(near: Sequence[_Kept], kept: Sequence[_Kept]) -> float:
    """Of the guides: what a single picture shows, or more where neighbors differ by more everywhere, as after a codec."""
    seen = sorted(k.noise for k in near)[len(near) // 2]
    unrest = sorted(k.unrest for k in kept if k.unrest is not None)
    return max(seen, min(unrest[len(unrest) // 2], _MOST_UNREST)) if unrest else seen


def _held_mask(masks: Sequence[Tensor | None], usual: float, like: Tensor, shares: Tensor) -> Tensor | None:
    """Masks [1, S', S'], of which those that are missing are of the usual value everywhere."""
    if all(mask is None for mask in masks):
        return None
    plain = torch.full_like(like[:1], usual)
    return held([plain if mask is None else mask.to(like) for mask in masks], shares).clamp(0, 1)


def _held_strength(kept: Sequence[_Kept], floored: bool) -> float:
    """The mean over a second or so of the track, without what a single frame says otherwise; ``floored``, the least."""
    values = sorted(k.face.strength for k in kept)
    if floored:
        return values[0]
    trimmed = values[len(values) // 5 : len(values) - len(values) // 5] or values
    return sum(trimmed) / len(trimmed)
