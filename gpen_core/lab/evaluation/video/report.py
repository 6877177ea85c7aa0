"""What was measured of clips, as tables, verdicts and sheets of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ....imaging.files import Picture, save_picture
from ....imaging.warp import resize_filtered
from .measure import VideoMeasures

INPUT, ALONE, STEADY, CLEAN = "input", "one by one", "steady", "clean"
RULER = "TLME is measured by MTCNN's landmarks, whatever finds the faces, in the share of steps beside it."
_GOALS = (("flicker", 1 / 3), ("tlme", 1 / 2))  # against one by one
_EYES_GOAL = 1.1
_EVERY, _SHEET = 10, (180, 320)


@dataclass(frozen=True)
class VideoRow:
    """One clip: what was measured of the input, of both restorations and of the clean clip itself."""

    picture: str
    codec: str
    quality: str
    measures: dict[str, VideoMeasures]

    @property
    def name(self) -> str:
        """Which clip it is."""
        return f"{self.picture}, {self.codec}, {self.quality}"

    def verdicts(self) -> dict[str, tuple[float, bool]]:
        """Steady against one by one: for each goal, the ratio (of PSNR, the gain in dB) and whether it is met."""
        alone, steady = self.measures[ALONE], self.measures[STEADY]
        pairs = {name: (getattr(steady, name), getattr(alone, name), limit) for name, limit in _GOALS}
        found = {
            name: (value / max(other, 1e-9), limit)
            for name, (value, other, limit) in pairs.items()
            if value is not None and other is not None
        }
        result = {name: (ratio, ratio <= limit) for name, (ratio, limit) in found.items()}
        result["psnr"] = (steady.psnr - alone.psnr, steady.psnr >= alone.psnr)
        if steady.eyes is not None and alone.eyes is not None:
            ratio = steady.eyes / max(alone.eyes, 1e-9)
            result["eyes"] = (ratio, ratio <= _EYES_GOAL)
        return result


def contact_sheet(rows: Sequence[Tensor], path: Path) -> None:
    """Every tenth frame, one row for each clip."""
    lines = [
        torch.cat([resize_filtered(frame[None], _SHEET, "bilinear")[0] for frame in row[::_EVERY]], 2) for row in rows
    ]
    save_picture(Picture(torch.cat(lines, 1).clamp(0, 1)), path)


def table(rows: Sequence[VideoRow]) -> str:
    """A table in Markdown."""
    lines = ["| clip | | flicker | TLME, px | steps | VIDD | PSNR, dB | eyes |", "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        for name, m in row.measures.items():
            motion = [_number(m.tlme, 3), f"{m.tlme_steps:.0%}"]
            cells = [f"{m.flicker:.2f}", *motion, _number(m.vidd, 3), f"{m.psnr:.2f}", _number(m.eyes, 2)]
            lines.append(f"| {row.name} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def summary(rows: Sequence[VideoRow]) -> str:
    """Of the verdicts of several clips: for each goal the mean, the worst, and how many clips meet it."""
    found: dict[str, list[tuple[float, bool]]] = {}
    for row in rows:
        for name, verdict in row.verdicts().items():
            found.setdefault(name, []).append(verdict)
    lines = ["| steady against one by one | mean | worst | goal met |", "|---|---|---|---|"]
    for name, verdicts in found.items():
        values = [value for value, _ in verdicts]
        worst = min(values) if name == "psnr" else max(values)
        told = "{:+.2f} dB" if name == "psnr" else "× {:.2f}"
        met = f"{sum(is_met for _, is_met in verdicts)} of {len(verdicts)}"
        lines.append(f"| {name} | {told.format(sum(values) / len(values))} | {told.format(worst)} | {met} |")
    return "\n".join(lines) + "\n"


def text_of(m: VideoMeasures) -> str:
    """For people who wait."""
    told = f"flicker {m.flicker:.2f}, TLME {_number(m.tlme, 3)} px, VIDD {_number(m.vidd, 3)}, PSNR {m.psnr:.2f} dB"
    return f"{told}, eyes {_number(m.eyes, 2)}"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
