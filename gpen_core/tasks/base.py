"""A task in one description: how its input is made, where the face comes from, and how the result returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from torch import Tensor


def as_it_is(pictures: Tensor, fill: Tensor | None = None) -> Tensor:
    """What the network is shown of [N, 3, S, S]: all of it."""
    return pictures


def as_made(made: Tensor, own: Tensor) -> Tensor:
    """What returns of what the network made, [3, h, w]: all of it."""
    return made


def nothing_to_say(frame: Tensor) -> Iterable[str]:
    """Any picture will do."""
    return ()


@dataclass(frozen=True)
class Task:
    """What a model was trained for. Pipeline, command line and nodes go by this alone.

    Attributes:
        name: Identifies the task.
        purpose: Input → output, for the user.
        template: Alignment template of the training faces.
        unshifted: What the network takes and gives is in [0, 1] instead of [-1, 1].
        keeps_colors: The output has the colors of the input, so they can be matched to the original.
        gives_color: A gray picture becomes one in color.
        fills: What is worked on is a mask's inside, which the user draws; outside of it the picture stays as it is.
        is_map: The input is a label map: the map itself is the face, and the result has the model's size.
        at_size: (a whole picture [3 or more, H, W], side) → [3, side, side] RGB in [0, 1], where the usual resize, which mixes
            neighbors, will not do; else None.
        whole_pictures: Whole pictures can be given, too, as the published demo does, and not only faces.
        shown: (pictures [N, 3, S, S] RGB in [0, 1], fill [N, 1, S, S] in [0, 1] or None) → what the network is shown of them,
            in [0, 1]. What was shown already is not changed by being shown again without ``fill``.
        returned: (what the network made [3, h, w], the picture there [3, h, w], both RGB in [0, 1]) → what is blended into the
            picture, before masks.
        noticed: A frame [3 or more, H, W] → sentences about what will become of it. Raises ImageError for a picture that is
            no input of this task.
    """

    name: str
    purpose: str
    template: str = "gpen"
    unshifted: bool = False
    keeps_colors: bool = False
    gives_color: bool = False
    fills: bool = False
    is_map: bool = False
    whole_pictures: bool = False
    shown: Callable[..., Tensor] = as_it_is
    returned: Callable[[Tensor, Tensor], Tensor] = as_made
    noticed: Callable[[Tensor], Iterable[str]] = nothing_to_say
    at_size: Callable[[Tensor, int], Tensor] | None = None
