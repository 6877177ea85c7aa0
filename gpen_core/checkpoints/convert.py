"""Say what a checkpoint is, and write it as safetensors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ..files import file_sha256
from ..model import GpenConfig
from ..tasks import Task
from ..weights.catalog import PUBLISHED, WeightFile
from .load import read_generator
from .save import check_destination, write_generator


@dataclass(frozen=True)
class Description:
    """What a checkpoint is.

    ``published``: the catalog's entry whose sum this file has. ``completed_by``: the file beside it that holds what it lacks.
    """

    name: str
    bytes: int
    sha256: str
    config: GpenConfig
    task: Task
    entries: int
    parameters: int
    dtypes: tuple[str, ...]
    published: WeightFile | None
    completed_by: str | None = None


def describe(path: str | Path) -> Description:
    """Read a checkpoint and say what it is.

    Args:
        path: Any file that ``load_checkpoint`` reads; of an ``.onnx`` file, the weights must be readable out of the graph.

    Raises:
        CheckpointError: It is no complete GPEN generator.
    """
    path = Path(path)
    generator = read_generator(path)
    state = generator.state
    digest = file_sha256(path)
    return Description(
        name=path.name,
        bytes=path.stat().st_size,
        sha256=digest,
        config=generator.config,
        task=generator.task,
        entries=len(state),
        parameters=sum(value.numel() for value in generator.network.parameters()),
        dtypes=tuple(sorted({str(value.dtype).removeprefix("torch.") for value in state.values()})),
        published=next((entry for entry in PUBLISHED if entry.sha256 == digest), None),
        completed_by=generator.completed_by,
    )


def convert(
    source: str | Path, destination: str | Path, *, dtype: torch.dtype | None = None, part: str | None = None
) -> Description:
    """Write a GPEN generator as safetensors. The file appears whole or not at all.

    Args:
        source: Any file that ``load_checkpoint`` reads.
        destination: A name ending in ``.safetensors``.
        dtype: Precision in the file (float16 and bfloat16 halve it); None: as in ``source``.
        part: Which generator of several in ``source``; as for ``load_checkpoint``.

    Returns:
        What was written. Its metadata holds configuration, task, and the source's name and sha256.

    Raises:
        OptionError: The name ends otherwise, or there is no such part in the source.
        CheckpointError: The source is no complete GPEN generator, or its weights do not fit ``dtype``.
    """
    source, destination = Path(source), Path(destination)
    check_destination(destination)
    generator = read_generator(source, part=part)
    origin = {"gpen.source_name": source.name, "gpen.source_sha256": file_sha256(source)}
    write_generator(
        generator.config, generator.state, destination, task=generator.task.name, dtype=dtype, metadata=origin
    )
    return describe(destination)
