"""A training run, from its configuration and a folder of faces to a network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..checkpoints.save import save_generator
from ..checkpoints.store import find_file
from ..errors import OptionError, TrainingError
from ..model import Gpen, build_discriminator
from ..model.growing import grow
from .config import PhaseConfig, TrainConfig
from .ema import update_average
from .folder import FaceFolder, scan
from .learner import Judge, Learner, check_finite, make_learner, sized, sized_discriminator
from .logs import Logs
from .losses import build_picture_losses
from .optimizers import set_rate
from .randomness import Stream, seed_of
from .samples import Batch, FaceSamples, Share, batches
from .schedule import Place, place_of, rate_at
from .split import Split, split
from .stages import PriorStage, RestoreStage
from .start import starting_networks
from .states import States
from .step import Stepper
from .terms import TermMaker
from .validation import imagined, measures, restored, save_grid

if TYPE_CHECKING:
    from accelerate import Accelerator

MODEL_FILE, BEST_FILE = "model.safetensors", "best.safetensors"


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


def train(config: TrainConfig, places: Places, watch: Watch = Watch(), *, accept_changes: bool = False) -> Path:
    """Train to the end, or go on where ``places.out`` left off; → the averaged network's safetensors file.

    One process, or all processes that ``accelerate launch`` started. Raises OptionError for data or settings that cannot
    be used and TrainingError where training diverges; the last good state is then still there.
    """
    run = Run(config, places, watch, accept_changes)
    try:
        return run.to_the_end()
    finally:
        run.logs.close()


class Run:
    """One process's part of a run."""

    def __init__(self, config: TrainConfig, places: Places, watch: Watch, accept_changes: bool) -> None:
        self.config, self.places, self.watch = config, places, watch
        self.accelerator = _accelerator(config)
        self.share = Share(self.accelerator.process_index, self.accelerator.num_processes)
        self.folder = scan(places.data, config.model.input_size)
        self.split = split(self.folder, config.data.held_out, config.data.group_by, config.seed)
        self._say(_told(self.folder, self.split))
        if not self.split.train:
            raise OptionError(f"{places.data}: nothing is left to train on once {config.data.held_out:.0%} is held out")
        self.states = States(places.out, config)
        found = self.states.newest(accept_changes=accept_changes)
        self.step: int = found["step"] if found else 0
        self.best: float = found["best"] if found else float("-inf")
        self.corrupt: set[str] = set(found["corrupt"] if found else ())
        self.logs = Logs(places.out, self.step) if self.main else _NoLogs()
        self.learner = self._learner(found)
        if self.main:
            self.states.sweep()
            self._write_split()
        if found:
            self._say(f"going on at step {self.step} of {config.steps}")

    @property
    def main(self) -> bool:
        return self.accelerator.is_main_process

    @property
    def device(self) -> torch.device:
        return self.accelerator.device

    def to_the_end(self) -> Path:
        while self.step < self.config.steps:
            place = place_of(self.config, self.step)
            phase = place.phase(self.config)
            if place.within == 0 and place.index > 0:
                self._grow(phase)
            self._compile()
            self.stepper = self._stepper(phase)
            for batch in self._batches(place, phase):
                self._one(batch, place_of(self.config, self.step), phase)
        return self._finish()

    def _one(self, batch: Batch, place: Place, phase: PhaseConfig) -> None:
        began = time.perf_counter()
        rate = rate_at(phase, place.within)
        for optimizer in self.learner.optimizers:
            set_rate(optimizer, rate)
        try:
            losses = self.stepper(self.learner, batch.to(self.device), self.step, phase.accumulate)
        except TrainingError as error:
            raise TrainingError(f"{error}. {self.states.last_good()}") from error
        self.step += 1
        seen = place.samples + phase.batch
        update_average(self.learner.average, self.learner.network, phase.batch, self.config.ema_half_life, seen)
        self._note_corrupt(batch)
        if self.step % self.config.saving.log_every == 0:
            self.logs.add("log", self.step, losses, size=phase.size, pictures=seen, rate=f"{rate:.4g}",
                          seconds=f"{time.perf_counter() - began:.3f}")  # fmt: skip
        last = self.step == self.config.steps
        ends = last or place.within + 1 == phase.steps
        if ends or self.step % self.config.validation.every == 0:
            self._validate(phase)
        if ends or self.step % self.config.saving.every == 0:
            self._save()
        self.watch.progress(self.step, self.config.steps, losses)

    def _batches(self, place: Place, phase: PhaseConfig) -> Iterator[Batch]:
        return batches(
            self._samples(self.split.train, phase.size, seed_of(self.config.seed, Stream.INITIAL)),
            first=place.samples,
            count=phase.steps - place.within,
            batch=phase.batch,
            share=self.share,
            workers=self.config.data.workers,
        )

    def _samples(self, names: tuple[str, ...], size: int, seed: int, *, shuffle: bool = True) -> FaceSamples:
        config = self.config
        return FaceSamples(
            self.places.data,
            names,
            config.degradation,
            size=size,
            out_size=size * config.model.scale,
            read_size=config.model.output_size,
            seed=seed,
            shuffle=shuffle,
        )

    def _validate(self, phase: PhaseConfig) -> None:
        if not self.main:
            return
        average, grid = self.learner.average, self.places.out / "samples" / f"step_{self.step:08d}.png"
        shown = self.config.validation.shown
        if self.config.stage == "prior":
            save_grid([imagined(average, shown, self.config.seed, self.device)], grid)
            self._export(MODEL_FILE)
            return
        batch = self._held_out(phase)
        if batch is None:
            self._export(MODEL_FILE)
            return
        made = restored(average, batch)
        found = measures(made, batch)
        self.logs.add("validation", self.step, found, size=phase.size)
        save_grid([batch.enlarged[:shown], made[:shown], batch.target[:shown]], grid)
        self._export(MODEL_FILE)
        score = found["psnr"] - found["psnr_input"]
        self._say(
            f"step {self.step}: {phase.size} px, held-out PSNR {found['psnr']:.2f} dB, input {found['psnr_input']:.2f}"
        )
        if phase.size == self.config.model.input_size and score > self.best:
            self.best = score
            self._export(BEST_FILE)

    def _held_out(self, phase: PhaseConfig) -> Batch | None:
        count = min(self.config.validation.count, len(self.split.held_out))
        if not count:
            return None
        spread = self.split.held_out[:: max(1, len(self.split.held_out) // count)][:count]
        samples = self._samples(spread, phase.size, seed_of(self.config.seed, Stream.VALIDATION), shuffle=False)
        batch = next(batches(samples, first=0, count=1, batch=len(spread)))
        return batch.to(self.device)

    def _export(self, name: str) -> None:
        metadata = {"gpen.step": str(self.step)}
        save_generator(self.learner.average, self.places.out / name, task=self.config.task, metadata=metadata)

    def _save(self) -> None:
        learner = self.learner
        try:
            check_finite(learner.modules, self.step)
        except TrainingError as error:
            raise TrainingError(f"{error}. {self.states.last_good()}") from error
        if self.main:
            extra: dict[str, Any] = {"best": self.best, "corrupt": sorted(self.corrupt)}
            if self.accelerator.scaler is not None:
                extra["scaler"] = self.accelerator.scaler.state_dict()
            self.states.save(self.step, learner.state() | extra)

    def _finish(self) -> Path:
        self.accelerator.wait_for_everyone()
        path = self.places.out / MODEL_FILE
        if self.main:
            self._export(MODEL_FILE)
        return path

    def _learner(self, found: dict[str, Any] | None) -> Learner:
        """Of the phase that the next step, or where a state was found the step before it, belongs to."""
        config = self.config
        phase = place_of(config, max(0, self.step - 1)).phase(config) if found else config.phases[0]
        if found:
            learner = self._prepared(*_empty(config, phase))
            learner.load(found)
            if self.accelerator.scaler is not None and "scaler" in found:
                self.accelerator.scaler.load_state_dict(found["scaler"])
            return learner
        torch.manual_seed(seed_of(config.seed, Stream.INITIAL))
        return self._prepared(*starting_networks(config, phase, self.places.models))

    def _prepared(self, network: Gpen, discriminator: Judge | None, average: Gpen | None = None) -> Learner:
        learner = make_learner(self.config, network, discriminator, self.device, average)
        learner.optimizer = self.accelerator.prepare(learner.optimizer)
        if learner.adversary is not None:
            learner.adversary.optimizer = self.accelerator.prepare(learner.adversary.optimizer)
        return learner

    def _grow(self, phase: PhaseConfig) -> None:
        """Octaves are added; optimizers start afresh, and the discriminator does."""
        network, average = self.learner.network, self.learner.average
        if network.config.input_size == phase.size:
            return
        while network.config.input_size < phase.size:
            larger = sized(self.config.model, network.config.input_size * 2)
            seed = seed_of(self.config.seed, Stream.GROWTH, larger.input_size)
            torch.manual_seed(seed)
            network = grow(network, larger)
            torch.manual_seed(seed)  # what is new in the average is what is new in the network
            average = grow(average, larger)
        discriminator = None
        if self.config.discriminator is not None:
            discriminator = build_discriminator(
                sized_discriminator(self.config.discriminator, phase.size * self.config.model.scale)
            )
        self.learner = self._prepared(network, discriminator, average)
        self._say(f"step {self.step}: grown to {phase.size} px")

    def _compile(self) -> None:
        """In place, so that names of parameters stay. Path length needs a gradient's gradient, which compiled code lacks."""
        if self.config.compile and (self.learner.adversary is None or self.learner.adversary.path is None):
            self.learner.network.compile()

    def _stepper(self, phase: PhaseConfig) -> Stepper:
        config = self.config
        losses = build_picture_losses(phase.losses or config.losses, device=self.device, find=self._find)
        stage = PriorStage(self.share) if config.stage == "prior" else RestoreStage()
        terms = TermMaker(config, stage, losses, lambda mean: self.accelerator.reduce(mean, "mean"))
        return Stepper(config, terms, self.accelerator)

    def _find(self, name: str) -> Path | None:
        return find_file(name, self.places.models)

    def _note_corrupt(self, batch: Batch) -> None:
        new = set(batch.corrupt) - self.corrupt
        if new:
            self.corrupt |= new
            self._say(f"left out as unreadable: {', '.join(sorted(new))} ({len(self.corrupt)} pictures so far)")

    def _write_split(self) -> None:
        self.places.out.mkdir(parents=True, exist_ok=True)
        (self.places.out / "held_out.txt").write_text("".join(f"{name}\n" for name in self.split.held_out), "utf-8")

    def _say(self, line: str) -> None:
        if self.main:
            self.watch.say(line)


class _NoLogs:
    """Of the processes that write nothing."""

    def add(self, *values: Any, **more: Any) -> None:
        pass

    def close(self) -> None:
        pass


def _empty(config: TrainConfig, phase: PhaseConfig) -> tuple[Gpen, Judge | None]:
    """Networks of a phase's size, for a state to be loaded into."""
    network = Gpen(sized(config.model, phase.size))
    if config.discriminator is None or config.adversarial.weight <= 0:
        return network, None
    return network, build_discriminator(sized_discriminator(config.discriminator, phase.size * config.model.scale))


def _accelerator(config: TrainConfig) -> Accelerator:
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise OptionError("training needs the package accelerate: pip install accelerate") from error
    return Accelerator(mixed_precision=config.mixed_precision)


def _told(folder: FaceFolder, parts: Split) -> str:
    line = f"{len(parts.train)} pictures to train on, {len(parts.held_out)} held out"
    if parts.dropped:
        line += f", {len(parts.dropped)} dropped that resemble those held out"
    return f"{folder.report()}\n{line}"
