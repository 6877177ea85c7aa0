"""The published tasks."""

from __future__ import annotations

from types import MappingProxyType

from .base import Task
from .coloring import brightness_of, colors_were_there, with_brightness_of
from .filling import white_where
from .labels import check_labels, labels_at

TASKS = MappingProxyType(
    {
        task.name: task
        for task in (
            Task("restoration", "blurred, noisy, compressed faces → clean faces", keeps_colors=True),
            Task(
                "restoration-ffhq", "blurred, noisy, compressed faces, aligned as FFHQ's → clean faces", template="ffhq",
                keeps_colors=True,
            ),
            Task(
                "colorization", "grayscale faces → color faces", template="ffhq", gives_color=True, whole_pictures=True,
                shown=brightness_of, returned=with_brightness_of, noticed=colors_were_there,
            ),
            Task(
                "inpainting", "faces with white areas → complete faces", template="ffhq", fills=True, whole_pictures=True,
                shown=white_where,
            ),
            Task(
                "seg2face", "segmentation colors → faces", template="ffhq", unshifted=True, gives_color=True, is_map=True,
                noticed=check_labels, at_size=labels_at,
            ),
        )
    }
)  # fmt: skip


def gives_color(name: str) -> bool:
    """Whether a task of this name makes color pictures of gray ones; False for a name that nobody knows."""
    return name in TASKS and TASKS[name].gives_color
