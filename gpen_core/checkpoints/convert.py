"""Write a checkpoint as safetensors: no pickle, half the loading time, and it says what it is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from ..errors import OptionError
from ..files import file_sha256, written_whole
from ..model import GpenConfig
from .catalog import PUBLISHED, Task, WeightFile
from .load import check_finite, read_generator


@dataclass(frozen=True)
class Description:
    """What a checkpoint is. ``published``: the catalogue's entry whose sum this file has."""

    name: str
    bytes: int
    sha256: str
    config: GpenConfig
    task: Task
    entries: int
    parameters: int
    dtypes: tuple[str, ...]
    published: WeightFile | None


def describe(path: str | Path) -> Description:
    """Read a checkpoint and say what it is. Raises CheckpointError where it is no complete GPEN generator."""
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
        parameters=sum(value.numel() for key, value in state.items() if not key.endswith(".kernel")),
        dtypes=tuple(sorted({str(value.dtype).removeprefix("torch.") for value in state.values()})),
        published=next((entry for entry in PUBLISHED if entry.sha256 == digest), None),
    )


def convert(source: str | Path, destination: str | Path, *, dtype: torch.dtype | None = None) -> Description:
    """Write ``source`` (any readable GPEN generator) to ``destination`` as safetensors, and describe the result.

    ``dtype`` narrows the weights (float16 and bfloat16 halve the file); None keeps theirs. Configuration, task and the
    source's name and sha256 are written as metadata. The file appears whole or not at all.
    """
    source, destination = Path(source), Path(destination)
    if destination.suffix.lower() != ".safetensors":
        raise OptionError(f"{destination.name}: the converted file's name must end in .safetensors")
    generator = read_generator(source)
    metadata = {
        "format": "pt",
        "gpen.config": json.dumps(asdict(generator.config)),
        "gpen.task": generator.task.name,
        "gpen.source_name": source.name,
        "gpen.source_sha256": file_sha256(source),
    }
    # Cloned, since tensors of a pickle may share storage, which safetensors refuses.
    tensors = {key: value.to(dtype or value.dtype).clone().contiguous() for key, value in generator.state.items()}
    check_finite(tensors, source.name)
    with written_whole(destination) as temporary:
        save_file(tensors, temporary, metadata)
    return describe(destination)
