"""From file to file: which images, where their results go, with what they are restored, and one of them done."""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .companions import Companions
    from .job import Job
    from .options import FileOptions, Person, ToolOptions
    from .plan import Output, plan_jobs
    from .run import Done, restore_job
    from .sequences import FrameSequence, restore_sequence_job, with_sequences
    from .sources import Found, Source, find_pictures
    from .tools import Tools, load_tools

__all__ = [
    "Companions",
    "Done",
    "FileOptions",
    "Found",
    "FrameSequence",
    "Job",
    "Output",
    "Person",
    "Source",
    "ToolOptions",
    "Tools",
    "find_pictures",
    "load_tools",
    "plan_jobs",
    "restore_job",
    "restore_sequence_job",
    "with_sequences",
]

__getattr__ = lazy_names(
    __name__,
    {
        "companions": ("Companions",),
        "options": ("FileOptions", "Person", "ToolOptions"),
        "job": ("Job",),
        "plan": ("Output", "plan_jobs"),
        "run": ("Done", "restore_job"),
        "sequences": ("FrameSequence", "restore_sequence_job", "with_sequences"),
        "sources": ("Found", "Source", "find_pictures"),
        "tools": ("Tools", "load_tools"),
    },
)
