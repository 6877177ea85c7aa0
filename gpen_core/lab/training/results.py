"""What a run shows and leaves: measures, sample grids, and the averaged network as a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from ...checkpoints.save import save_generator
from ...model import Gpen
from .augmentation import AugmentationConfig
from .config import TrainConfig
from .logs import Logs, NoLogs
from .parts import PhaseConfig
from .randomness import Stream, seed_of
from .run_paths import Observer, RunPaths
from .samples import Batch, FaceSamples, Share, in_order
from .split import Split
from .validation import imagined, look, save_grid, spread

MODEL_FILE, BEST_FILE = "model.safetensors", "best.safetensors"


@dataclass(eq=False)
class Results:
    """Of the process that writes. ``best``: the most dB that the restored pictures were above the degraded ones so far, at
    the run's full size."""

    config: TrainConfig
    run_paths: RunPaths
    observer: Observer
    split: Split
    logs: Logs | NoLogs
    best: float = float("-inf")

    def validate(self, network: Gpen, phase: PhaseConfig, step: int, share: Share, device: torch.device) -> None:
        """Measure, draw and save the averaged network as it is after ``step``."""
        grid = self.run_paths.out / "samples" / f"step_{step:08d}.png"
        if self.config.stage == "prior":
            save_grid(imagined(network, self.config.validation.shown, self.config.seed, device), grid)
        else:
            at_once = phase.batch // (phase.accumulate * share.world)
            batches = (batch.to(device) for batch in self._pictures(phase, at_once))
            found, shown = look(network, batches, self.config.seed, self.config.validation.shown)
            save_grid(shown, grid)
            self._compare(network, phase, step, found)
        self.export(network, step)

    def export(self, network: Gpen, step: int, name: str = MODEL_FILE) -> None:
        metadata = {"gpen.step": str(step)}
        save_generator(network, self.run_paths.out / name, task=self.config.task, metadata=metadata)

    def _compare(self, network: Gpen, phase: PhaseConfig, step: int, found: dict[str, float]) -> None:
        if not self.split.held_out:
            return
        self.logs.add("validation", step, found, size=phase.size)
        self.observer.say(
            f"step {step}: {phase.size} px, held-out PSNR {found['psnr']:.2f} dB, input {found['psnr_input']:.2f}"
        )
        score = found["psnr"] - found["psnr_input"]
        if phase.size == self.config.model.input_size and score > self.best:
            self.best = score
            self.export(network, step, BEST_FILE)

    def _pictures(self, phase: PhaseConfig, at_once: int) -> Iterator[Batch]:
        """Held-out pictures, or where there are none a few of the others, just to be looked at."""
        settings = self.config.validation
        names = spread(self.split.held_out, settings.count) or spread(self.split.train, settings.shown)
        seed = seed_of(self.config.seed, Stream.VALIDATION)
        return in_order(samples_of(self.config, self.run_paths, names, phase.size, seed, shuffle=False), at_once)


def samples_of(
    config: TrainConfig, run_paths: RunPaths, names: tuple[str, ...], size: int, seed: int, *, shuffle: bool = True
) -> FaceSamples:
    """The pictures of these names as a phase of ``size`` sees them: where they are not shuffled, to be looked at, degraded by
    the run's one recipe and not changed otherwise."""
    return FaceSamples(
        run_paths.root,
        names,
        config.degradation,
        size=size,
        out_size=size * config.model.scale,
        read_size=config.model.output_size,
        seed=seed,
        shuffle=shuffle,
        mix=config.mix if shuffle else (),
        augmentation=config.augmentation if shuffle else AugmentationConfig(),
    )
