"""The saved states of a run: written whole, the last few kept, the newest read again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch

from ..errors import TrainingError
from ..files import written_whole
from .config import TrainConfig

_IGNORED = ("saving", "validation", "compile", "checkpointing")  # what may change without changing the result
_PATTERN = "state_*.pt"


class States:
    """States live in ``folder/states/state_00001234.pt``: weights, averages, optimizers, step, configuration."""

    def __init__(self, folder: Path, config: TrainConfig) -> None:
        self.folder, self.config = folder / "states", config

    def sweep(self) -> None:
        """Remove what a process killed while it wrote has left; for the process that writes."""
        for unfinished in self.folder.glob(f".{_PATTERN}"):
            unfinished.unlink()

    def save(self, step: int, content: dict[str, Any]) -> Path:
        path = self.folder / f"state_{step:08d}.pt"
        with written_whole(path) as temporary:
            torch.save({**content, "step": step, "config": described(self.config)}, temporary)
        for old in self._paths()[: -self.config.saving.keep]:
            old.unlink()
        return path

    def newest(self, *, accept_changes: bool = False) -> dict[str, Any] | None:
        """The newest state, on the CPU; None where there is none. Raises TrainingError where the configuration it was
        trained with is another, unless that is accepted."""
        paths = self._paths()
        if not paths:
            return None
        try:
            state: dict[str, Any] = torch.load(paths[-1], map_location="cpu", weights_only=True)
        except Exception as error:  # torch and pickle raise almost anything for a damaged file
            raise TrainingError(
                f"{paths[-1]} cannot be read ({error}). Delete it to go on from the one before."
            ) from error
        if not accept_changes:
            self._check(state["config"], paths[-1])
        return state

    def last_good(self) -> str:
        paths = self._paths()
        return f"The last good state is {paths[-1]}." if paths else "No state had been saved yet."

    def _check(self, then: str, path: Path) -> None:
        before, now = json.loads(then), json.loads(described(self.config))
        changed = [key for key in sorted(before.keys() | now.keys()) if before.get(key) != now.get(key)]
        if changed:
            raise TrainingError(
                f"{path} was trained with other settings of: {', '.join(changed)}. Give another folder with --out, or "
                "--accept-changes to go on with the new settings."
            )

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob(_PATTERN))


def described(config: TrainConfig) -> str:
    """The settings that decide the result, as JSON."""
    table = dataclasses.asdict(config)
    table["data"].pop("workers")
    return json.dumps({key: value for key, value in table.items() if key not in _IGNORED}, sort_keys=True)
