"""python -m gpen_core train"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from ..checkpoints.store import weight_folders
from ..training import Places, Watch, config_text, preset_names, read_config, train


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "train",
        help="train or fine-tune a network",
        description="Train a network on a folder of aligned faces. A run that was stopped goes on where it was. For several "
        "processes or devices: accelerate launch -m gpen_core train …",
    )
    parser.set_defaults(run=run)
    parser.add_argument("config", help=f"TOML file, or a preset: {', '.join(preset_names())}")
    parser.add_argument("--data", type=Path, required=True, help="folder of aligned, square faces")
    parser.add_argument(
        "-o", "--out", type=Path, help="folder of the run (default: runs/ and the configuration's name)"
    )
    parser.add_argument(
        "--models",
        type=Path,
        action="append",
        default=[],
        help="another folder to look for weights in (losses, init_from)",
    )
    parser.add_argument(
        "--accept-changes", action="store_true", help="go on although settings differ from those of the run so far"
    )


def run(options: argparse.Namespace) -> int:
    text = config_text(options.config)
    config = read_config(text, str(options.config))
    out = options.out or Path("runs") / Path(options.config).stem
    places = Places(options.data, out, (*options.models, *weight_folders()))
    bar = TrainingBar(config.steps)
    try:
        path = train(config, places, Watch(bar.say, bar), accept_changes=options.accept_changes)
    finally:
        bar.close()
    print(path)
    return 0


class TrainingBar:
    """Steps done, the time left, and the losses of the last one."""

    def __init__(self, steps: int) -> None:
        self._bar = tqdm(total=steps, unit="step", dynamic_ncols=True, smoothing=0.05)

    def __call__(self, step: int, steps: int, losses: dict[str, float]) -> None:
        if self._bar.n == 0 and step > 1:
            self._bar.initial = self._bar.n = self._bar.last_print_n = step - 1  # what was done before does not count
        self._bar.set_postfix({name: f"{value:.4f}" for name, value in losses.items()}, refresh=False)
        self._bar.update(step - self._bar.n)

    def say(self, line: str) -> None:
        tqdm.write(line, file=sys.stderr)

    def close(self) -> None:
        self._bar.close()
