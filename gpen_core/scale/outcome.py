"""What became of one job, as a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PLANNED, DONE, FAILED = "planned", "done", "failed"


@dataclass(frozen=True)
class Outcome:
    """What became of one job.

    Attributes:
        source: The image.
        target: Its result.
        status: "planned", "done" or "failed".
        text: What the log says of it; of a failure, the reason.
        settings: Fingerprint of all that decides about the result beside the image.
        notes: What a user should know, one a line.
        height: Of the result, in pixels.
        width: Of the result, in pixels.
        faces: How many were worked on.
        bytes: Size of the result's file.
        sha256: Its checksum.
        attempts: How often it was begun.
        seconds: What it took.
        worker: Machine and process.
        finished: When it arrived, in seconds since 1970 by the command's clock: of two rows of one target, the later one
            counts.
    """

    source: str
    target: str
    status: str
    text: str = ""
    settings: str = ""
    notes: str = ""
    height: int = 0
    width: int = 0
    faces: int = 0
    bytes: int = 0
    sha256: str = ""
    attempts: int = 0
    seconds: float = 0.0
    worker: str = ""
    finished: float = 0.0


def outcome_schema() -> Any:
    """The columns, for pyarrow."""
    import pyarrow as pa

    kinds = {"str": pa.string(), "int": pa.int64(), "float": pa.float64()}
    return pa.schema([(name, kinds[str(kind)]) for name, kind in Outcome.__annotations__.items()])
