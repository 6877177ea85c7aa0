"""The saved states of a run: written whole, the last few kept, the newest read again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ...errors import CheckpointError, OptionError, TrainingError
from ...files import sweep_own, written_whole
from ...weights.reading import read_checkpoint
from .config import TrainConfig
from .tables import from_table

_IGNORED = ("saving", "validation", "compile", "checkpointing", "deterministic")  # may change: the result is the same
_PATTERN = "state_*.pt"


class States:
    """States live in ``folder/states/state_00001234.pt``: weights, averages, optimizers, step, configuration."""

    def __init__(self, folder: Path, config: TrainConfig) -> None:
        self.run, self.folder, self.config = folder, folder / "states", config

    def sweep(self) -> None:
        """Remove what a process killed while it wrote has left; for the process that writes."""
        for folder in (self.run, self.folder, self.run / "samples"):
            sweep_own(folder)

    def save(self, step: int, content: dict[str, Any]) -> Path:
        """Raises TrainingError where it cannot be written, such as for a full disk."""
        path = self.folder / f"state_{step:08d}.pt"
        try:
            with (
                written_whole(path) as temporary,
                temporary.open("wb") as file,
            ):  # torch's own files hide what went wrong
                torch.save({**content, "step": step, "config": described(self.config)}, file)
        except (OSError, RuntimeError) as error:
            failed = _of_the_system(error)
            if failed is None:
                raise
            raise TrainingError(
                f"{path} could not be written ({failed.strerror or failed}). {self.last_good()} Free space and repeat the "
                "command to go on."
            ) from error
        for old in self._paths()[: -self.config.saving.keep]:
            old.unlink()
        return path

    def newest(self, data: str, *, accept_changes: bool = False) -> dict[str, Any] | None:
        """The newest state, on the CPU; None where there is none. Raises TrainingError where the configuration, or the
        pictures (of which ``data`` is the fingerprint), that it was trained with are others, unless that is accepted."""
        paths = self._paths()
        if not paths:
            return None
        try:
            state: dict[str, Any] = _copied(read_checkpoint(paths[-1]).content)
            then, step = state["config"], state["step"]
        except (CheckpointError, KeyError) as error:
            raise TrainingError(
                f"{paths[-1]} cannot be read ({error}). Delete it to go on from the one before."
            ) from error
        if not accept_changes:
            changed = changes(then, self.config) + (["the pictures"] if state.get("data", data) != data else [])
            self._refuse(changed, paths[-1])
        if step > self.config.steps:
            raise TrainingError(
                f"{paths[-1]}: {step} steps are done already, more than the {self.config.steps} asked for"
            )
        return state

    def last_good(self) -> str:
        paths = self._paths()
        return f"The last good state is {paths[-1]}." if paths else "No state had been saved yet."

    def _refuse(self, changed: list[str], path: Path) -> None:
        if changed:
            raise TrainingError(
                f"{path} was trained with other settings of: {', '.join(changed)}. Give another folder with --out, or "
                "--accept-changes to go on with the new settings."
            )

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob(_PATTERN))


def _of_the_system(error: BaseException | None) -> OSError | None:
    """The system's error, where torch raised another one while it closed its half-written file."""
    while error is not None and not isinstance(error, OSError):
        error = error.__context__
    return error


def _copied(content: Any) -> Any:
    """The same in memory of its own: a file that is read is mapped, and what is mapped must not be trained on."""
    if isinstance(content, torch.Tensor):
        return content.clone()
    if isinstance(content, Mapping):
        return {key: _copied(value) for key, value in content.items()}
    return type(content)(map(_copied, content)) if type(content) in (list, tuple) else content


def size_of(state: dict[str, Any]) -> int:
    """The size of the network in a saved state: that of the phase its last step belonged to, by the configuration then."""
    step, size = state["step"] - 1, 0
    for phase in json.loads(state["config"])["phases"]:
        size = phase["size"]
        if step < phase["steps"]:
            break
        step -= phase["steps"]
    return int(size)


def described(config: TrainConfig) -> str:
    """The settings that decide the result, as JSON."""
    table = dataclasses.asdict(config)
    table["data"].pop("workers")
    return json.dumps({key: value for key, value in table.items() if key not in _IGNORED}, sort_keys=True)


def changes(then: str, now: TrainConfig) -> list[str]:
    """The names of settings that are not what ``described`` wrote. One that did not exist then had its default."""
    try:
        before = json.loads(described(from_table(TrainConfig, json.loads(then), "state")))
    except (OptionError, ValueError):
        before = json.loads(then)
    after = json.loads(described(now))
    return [key for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)]
