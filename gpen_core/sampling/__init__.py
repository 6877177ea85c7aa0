"""Generate faces from random noise, and interpolate between seeds."""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .options import Sample, SampleOptions
    from .sample import sample_faces, sampling_bytes
    from .sheet import contact_sheet

__all__ = ["Sample", "SampleOptions", "contact_sheet", "sample_faces", "sampling_bytes"]

__getattr__ = lazy_names(
    __name__,
    {
        "options": ("Sample", "SampleOptions"),
        "sample": ("sample_faces", "sampling_bytes"),
        "sheet": ("contact_sheet",),
    },
)
