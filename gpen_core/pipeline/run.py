"""The whole pipeline: detect, restore, protect and blend a batch of frames, one batch of faces at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from ..checkpoints import GpenModel
from ..errors import OptionError
from ..faces.alignment import WHOLE
from ..faces.detectors.base import FaceDetector
from ..faces.exchange import WholePictures
from ..faces.parsing import FaceParser
from ..faces.quality import load_quality
from ..faces.selection import Reference, Selection, choose_faces
from ..imaging.batches import joined_background
from ..types import Face, FaceFacts, RestoredFace
from .blend import blend_each
from .canvas import result_size
from .clip.batch import restored_along, scan_faces, track_faces
from .clip.options import VideoOptions
from .detect import find_faces
from .frames import check_background, check_faces_of, check_frames, notice_another_picture
from .given_mask import checked_input, say_what_was_left, touched
from .hooks import Hooks, polled
from .options import Settings
from .protect import ProtectTools, protect_faces, protections_for
from .rate import rate_faces
from .restore import restore_each, template_for
from .workable import workable_faces


@dataclass(frozen=True, eq=False)
class Restoration:
    """What became of a batch of frames.

    Attributes:
        frames: [B, C, H', W'] in [0, 1].
        mask: [B, 1, H', W'], the share of each pixel that was replaced.
        faces: Those that were worked on, with their quality; empty where none was found.
        facts: What is known of each of them.
        selection: What was decided about each face that was detected; None where the faces were given.
    """

    frames: Tensor
    mask: Tensor
    faces: tuple[Face, ...]
    facts: tuple[FaceFacts, ...] = ()
    selection: Selection | None = None


def _ignore(face: RestoredFace) -> None:
    """Restored faces that nobody looks at."""


@polled
def restore_image(
    frames: Tensor,
    model: GpenModel,
    detector: FaceDetector | None,
    settings: Settings = Settings(),
    *,
    faces: Sequence[Face] | None = None,
    reference: Reference | None = None,
    parser: FaceParser | None = None,
    background: Tensor | None = None,
    hooks: Hooks = Hooks(),
    on_face: Callable[[RestoredFace], None] = _ignore,
    tools: ProtectTools = ProtectTools(),
    in_place: bool = False,
    video: VideoOptions | None = None,
    mask: Tensor | None = None,
) -> Restoration:
    """Detect, select, align, restore, protect and blend, over a batch of frames.

    Faces of several frames share a batch, and a frame is blended as soon as its last face is done.

    Args:
        frames: [B, 3 or more, H, W] RGB(…) in [0, 1]. Channels after the third are kept. Whole numbers as files have them,
            uint8 or uint16, give the same result rounded to such, in a fifth of the memory, where the size stays the same.
        model: Restores the faces.
        detector: Finds them; may be None where ``faces`` says which.
        settings: All settings of the run.
        faces: Those to work on, found in these frames and chosen already: nothing is detected or selected. None: the
            detector finds them, and ``settings.select`` chooses.
        reference: Of the faces that the detector finds, only this person's are worked on.
        parser: Draws the outline of each face; without one it is an oval.
        background: The same frames already upscaled; see ``blend_faces``.
        hooks: Told after each step of the stages "detect", "restore" and "blend".
        on_face: Sees each restored face once, as it is blended.
        tools: Networks that protecting uses.
        in_place: The frames may be overwritten by the result, which saves a copy.
        video: The frames are a clip: each face is followed through it and held steady. None: they are pictures by themselves.
        mask: [B or 1, 1, h, w] in [0, 1], what is to be filled, for models that fill (``model.task.fills``): of any size of the
            frames' shape. Where it is 0, frames come back bit for bit.

    Returns:
        The frames at the scale asked for; frames without faces are resized only. Of a label map, the face that was made of it,
        at the model's size times the scale.

    Raises:
        ImageError: ``frames`` or ``background`` is no such batch, or a face was found in another picture.
        OptionError: There is neither a detector nor faces; or a mask is missing, or of no use to the model.
        RestorationError: Not even one face fits into memory, or the network yields NaN or infinity.
    """
    check_frames(frames, stored=True)
    if background is not None:
        check_background(frames, background)
        background = joined_background(frames, background)
    template = template_for(model, settings.restore)
    fill = checked_input(frames, model, mask, hooks)
    if template == WHOLE:
        detector, faces = WholePictures(), None
    if model.task.fills or template == WHOLE:
        video = None

    def workable(faces: Sequence[Face]) -> tuple[Face, ...]:
        check_faces_of(frames, faces)
        good = workable_faces(frames, faces, model.config.input_size, template, hooks.miss)
        return good if fill is None else touched(good, fill, template)

    selection = None
    if faces is None:
        found = workable(_found(frames, detector, hooks, video))
        if settings.select.asks_quality:
            found = rate_faces(frames, found, tools.quality or load_quality(), model.config.input_size, template)
        likeness = None if reference is None else reference.likeness(frames, found)
        selection = choose_faces(found, settings.select, likeness=likeness)
    faces = _in_order(frames, workable(faces or ()), hooks) if selection is None else selection.chosen
    if video is not None and not all(face.track for face in faces):
        faces = track_faces(frames, faces, video)
    size = result_size(frames, background, settings.blend, faces, model.config.output_size, template, model.task.is_map)
    asked = settings.blend.strength
    steps = protections_for(settings.protect, tools, hooks, asked)
    done: list[tuple[Face, FaceFacts]] = []

    def seen(face: RestoredFace) -> None:
        done.append((face.crop.face, replace(face.facts, strength=face.facts.strength * asked)))
        on_face(face)

    if video is None:
        protected = protect_faces(frames, restore_each(frames, faces, model, settings.restore, hooks, fill), steps)
    else:
        protected = restored_along(frames, faces, model, settings.restore, steps, video, hooks)
    by_frame = _by_frame(_watched(protected, seen), len(frames))
    blended = blend_each(
        frames, by_frame, size, settings.blend, parser=parser, background=background, hooks=hooks,
        in_place=in_place and background is None,
    )  # fmt: skip
    if fill is not None:
        say_what_was_left(fill, blended.mask, hooks.miss)
    return Restoration(
        blended.frames, blended.mask, tuple(face for face, _ in done), tuple(facts for _, facts in done), selection
    )


def _found(frames: Tensor, detector: FaceDetector | None, hooks: Hooks, video: VideoOptions | None) -> tuple[Face, ...]:
    if detector is None:
        raise OptionError("nothing says where the faces are: give a detector, or the faces")
    return find_faces(frames, detector, hooks) if video is None else scan_faces(frames, detector, video, hooks)


def _in_order(frames: Tensor, faces: Iterable[Face], hooks: Hooks) -> tuple[Face, ...]:
    """Faces that were given, in the order of their frames."""
    ordered = tuple(sorted(faces, key=lambda face: face.frame))
    notice_another_picture(frames, ordered, hooks.miss)
    return ordered


def _watched(faces: Iterable[RestoredFace], on_face: Callable[[RestoredFace], None]) -> Iterator[RestoredFace]:
    for face in faces:
        on_face(face)
        yield face


def _by_frame(faces: Iterator[RestoredFace], frames: int) -> Iterator[list[RestoredFace]]:
    """The faces of every frame in turn, reading no further than needed. ``faces`` come in order of frames."""
    waiting = next(faces, None)
    for index in range(frames):
        mine = []
        while waiting is not None and waiting.crop.face.frame == index:
            mine.append(waiting)
            waiting = next(faces, None)
        yield mine
