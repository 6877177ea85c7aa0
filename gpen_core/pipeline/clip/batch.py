"""Clips that are in memory as a batch of frames: the stages of a stream, over all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from torch import Tensor

from ...checkpoints import GpenModel
from ...faces.appearance import appearance_of
from ...faces.detectors.base import FaceDetector
from ...faces.tracking import Tracker
from ...types import Face, RestoredFace
from ..frames import check_faces_of, check_frames
from ..hooks import Hooks
from ..options import RestoreOptions
from ..protect.base import Protection
from ..protect.choose import has_floor
from ..restore import checked_faces
from .moment import Moment
from .options import VideoOptions
from .scan import Scanner
from .smooth import smoothed
from .steady import steadied
from .track import tracked
from .work import protected, worked


def scan_faces(
    frames: Tensor, detector: FaceDetector, options: VideoOptions = VideoOptions(), hooks: Hooks = Hooks()
) -> tuple[Face, ...]:
    """Find and follow the faces of a clip.

    Args:
        frames: [B, 3 or more, H, W] RGB(…) in [0, 1].
        detector: Looks at one frame at a time.
        options: How often whole frames are searched, and how landmarks are smoothed.
        hooks: Told after each frame, as stage "detect".

    Returns:
        The faces of all frames, in their order, with ids from 1 and the numbers of their tracks. Their landmarks are smoothed,
        and frames in which a face was missed are filled.

    Raises:
        ImageError: ``frames`` is no such batch.
        RestorationError: There isn't enough memory for one frame.
    """
    check_frames(frames, stored=True)
    found = Scanner(detector, options, hooks, Tracker(options.track)).scan(frames, len(frames))
    return _numbered(frames, smoothed(found, options.look_ahead))


def track_faces(frames: Tensor, faces: Sequence[Face], options: VideoOptions = VideoOptions()) -> tuple[Face, ...]:
    """Follow faces that were found in a clip.

    Args:
        frames: [B, 3 or more, H, W] RGB(…) in [0, 1], in which the faces were found, or a resized copy.
        faces: Of any of these frames. Tracks that they have already are forgotten.
        options: When two faces are one, and how landmarks are smoothed.

    Returns:
        As ``scan_faces``; there are more faces than before where some were filled in, and fewer where some were in a frame or
        two only.

    Raises:
        ImageError: ``frames`` is no such batch, or a face was found in another one.
    """
    check_frames(frames, stored=True)
    check_faces_of(frames, faces)
    moments = (
        Moment(number, frame, tuple(face for face in faces if face.frame == number))
        for number, frame in enumerate(frames)
    )
    return _numbered(frames, smoothed(tracked(moments, Tracker(options.track)), options.look_ahead))


def restore_along(
    frames: Tensor,
    faces: Sequence[Face],
    model: GpenModel,
    options: RestoreOptions = RestoreOptions(),
    steps: Sequence[Protection] = (),
    video: VideoOptions = VideoOptions(),
    hooks: Hooks = Hooks(),
) -> Iterator[RestoredFace]:
    """Restore faces of a clip that were tracked: as ``restore_faces`` does, and they are held steady along their tracks.

    Args:
        frames: [B, 3 or more, H, W] RGB(…) in [0, 1], in which the faces were found, or a resized copy of those.
        faces: From ``track_faces`` or ``scan_faces``.
        model: Restores them.
        options: Alignment and size of a batch.
        steps: From ``protections_for``.
        video: How faces are held.
        hooks: As for ``restore_faces``.

    Returns:
        The restored faces, in the order of the frames.

    Raises:
        ImageError, OptionError, RestorationError: As ``restore_faces``.
    """
    good, _ = checked_faces(frames, faces, model, options, hooks)
    return restored_along(frames, good, model, options, steps, video, hooks)


def restored_along(
    frames: Tensor,
    faces: Sequence[Face],
    model: GpenModel,
    options: RestoreOptions,
    steps: Sequence[Protection],
    video: VideoOptions,
    hooks: Hooks,
) -> Iterator[RestoredFace]:
    """Faces of a clip, restored, protected and held steady along their tracks, in the order of the frames."""
    by_frame: list[list[Face]] = [[] for _ in frames]
    for face in faces:
        by_frame[face.frame].append(face)
    moments = (Moment(number, frame, tuple(by_frame[number])) for number, frame in enumerate(frames))
    made = worked(moments, model, options, hooks, len(frames))
    for moment in steadied(protected(made, steps), video, floored=has_floor(steps)):
        yield from moment.restored


def _numbered(frames: Tensor, moments: Iterable[Moment]) -> tuple[Face, ...]:
    """The faces, with ids, as they look where they are now: many were moved, and some filled in from other frames."""
    faces = [face for moment in moments for face in moment.faces]
    return tuple(
        replace(face, id=number, appearance=appearance_of(frames[face.frame], face))
        for number, face in enumerate(faces, 1)
    )
