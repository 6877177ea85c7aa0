"""python -m gpen_core train"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from ..lab.training import Observer, RunPaths, TrainConfig, config_text, dry_run, preset_names, read_config, train
from ..lab.training.schedule import work_of
from ..weights.find import weight_folders
from .arguments import some_path, some_text


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "train",
        help="train or fine-tune a network",
        description="Train a network on a folder of aligned faces. To resume an interrupted run, repeat the same command. "
        "For several processes or devices: accelerate launch -m gpen_core train …",
    )
    parser.set_defaults(run=run)
    parser.add_argument("config", type=some_text, help=f"TOML file, or a preset: {', '.join(preset_names())}")
    parser.add_argument(
        "--data",
        type=some_path,
        action="append",
        required=True,
        help="folder of aligned, square faces; may be given several times",
    )
    parser.add_argument(
        "-o", "--out", type=some_path, help="folder of the run (default: runs/NAME, after the configuration)"
    )
    parser.add_argument(
        "--init-from",
        type=some_text,
        metavar="NAME_OR_PATH",
        help="checkpoint to start from, overriding init_from; its [model] must be the same",
    )
    parser.add_argument(
        "--models",
        type=some_path,
        action="append",
        default=[],
        help="additional folder to search for weights (losses, init_from); may be repeated",
    )
    parser.add_argument(
        "--accept-changes",
        action="store_true",
        help="resume even if settings or images have changed since the run was started",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="check settings, images and weights and estimate the memory, without training",
    )


def run(options: argparse.Namespace) -> int:
    config = _config(options)
    out = options.out or Path("runs") / Path(options.config).stem
    run_paths = RunPaths(options.data[0], out, (*options.models, *weight_folders()), tuple(options.data[1:]))
    if options.dry_run:
        dry_run(config, run_paths, lambda line: print(line, file=sys.stderr))
        return 0
    main = os.environ.get("RANK", "0") == "0"  # of the processes that accelerate launch starts, only one shows progress
    bar = TrainingBar(config, hidden=not main)
    try:
        path = train(config, run_paths, Observer(bar.say, bar), accept_changes=options.accept_changes)
    except KeyboardInterrupt:
        bar.say("stopped. Run the same command again to resume from the last saved state")
        raise
    finally:
        bar.close()
    if main:
        print(path)
    return 0


def _config(options: argparse.Namespace) -> TrainConfig:
    config = read_config(config_text(options.config), str(options.config))
    if options.init_from is None:
        return config
    return replace(
        config, init_from=options.init_from, copy_input=False
    )  # which is for networks that begin from nothing


class TrainingBar:
    """Steps done, the time left, and the losses of the last step.

    The bar counts pixels, not steps, because steps take many times as long once the network has grown.
    """

    def __init__(self, config: TrainConfig, *, hidden: bool = False) -> None:
        self._config = config
        layout = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
        work = work_of(config, config.steps)
        self._bar = tqdm(total=work, bar_format=layout, dynamic_ncols=True, smoothing=0.05, disable=hidden)

    def __call__(self, step: int, steps: int, losses: dict[str, float]) -> None:
        if self._bar.n == 0 and step > 1:  # steps of an earlier session do not count
            self._bar.initial = self._bar.n = self._bar.last_print_n = work_of(self._config, step - 1)
        self._bar.set_description_str(f"step {step}/{steps}", refresh=False)
        self._bar.set_postfix({name: f"{value:.4f}" for name, value in losses.items()}, refresh=False)
        self._bar.update(work_of(self._config, step) - self._bar.n)

    def say(self, line: str) -> None:
        tqdm.write(line, file=sys.stderr)

    def close(self) -> None:
        self._bar.close()
