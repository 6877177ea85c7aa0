"""Faces from random noise vectors: single ones, and strips from one to another."""

from .options import Sample, SampleOptions
from .sample import sample_faces, sampling_bytes
from .sheet import contact_sheet

__all__ = ["Sample", "SampleOptions", "contact_sheet", "sample_faces", "sampling_bytes"]
