"""A training run, from its configuration and a folder of faces to a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...checkpoints.metadata import CONFIG_KEY, TASK_KEY, config_text
from ...errors import TrainingError
from ...model import Gpen
from .config import TrainConfig
from .ema import update_average
from .learner import AnyDiscriminator, Learner, check_finite, make_learner
from .logs import Logs, Meter, NoLogs
from .machine import accelerator_for, emulated
from .optimizers import set_rate
from .parts import PhaseConfig
from .pictures import pictures_of, write_held_out
from .randomness import Stream, seed_of
from .results import MODEL_FILE, Results, samples_of
from .run_paths import Observer, RunPaths
from .samples import Batch, Share, batches
from .schedule import Place, place_of, rate_at
from .stages import PriorStage, RestoreStage
from .start import empty_networks, grown_networks, starting_networks
from .states import States, size_of
from .step import Stepper
from .terms import TermMaker, losses_of_phases


def train(
    config: TrainConfig, run_paths: RunPaths, observer: Observer = Observer(), *, accept_changes: bool = False
) -> Path:
    """Train to the end, or go on where ``run_paths.out`` left off; → the averaged network's safetensors file.

    One process, or all processes that ``accelerate launch`` started. Raises OptionError for data or settings that cannot
    be used and TrainingError where training diverges; the last good state is then still there.
    """
    run = Run(config, run_paths, observer, accept_changes)
    try:
        return run.to_the_end()
    finally:
        run.logs.close()


class Run:
    """One process's part of a run."""

    def __init__(self, config: TrainConfig, run_paths: RunPaths, observer: Observer, accept_changes: bool) -> None:
        self.config, self.run_paths, self.observer = config, run_paths, observer
        self.accelerator = accelerator_for(config)
        self.main, self.device = self.accelerator.is_main_process, self.accelerator.device
        self.share = Share(self.accelerator.process_index, self.accelerator.num_processes)
        self._say(f"{self.share.world} process{'es' if self.share.world > 1 else ''} on {self.device.type}")
        if warning := emulated(config, self.device):
            self._say(warning)
        self.split = pictures_of(config, run_paths, self._say)
        self.losses = losses_of_phases(config, self.device, run_paths.models)
        self.states = States(run_paths.out, config)
        found = self.states.newest(self.split.fingerprint, accept_changes=accept_changes)
        self.step: int = found["step"] if found else 0
        self.corrupt: set[str] = set(found["corrupt"] if found else ())
        self.meter = Meter(found.get("meter") if found else None)
        self.learner = self._learner(found)
        if self.main:
            self.states.sweep()
            write_held_out(self.split, run_paths)
        self.logs = Logs(run_paths.out, self.step, tensorboard=config.saving.tensorboard) if self.main else NoLogs()
        self.results = Results(
            config, run_paths, observer, self.split, self.logs, found["best"] if found else float("-inf")
        )
        if found:
            self._say(f"going on at step {self.step} of {config.steps}")

    def to_the_end(self) -> Path:
        while self.step < self.config.steps:
            place = place_of(self.config, self.step)
            phase = place.phase(self.config)
            self._grow(phase)
            self._compile()
            self.stepper = self._stepper(phase)
            for batch in self._batches(place, phase):
                self._one(batch, place_of(self.config, self.step), phase)
        return self._finish()

    def _one(self, batch: Batch, place: Place, phase: PhaseConfig) -> None:
        """One step, and what is due after it."""
        rate = rate_at(phase, place.within)
        for optimizer in self.learner.optimizers:
            set_rate(optimizer, rate)
        with self._saying_what_is_left():
            losses = self.stepper(self.learner, self._moved(batch), self.step, phase.accumulate)
        self.step += 1
        seen = place.samples + phase.batch
        update_average(self.learner.average, self.learner.network, phase.batch, self.config.ema_half_life, seen)
        self._note_corrupt(batch.corrupt)
        self.meter.add(losses)
        if self.step % self.config.saving.log_every == 0:
            means, seconds = self.meter.take()
            more = {"size": phase.size, "pictures": seen, "rate": f"{rate:.4g}", "seconds": f"{seconds:.3f}"}
            self.logs.add("log", self.step, means, **more)
        self._milestone(phase, ends=place.within + 1 == phase.steps)
        self.observer.progress(self.step, self.config.steps, losses)

    def _moved(self, batch: Batch) -> Batch:
        """A CPU's backward convolutions take an eighth less time in PyTorch's own layout, unless compiled."""
        return batch.to(self.device, channels_last=self.device.type != "cpu" or self.config.compile)

    def _milestone(self, phase: PhaseConfig, *, ends: bool) -> None:
        validates = ends or self.step % self.config.validation.every == 0
        saves = ends or self.step % self.config.saving.every == 0
        if not validates and not saves:
            return
        with self._saying_what_is_left():
            check_finite(self.learner.modules, self.step)
        self._gather_corrupt()
        if validates and self.main:
            self.results.validate(self.learner.average, phase, self.step, self.share, self.device)
        if saves and self.main:
            self.states.save(self.step, self.learner.state() | self._more_state())

    def _more_state(self) -> dict[str, Any]:
        more: dict[str, Any] = {
            "best": self.results.best,
            "corrupt": sorted(self.corrupt),
            "meter": self.meter.state(),
            "data": self.split.fingerprint,
            CONFIG_KEY: config_text(self.learner.network.config),  # so that a state is a checkpoint like any other
            TASK_KEY: self.config.task,
        }
        if self.accelerator.scaler is not None:
            more["scaler"] = self.accelerator.scaler.state_dict()
        return more

    def _finish(self) -> Path:
        self._gather_corrupt()
        if self.corrupt:
            self._say(f"{len(self.corrupt)} pictures could not be read: {', '.join(sorted(self.corrupt))}")
        if self.main:
            self.results.export(self.learner.average, self.step)
        self.accelerator.wait_for_everyone()
        return self.run_paths.out / MODEL_FILE

    def _batches(self, place: Place, phase: PhaseConfig) -> Iterator[Batch]:
        seed = seed_of(self.config.seed, Stream.INITIAL)
        return batches(
            samples_of(self.config, self.run_paths, self.split.train, phase.size, seed),
            first=place.samples,
            count=phase.steps - place.within,
            batch=phase.batch,
            share=self.share,
            workers=self.config.data.workers,
        )

    def _learner(self, found: dict[str, Any] | None) -> Learner:
        """Of the first phase or, where a state was found, of the phase that its last step belonged to."""
        if found is None:
            return self._prepared(*starting_networks(self.config, self.run_paths.models))
        learner = self._prepared(*empty_networks(self.config, size_of(found)))
        learner.load(found)
        if self.accelerator.scaler is not None and "scaler" in found:
            self.accelerator.scaler.load_state_dict(found["scaler"])
        return learner

    def _prepared(self, network: Gpen, discriminator: AnyDiscriminator | None, average: Gpen | None = None) -> Learner:
        learner = make_learner(self.config, network, discriminator, self.device, average)
        learner.optimizer = self.accelerator.prepare(learner.optimizer)
        if learner.adversary is not None:
            learner.adversary.optimizer = self.accelerator.prepare(learner.adversary.optimizer)
        return learner

    def _grow(self, phase: PhaseConfig) -> None:
        """Octaves are added; optimizers start afresh, and the discriminator does."""
        size = self.learner.network.config.input_size
        if size > phase.size:
            raise TrainingError(f"the saved network has grown to {size} px: it cannot go on at {phase.size} px")
        if size < phase.size:
            networks = grown_networks(self.config, phase.size, self.learner)
            self.accelerator.free_memory()  # it would hold on to the smaller network's optimizers
            self.learner = self._prepared(*networks)
            self._say(f"step {self.step}: grown to {phase.size} px")

    def _compile(self) -> None:
        """In place, so that names of parameters stay. Path length needs a gradient's gradient, which compiled code lacks."""
        adversary = self.learner.adversary
        if self.config.stage == "prior" or (adversary is not None and adversary.path is not None):
            if self.config.compile:
                self._say("not compiled: only stage 'restore' without path length can be")
        elif self.config.compile:
            self.learner.network.compile()

    def _stepper(self, phase: PhaseConfig) -> Stepper:
        stage = PriorStage() if self.config.stage == "prior" else RestoreStage()
        losses = self.losses[phase.losses or self.config.losses]
        terms = TermMaker(self.config, stage, losses, lambda mean: self.accelerator.reduce(mean, "mean"), self.device)
        return Stepper(self.config, terms, self.accelerator)

    @contextmanager
    def _saying_what_is_left(self) -> Iterator[None]:
        try:
            yield
        except TrainingError as error:
            raise TrainingError(f"{error}. {self.states.last_good()}") from error

    def _note_corrupt(self, names: Iterable[str]) -> None:
        new = set(names) - self.corrupt
        if new:
            self.corrupt |= new
            self._say(f"left out as unreadable: {', '.join(sorted(new))} ({len(self.corrupt)} pictures so far)")

    def _gather_corrupt(self) -> None:
        """Each process sees different pictures."""
        if self.share.world > 1:
            from accelerate.utils import gather_object

            self._note_corrupt(gather_object(sorted(self.corrupt)))

    def _say(self, line: str) -> None:
        if self.main:
            self.observer.say(line)
