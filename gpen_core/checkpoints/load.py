"""From a file to a model that restores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..engines import engine_for
from ..errors import CheckpointError, OptionError, one_line
from ..model import Gpen, GpenConfig
from ..polling import current_poll
from ..tasks import TASKS, Task
from ..weights.catalog import published_named
from ..weights.mistaken import split_models_named
from ..weights.onnx_file import looks_like_onnx
from ..weights.reading import read_checkpoint
from ..weights.source import source_named
from .canonicalize import StateDict, canonical_state
from .completing import completed, rest_of
from .infer import check_state, config_of
from .metadata import TASK_KEY
from .model import GpenModel


@dataclass(frozen=True, eq=False)
class Generator:
    """A complete generator as its file holds it.

    ``network`` has its shape but no memory yet; ``state`` is its weights, which may be backed by the file.
    """

    network: Gpen
    state: StateDict
    task: Task
    completed_by: str | None = None  # the file beside it that holds the rest

    @property
    def config(self) -> GpenConfig:
        """The network's shape."""
        return self.network.config


def read_generator(path: Path, task: str | None = None, part: str | None = None) -> Generator:
    """What ``load_checkpoint``, ``describe`` and ``convert`` begin with. Raises CheckpointError or OptionError."""
    _check_task(task)
    with source_named(path):
        return _read(path, task, part)


def _read(path: Path, task: str | None, part: str | None) -> Generator:
    if looks_like_onnx(path):
        from .onnx.read import read_onnx

        _check_no_part(path, part)
        return read_onnx(path, task)
    raw = read_checkpoint(path)
    rest = rest_of(raw, path.name)
    if rest is not None:
        raw = completed(raw, rest, path)

    def network_of(state: StateDict) -> Gpen:
        return check_state(state, config_of(state, raw.metadata, path.name), path.name)

    def is_whole(state: StateDict) -> bool:
        try:
            network_of(state)
        except CheckpointError:
            return False
        return True

    with split_models_named(path, "a GPEN generator"):
        state = canonical_state(raw.content, path.name, is_whole, part)
        network = network_of(state)
    return Generator(network, state, task_of(task, raw.metadata, path), None if rest is None else rest.file)


def load_checkpoint(
    path: str | Path,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    task: str | None = None,
    part: str | None = None,
) -> GpenModel:
    """Load any GPEN generator: published or trained, of either family.

    The network's shape is what the file's metadata says or else, of the published family, what its weights say. Allocates
    what the weights need and nothing more.

    Args:
        path: A ``.pth``, ``.pt``, ``.safetensors`` or ``.onnx`` file. Nothing that is in it is run but an ONNX graph, by ONNX
            Runtime, where its weights cannot be read back.
        device: Where the weights go.
        dtype: Precision of the weights.
        task: What the model was trained for (a key of ``TASKS``), the one thing that no weight tells. None: what the file's
            metadata says, else the published file of this name, else "restoration".
        part: Which generator is meant in a file of several, by the name under which it lies ("g", "models.fast"). None: the
            only one; averaged weights ("g_ema") stand for raw ones ("g").

    Returns:
        The model, ready to be called.

    Raises:
        CheckpointError: The file is damaged, incomplete, of another network, or holds more than weights.
        OptionError: There is no such task, or no such part in the file.
    """
    _check_task(task)
    path = Path(path)
    with source_named(path):
        if looks_like_onnx(path):
            from .onnx.load import load_onnx

            _check_no_part(path, part)
            return load_onnx(path, torch.device(device), dtype, task)
        return model_of(_read(path, task, part), path.name, device, dtype)


def model_of(generator: Generator, name: str, device: torch.device | str, dtype: torch.dtype) -> GpenModel:
    """The model of a generator that has been read. Raises CheckpointError for weights that are no numbers."""
    take_over(generator.state, dtype, device)
    check_finite(generator.state, name)
    module = generator.network
    module.load_state_dict(generator.state, strict=True, assign=True)
    engine = engine_for(generator.config, device, dtype)
    return GpenModel(generator.config, module.requires_grad_(False).eval(), generator.task, name, engine)


def take_over(state: StateDict, dtype: torch.dtype, device: torch.device | str = "cpu") -> None:
    """Put copies in the place of all weights: a file replaced while it is mapped would take the process down.

    One by one, so that a file that is read instead of mapped (torch's old layout) is not held twice.
    """
    poll = current_poll()
    for key in state:
        poll()
        state[key] = state[key].to(device=device, dtype=dtype, copy=True)


def task_of(asked: str | None, metadata: Mapping[str, str], path: Path) -> Task:
    """The task asked for, else the file's own metadata's, else that of the published file of this name."""
    published = published_named(path.stem)
    name = asked or metadata.get(TASK_KEY) or (published.task if published else "restoration")
    if name not in TASKS:
        raise CheckpointError(f"{path.name}: unknown task '{name}'. Known: {', '.join(TASKS)}.")
    return TASKS[name]


def _check_task(asked: str | None) -> None:
    """Before the file is read, which is not to blame for it."""
    if asked and asked not in TASKS:
        raise OptionError(f"unknown task '{asked}'. Known: {', '.join(TASKS)}.")


def _check_no_part(path: Path, part: str | None) -> None:
    if part is not None:
        raise OptionError(
            one_line(f"{path.name}: no part '{part:.60}' in it, since an ONNX file is one model. Leave it out.")
        )


def check_finite(state: Mapping[str, Tensor], name: str) -> None:
    """Raise CheckpointError for weights that are no numbers in the precision they have. NaN and infinity survive a sum."""
    for key, value in state.items():
        if not torch.isfinite(value.sum(dtype=torch.float32)):
            advice = "they may not fit float16: try bfloat16" if value.dtype == torch.float16 else "training diverged"
            raise CheckpointError(f"{name}: '{key}' holds NaN or infinite values. The file is damaged, or {advice}.")
