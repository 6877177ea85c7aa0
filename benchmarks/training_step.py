"""Where a step of training spends its time: preparing samples alone, and the network's step alone on samples that are there.

python benchmarks/training_step.py CONFIG.toml FACES [--models WEIGHTS] [--batch 32 64 128] [--workers 15] [--compile]

CONFIG.toml is a configuration or the name of a preset; its batch and its workers are replaced by these.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from gpen_core.lab.training.config import TrainConfig  # noqa: E402
from gpen_core.lab.training.ema import update_average  # noqa: E402
from gpen_core.lab.training.reading import config_text, read_config  # noqa: E402
from gpen_core.lab.training.results import samples_of  # noqa: E402
from gpen_core.lab.training.run import Run  # noqa: E402
from gpen_core.lab.training.run_paths import Observer, RunPaths  # noqa: E402
from gpen_core.lab.training.samples import Batch, FaceSamples, batches  # noqa: E402

WARM, TIMED = 4, 20  # steps
BEGUN, BATCHES, AT_ONCE = 60, 200, 32  # batches until all workers are at work; those in all; faces of one


def preparing(samples: FaceSamples, workers: int) -> float:
    """Faces a second, once what was prepared while workers started has been taken."""
    begun = 0.0
    for number, _ in enumerate(batches(samples, first=0, count=BATCHES, batch=AT_ONCE, workers=workers)):
        if number == BEGUN:
            begun = time.perf_counter()
    return (BATCHES - BEGUN - 1) * AT_ONCE / (time.perf_counter() - begun)


class Steps:
    """A run's steps on one batch, again and again."""

    def __init__(self, config: TrainConfig, run: Run) -> None:
        self.run, self.phase = run, config.phases[-1]
        run._grow(self.phase)
        self.stepper = run._stepper(self.phase)

    def seconds(self, batch: Batch, count: int) -> float:
        """Of ``count`` steps."""
        learner, begun = self.run.learner, time.perf_counter()
        for _ in range(count):
            self.stepper(learner, batch, 0, 1)
            update_average(learner.average, learner.network, len(batch.numbers), self.run.config.ema_half_life, 100)
        if self.run.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - begun


def main() -> None:
    """Print both."""
    options = _options()
    config = read_config(config_text(options.config), options.config)
    config = replace(config, compile=False, data=replace(config.data, held_out=0.0))
    with tempfile.TemporaryDirectory() as out:
        run = Run(config, RunPaths(options.faces, Path(out), tuple(options.models)), Observer(), accept_changes=False)
        samples = samples_of(config, run.run_paths, run.split.train, config.phases[-1].size, config.seed)
        rate = preparing(samples, options.workers)
        print(f"{run.device}: {options.workers} processes prepare {rate:.0f} faces a second", flush=True)
        steps = Steps(config, run)
        for compiled in (False, True) if options.compile else (False,):
            if compiled:
                run.learner.network.compile()
            for size in options.batch:
                _one(steps, samples, size, compiled)
        run.logs.close()


def _one(steps: Steps, samples: FaceSamples, size: int, compiled: bool) -> None:
    batch = steps.run._moved(next(batches(samples, first=0, count=1, batch=size)))
    first = steps.seconds(batch, WARM)
    each = steps.seconds(batch, TIMED) / TIMED
    words = "compiled" if compiled else "as it is"
    print(
        f"a step of {size}, {words}: {1e3 * each:.1f} ms, {size / each:.0f} faces a second; the first {WARM}: {first:.1f} s"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("faces", type=Path)
    parser.add_argument("--models", type=Path, action="append", default=[])
    parser.add_argument("--batch", type=int, nargs="+", default=[32, 64, 128])
    parser.add_argument("--workers", type=int, default=15)
    parser.add_argument("--compile", action="store_true", help="and once more, compiled")
    return parser.parse_args()


if __name__ == "__main__":
    main()
