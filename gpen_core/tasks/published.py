"""The published tasks."""

from __future__ import annotations

from types import MappingProxyType

from ..errors import OptionError
from .base import Task
from .coloring import brightness_of, colors_were_there, with_brightness_of
from .filling import white_where
from .labels import check_labels, labels_at
from .names import COLORIZATION, INPAINTING, RESTORATION, RESTORATION_FFHQ, SEG2FACE

TASKS = MappingProxyType(
    {
        task.name: task
        for task in (
            Task(RESTORATION, "blurred, noisy, compressed faces → clean faces", keeps_colors=True),
            Task(
                RESTORATION_FFHQ, "blurred, noisy, compressed faces, aligned as FFHQ's → clean faces", template="ffhq",
                keeps_colors=True,
            ),
            Task(
                COLORIZATION, "grayscale faces → color faces", template="ffhq", gives_color=True, whole_pictures=True,
                shown=brightness_of, returned=with_brightness_of, noticed=colors_were_there,
            ),
            Task(
                INPAINTING, "faces with white areas → complete faces", template="ffhq", fills=True, whole_pictures=True,
                shown=white_where,
            ),
            Task(
                SEG2FACE, "segmentation colors → faces", template="ffhq", unshifted=True, gives_color=True, is_map=True,
                noticed=check_labels, at_size=labels_at,
            ),
        )
    }
)  # fmt: skip


_MODELS = MappingProxyType(
    {
        COLORIZATION: "GPEN-Colorization-1024",
        INPAINTING: "GPEN-Inpainting-1024",
        SEG2FACE: "GPEN-Seg2face-512",
    }
)


def check_task(model: str, task: Task, wanted: str) -> None:
    """Raise OptionError where a model of another task is given than the one wanted.

    Args:
        model: The model's name.
        task: What it was trained for.
        wanted: A key of ``TASKS``.
    """
    if task.name != wanted:
        raise OptionError(
            f"{model} is for {task.name}, but {wanted} is asked for: choose {_MODELS.get(wanted, 'another model')}. If it was "
            f"trained for {wanted} and its file does not say so, choose that task where it is loaded."
        )


def gives_color(name: str) -> bool:
    """Whether a task of this name makes color pictures of gray ones; False for a name that nobody knows."""
    return name in TASKS and TASKS[name].gives_color
