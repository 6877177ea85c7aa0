"""The pictures that a run has, told about before it begins."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import OptionError
from ...files import written_whole
from .config import TrainConfig
from .folder import FaceFolder, scan_all
from .run_paths import RunPaths
from .split import Split, split


def pictures_of(config: TrainConfig, run_paths: RunPaths, say: Callable[[str], None]) -> Split:
    """Look at the data folders, and say what is in it. Raises OptionError where it leaves nothing to train on."""
    folder = scan_all(run_paths.folders, config.model.output_size)
    seed = config.seed if config.data.split_seed is None else config.data.split_seed
    parts = split(folder, config.data.held_out, config.data.group_by, seed)
    say(_told(folder, parts))
    if not parts.train:
        raise OptionError(
            f"{run_paths.root}: nothing is left to train on: {len(parts.held_out)} pictures are held out, {len(parts.dropped)} "
            f"resemble those, {len(parts.unreadable)} cannot be read. Give more pictures, or a smaller data.held_out."
        )
    return parts


def write_held_out(parts: Split, run_paths: RunPaths) -> None:
    """The names of the held-out pictures, for later evaluation: held_out.txt, one per line."""
    with written_whole(run_paths.out / "held_out.txt") as temporary:
        temporary.write_text("".join(f"{name}\n" for name in parts.held_out), encoding="utf-8")


def _told(folder: FaceFolder, parts: Split) -> str:
    lines = [folder.report(), f"{len(parts.train)} pictures to train on, {len(parts.held_out)} held out"]
    if parts.dropped:
        lines[-1] += f", {len(parts.dropped)} dropped that resemble those held out"
    if parts.unreadable:
        lines.append(f"{len(parts.unreadable)} left out as unreadable: {', '.join(parts.unreadable)}")
    if parts.gray:
        lines.append(f"{parts.gray} are gray: a network that sees many learns to make gray faces")
    return "\n".join(lines)
