"""The files of the networks that losses look through: always the user's, never random numbers under their name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ....errors import CheckpointError, MissingWeightsError
from ....weights.reading import read_checkpoint
from .base import LossConfig, WeightFinder

Network = TypeVar("Network", bound=nn.Module)
_PREFIX = "module."  # DataParallel's


@dataclass(frozen=True)
class LossFile:
    """A published weight file. ``names``: what it is called, the usual name first; ``address``: where it comes from."""

    network: str
    names: tuple[str, ...]
    address: str


def locate(file: LossFile, config: LossConfig, find: WeightFinder) -> Path:
    """The path that ``config`` gives, or that ``find`` knows. Raises MissingWeightsError with the address."""
    if config.file is not None:
        path = Path(config.file).expanduser()
        found = path if path.is_file() else find(config.file)
        if found is None:
            raise MissingWeightsError(f"{path}: no such file, asked for by the loss '{config.kind}'. {_advice(file)}")
        return found
    for name in file.names:
        if (found := find(name)) is not None:
            return found
    raise MissingWeightsError(
        f"the loss '{config.kind}' needs the weights of {file.network}, {file.names[0]}, and they are not on this machine. "
        f"{_advice(file)} Or leave that loss out of the configuration."
    )


def _advice(file: LossFile) -> str:
    return f"Get {file.names[0]} from {file.address} and put it into a folder of weights, or name its path as the loss's file."


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors in ``path``, out of a ``state_dict`` wrapper and without DataParallel's prefix. Raises CheckpointError."""
    content: Mapping[str, Any] = read_checkpoint(path).content
    inner = content.get("state_dict")
    content = inner if isinstance(inner, Mapping) else content
    return {str(key).removeprefix(_PREFIX): value for key, value in content.items() if isinstance(value, Tensor)}


def load_exactly(module: nn.Module, state: Mapping[str, Tensor], path: Path, file: LossFile) -> None:
    """Give ``module``, built on the meta device, every weight from ``state``, which may hold no others, as float32 copies.

    Raises CheckpointError, naming the file and what is wrong with it.
    """
    expected = module.state_dict()
    state = {**_counters(expected), **state}
    _check_names(expected, state, path, file)
    for key, value in state.items():
        if value.shape != expected[key].shape:
            raise CheckpointError(
                f"{path.name}: '{key}' is {list(value.shape)}; in {file.network} it is {list(expected[key].shape)}. "
                f"{_advice(file)}"
            )
        if not value.double().sum().isfinite():
            raise CheckpointError(f"{path.name}: '{key}' holds NaN or infinity: the file is damaged. {_advice(file)}")
    # A copy, not a view of the file: a file replaced while mapped would take the process down.
    owned = {key: value.detach().to(expected[key].dtype, copy=True) for key, value in state.items()}
    module.load_state_dict(owned, strict=True, assign=True)


def _counters(expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Batches seen by the batch normalizations: files of old PyTorch lack them, and a frozen network ignores them."""
    return {key: torch.tensor(0) for key in expected if key.endswith("num_batches_tracked")}


def _check_names(expected: Mapping[str, Tensor], state: Mapping[str, Tensor], path: Path, file: LossFile) -> None:
    missing = next((key for key in expected if key not in state), None)
    if missing is not None:
        raise CheckpointError(f"{path.name}: no '{missing}' in it. This is not {file.network}. {_advice(file)}")
    strange = next((key for key in state if key not in expected), None)
    if strange is not None:
        raise CheckpointError(f"{path.name}: '{strange}' is not of {file.network}. {_advice(file)}")


def frozen(module: Network, device: torch.device | str) -> Network:
    """``module`` as a loss uses it: frozen, in evaluation mode, channels last."""
    module.to(device)
    module.to(memory_format=torch.channels_last)
    module.requires_grad_(False)
    module.eval()
    return module
