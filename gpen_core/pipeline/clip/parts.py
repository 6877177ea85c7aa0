"""A clip that comes in several batches, as from a batch manager: each goes on where the last one ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ...checkpoints import GpenModel
from ...faces.detectors.base import FaceDetector
from ...geometry import overlap
from ...types import Face, RestoredFace
from ..options import Settings
from ..run import Restoration, restore_image
from .batch import track_faces
from .options import VideoOptions

_LEAD = 32  # frames, which are restored again: of the averages of landmarks, three quarters (``faces.carrying``)
_SAME_FACE = 0.5  # overlap of boxes


@dataclass(frozen=True, eq=False)
class PartEnd:
    """The last frames of a part, from which the next one goes on.

    Attributes:
        frames: [K, C, H, W] uint8: they only tell what comes after them.
        faces: Of these frames, counted from 0, with their tracks.
        tracks: The highest number of a track so far.
    """

    frames: Tensor
    faces: tuple[Face, ...]
    tracks: int

    def fits(self, frames: Tensor) -> bool:
        """Whether ``frames`` [B, C, H, W] may go on from here."""
        return self.frames.shape[1:] == frames.shape[1:]


def with_lead(frames: Tensor, before: PartEnd | None) -> Tensor:
    """frames: [B, C, H, W] in [0, 1] → [K + B, C, H, W], with those before them, if they are of the same size."""
    if before is None or not before.fits(frames):
        return frames
    return torch.cat((before.frames.to(frames.device, frames.dtype).div_(255), frames))


def restore_part(
    frames: Tensor,
    model: GpenModel,
    detector: FaceDetector | None,
    settings: Settings,
    *,
    video: VideoOptions,
    before: PartEnd | None = None,
    faces: Sequence[Face] | None = None,
    background: Tensor | None = None,
    on_face: Callable[[RestoredFace], None] = lambda face: None,
    **others: Any,
) -> tuple[Restoration, PartEnd]:
    """Restore one part of a clip.

    The end of the part before it is gone through once more, so that faces keep their tracks and are held across the border.
    What comes after the part is not known.

    Args:
        frames: [B, 3 or more, H, W] RGB(…) in [0, 1].
        model: Restores the faces.
        detector: Finds them.
        settings: All settings of the run.
        video: How faces are held.
        before: The end of the part before this one; None for the first. One of frames of another size is left out.
        faces: As in ``restore_image``.
        background: As in ``restore_image``.
        on_face: As in ``restore_image``.
        others: Everything else that ``restore_image`` takes.

    Returns:
        As ``restore_image``, for these frames alone, and their end.
    """
    before = before if before is not None and before.fits(frames) else None
    lead = 0 if before is None else len(before.frames)

    def shown(face: RestoredFace) -> None:
        if (found := face.crop.face).frame >= lead:
            on_face(replace(face, crop=replace(face.crop, face=replace(found, frame=found.frame - lead))))

    if background is not None and lead:  # what is pasted into those before is not looked at
        background = torch.cat((background[:1].expand(lead, -1, -1, -1), background))
    given = None if faces is None else (*(before.faces if before else ()), *_later(faces, lead))
    whole = restore_image(
        with_lead(frames, before), model, detector, settings, faces=given, on_face=shown, video=video, background=background,
        **others,
    )  # fmt: skip
    kept = faces is not None and all(face.track for face in faces)
    numbered = whole.faces if kept or before is None else _renumbered(whole.faces, before)
    here = [place for place, face in enumerate(numbered) if face.frame >= lead]
    own = tuple(_later((numbered[place] for place in here), -lead))
    part = replace(
        whole,
        frames=whole.frames[lead:],
        mask=whole.mask[lead:],
        faces=own,
        facts=tuple(whole.facts[place] for place in here),
        selection=None if lead else whole.selection,
    )
    return part, _end_of(with_lead(frames, before), numbered, before)


def track_part(
    frames: Tensor, faces: Sequence[Face], options: VideoOptions, before: PartEnd | None = None
) -> tuple[tuple[Face, ...], PartEnd]:
    """Follow faces that were found in one part of a clip; see ``track_faces`` and ``restore_part``."""
    before = before if before is not None and before.fits(frames) else None
    lead = 0 if before is None else len(before.frames)
    whole = with_lead(frames, before)
    tracked = track_faces(whole, (*(before.faces if before else ()), *_later(faces, lead)), options)
    tracked = tracked if before is None else _renumbered(tracked, before)
    own = _later((face for face in tracked if face.frame >= lead), -lead)
    return tuple(replace(face, id=number) for number, face in enumerate(own, 1)), _end_of(whole, tracked, before)


def _later(faces: Iterable[Face], by: int) -> list[Face]:
    return [replace(face, frame=face.frame + by) for face in faces]


def _renumbered(faces: Sequence[Face], before: PartEnd) -> tuple[Face, ...]:
    """The same faces, whose tracks bear the numbers that they had in the part before."""
    numbers: dict[int, int] = {}
    for face in faces:
        for known in before.faces:
            if face.track and face.frame == known.frame and overlap(face.box, known.box) > _SAME_FACE:
                numbers.setdefault(face.track, known.track)
    count = before.tracks
    for track in dict.fromkeys(face.track for face in faces):
        if track and track not in numbers:
            count += 1
            numbers[track] = count
    return tuple(replace(face, track=numbers.get(face.track, 0)) for face in faces)


def _end_of(frames: Tensor, faces: Sequence[Face], before: PartEnd | None) -> PartEnd:
    first = max(0, len(frames) - _LEAD)
    last = frames[first:].mul(255).round_().clamp_(0, 255).byte().cpu()
    tracks = max([face.track for face in faces], default=0)
    return PartEnd(
        last, tuple(_later((face for face in faces if face.frame >= first), -first)),
        max(tracks, 0 if before is None else before.tracks),
    )  # fmt: skip
