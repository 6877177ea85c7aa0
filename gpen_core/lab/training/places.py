"""Where a run reads and writes, and who follows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...errors import OptionError


@dataclass(frozen=True)
class Watch:
    """How a caller follows a run. ``say`` takes lines to show; ``progress`` is called after every step with its number,
    the number of all steps and the losses, and may raise to stop the run."""

    say: Callable[[str], None] = lambda line: None
    progress: Callable[[int, int, dict[str, float]], None] = lambda step, steps, losses: None


@dataclass(frozen=True)
class Places:
    """``data``: aligned faces. ``out``: logs, states, sample grids and the network appear here; a run begun there before
    goes on. ``models``: folders of weight files that losses and ``init_from`` may need."""

    data: Path
    out: Path
    models: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if self.out.resolve().is_relative_to(self.data.resolve()):
            raise OptionError(
                f"{self.out} is inside {self.data}: sample grids would be taken for faces. Choose another --out."
            )
