"""Where a run reads and writes, and who follows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...errors import OptionError
from .folder import common_root


@dataclass(frozen=True)
class Observer:
    """How a caller follows a run. ``say`` takes lines to show; ``progress`` is called after every step with its number,
    the number of all steps and the losses, and may raise to stop the run."""

    say: Callable[[str], None] = lambda line: None
    progress: Callable[[int, int, dict[str, float]], None] = lambda step, steps, losses: None


@dataclass(frozen=True)
class RunPaths:
    """``data``: aligned faces; ``more_data``: other folders of them. ``out``: logs, states, sample grids and the network
    appear here; a run begun there before goes on. ``models``: folders of weight files that losses and ``init_from`` may
    need."""

    data: Path
    out: Path
    models: tuple[Path, ...] = ()
    more_data: tuple[Path, ...] = ()

    @property
    def folders(self) -> tuple[Path, ...]:
        return (self.data, *self.more_data)

    @property
    def root(self) -> Path:
        """What the names of pictures are relative to: the data folder, or of several the one they all lie in."""
        return common_root(self.folders)

    def __post_init__(self) -> None:
        inside = [folder for folder in self.folders if self.out.resolve().is_relative_to(folder.resolve())]
        if inside:
            raise OptionError(
                f"{self.out} is inside {inside[0]}: sample grids would be taken for faces. Choose another --out."
            )
