"""A clip of any length: frames go in and come out one by one, and no more of them are held than the stages look ahead."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from ...checkpoints import GpenModel
from ...errors import OptionError
from ...faces.detectors.base import FaceDetector
from ...faces.parsing import FaceParser
from ...faces.selection import Reference
from ...faces.tracking import Tracker
from ...geometry import size_of
from ...imaging.lanczos import resize_lanczos
from ...modes import AUTO
from ...types import RestoredFace
from ..blend import blend_into, miss_regions
from ..blend_options import BlendOptions
from ..canvas import canvas_size, output_scale
from ..hooks import Hooks
from ..options import Settings
from ..protect import ProtectTools, protections_for
from ..protect.choose import has_floor
from .ahead import Stop, ahead
from .choose import chosen
from .moment import Moment
from .options import VideoOptions
from .scan import Scanner
from .smooth import smoothed
from .steady import steadied
from .work import protected, worked

Item = TypeVar("Item")
_QUEUE = 4  # frames between two threads
_RESULTS = 1  # that wait for whoever takes them: they are the largest


@dataclass(frozen=True, eq=False)
class Result:
    """A frame that is done.

    Attributes:
        number: Of the frame, from 0.
        frame: [C, H', W'] in [0, 1].
        mask: [1, H', W'], the share of each pixel that was replaced.
        faces: Those that were restored in it.
    """

    number: int
    frame: Tensor
    mask: Tensor
    faces: tuple[RestoredFace, ...]


def restore_stream(
    frames: Iterable[Tensor],
    model: GpenModel,
    detector: FaceDetector,
    settings: Settings = Settings(),
    video: VideoOptions = VideoOptions(),
    *,
    reference: Reference | None = None,
    parser: FaceParser | None = None,
    hooks: Hooks = Hooks(),
    tools: ProtectTools = ProtectTools(),
    total: int = 0,
    threads: bool = True,
    canvas: tuple[int, int] | None = None,
) -> Generator[Result, None, None]:
    """Restore the faces of a clip, the same face the same way in every frame.

    Args:
        frames: [3 or more, H, W] RGB(…) each, of one size: uint8, uint16, or floating point in [0, 1].
        model: Restores the faces.
        detector: Finds them.
        settings: Which faces, how, and the size of the result. Scale "auto" is settled by the faces of the first frames.
        video: How steady faces are held.
        reference: Only this person's faces are restored.
        parser: Draws the outline of each face; without one it is an oval.
        hooks: Told after each frame of the stages "detect", "restore" and "blend"; called from several threads.
        tools: Networks that protecting uses.
        total: How many frames there are, for progress; 0 where nobody knows.
        threads: Search for faces, restore, and blend side by side.
        canvas: (height, width) of the result, where it goes on with another one; None: by the settings.

    Returns:
        The frames in their order, each as soon as it is done.

    Raises:
        OptionError: The model's task is none for clips.
        RestorationError: Not even one face fits into memory, or the network yields NaN or infinity.
    """
    if model.task.fills or model.task.is_map:
        raise OptionError(f"{model.name} is for {model.task.name}, which works on pictures, not on clips")
    if settings.restore.whole_picture:
        raise OptionError("whole pictures are worked on one by one: split the clip into images, or leave that to faces")
    miss_regions(settings.blend, hooks)
    steps = protections_for(settings.protect, tools, hooks, settings.blend.strength)
    done = Stop()
    restoring = Stop(done)
    searching = Stop(restoring)

    def beside(
        items: Generator[Item, None, None], stop: Stop, depth: int, *, quiet: bool
    ) -> Generator[Item, None, None]:
        """In a thread of its own: the network takes all cores, what comes before and after it a quarter."""
        return ahead(items, depth, quiet=quiet, stop=stop) if threads else items

    def told(stop: Stop) -> Hooks:
        return replace(hooks, poll=stop.polled(hooks.poll))

    # Each stage closes the one before it, in whose thread nobody else does.
    def restored() -> Generator[Moment, None, None]:
        scanner = Scanner(detector, video, told(searching), Tracker(video.track, tools.identity))
        followed = smoothed(scanner.scan(frames, total), video.look_ahead)
        with closing(beside(followed, searching, _QUEUE, quiet=True)) as moments:
            picked = chosen(moments, settings, reference, tools, model)
            yield from worked(picked, model, settings.restore, told(restoring), total)

    def blended() -> Generator[Result, None, None]:
        with closing(beside(restored(), restoring, _QUEUE, quiet=False)) as moments:
            steady = steadied(protected(moments, steps), video, floored=has_floor(steps))
            yield from _blended(steady, settings.blend, parser, told(done), total, canvas)

    with closing(beside(blended(), done, _RESULTS, quiet=True)) as results:
        yield from results


def _blended(
    moments: Iterator[Moment], options: BlendOptions, parser: FaceParser | None, hooks: Hooks, total: int,
    size: tuple[int, int] | None,
) -> Generator[Result, None, None]:  # fmt: skip
    for moment in moments:
        pixels = moment.pixels()
        size = size or _canvas(moment, options)
        canvas = torch.empty(pixels.shape[0], *size, device=pixels.device)
        resize_lanczos(pixels, size, out=canvas)
        mask = torch.zeros(1, *size, device=pixels.device)
        blend_into(canvas, mask, moment.restored, options, parser, hooks=hooks)
        hooks.progress("blend", moment.number + 1, total, canvas)
        yield Result(moment.number, canvas, mask, moment.restored)


def _canvas(moment: Moment, options: BlendOptions) -> tuple[int, int]:
    """(height, width) of the result. A clip has one size: "auto" is settled by its first frame."""
    frame_size, restored = size_of(moment.frame), moment.restored
    pixels, template = (restored[0].pixels.shape[-1], restored[0].crop.template) if restored else (0, "")
    if options.scale == AUTO and not restored:
        return frame_size
    faces = [face.crop.face for face in restored]
    return canvas_size(frame_size, output_scale(options, faces, frame_size, pixels, template))
