"""What a training run is: everything that decides its result but the pictures themselves."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..checkpoints.catalog import TASKS
from ..degradation import DegradationRecipe
from ..errors import OptionError
from ..model import DiscriminatorConfig, GpenConfig
from .losses import LossConfig

STAGES = ("prior", "restore")
SCHEDULES = ("constant", "cosine")
MIXED_PRECISIONS = ("no", "bf16", "fp16")


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam. Learning rates are for parameters as they are stored (equalised: Karras et al. 2018)."""

    encoder: float = 0.002
    decoder: float = 0.002
    discriminator: float = 0.002
    betas: tuple[float, float] = (0.0, 0.99)
    clip_norm: float = 0.0  # of all gradients together; 0: never


@dataclass(frozen=True)
class AdversarialConfig:
    """Non-saturating logistic loss and its regularisers; all off where ``weight`` is 0.

    R1 and path length are lazy (StyleGAN2 §3.1): computed every ``r1_every`` and ``path_every`` steps, at as many times
    the weight. ``path_shrink`` divides the batch that the path length is measured on.
    """

    weight: float = 0.0
    feature_matching: float = 0.0
    r1: float = 10.0
    r1_every: int = 16
    path_length: float = 2.0
    path_every: int = 4
    path_shrink: int = 2
    path_decay: float = 0.01


@dataclass(frozen=True)
class PhaseConfig:
    """Some steps at one size. A network grows by whole octaves from phase to phase (Karras et al. 2018 grew so)."""

    size: int
    steps: int
    batch: int
    accumulate: int = 1  # the batch is worked on in so many parts
    learning_rate: float = 1.0  # times the optimizer's
    warmup: int = 0  # steps over which the rate rises from 0
    schedule: str = "constant"
    final: float = 0.0  # of the rate that the cosine schedule ends with
    losses: tuple[LossConfig, ...] = ()  # in place of the run's own


@dataclass(frozen=True)
class DataConfig:
    """``held_out``: share of the pictures kept for validation, whole groups of ``group_by`` (a key of the folder's
    manifest.json) at a time; no training picture resembles one of them (see ``split``)."""

    held_out: float = 0.05
    group_by: str = ""
    workers: int = 1


@dataclass(frozen=True)
class ValidationConfig:
    every: int = 1000
    count: int = 32  # pictures measured
    shown: int = 8  # of them in the sample grid


@dataclass(frozen=True)
class SavingConfig:
    """Steps between training states, how many of them are kept, and steps between lines of the log."""

    every: int = 500
    keep: int = 3
    log_every: int = 20


@dataclass(frozen=True)
class TrainConfig:
    """``model`` is the network of the last phase. ``init_from`` names the checkpoint to start from ("" for none). ``task``
    is what the file will say the network is for; it decides how faces are aligned for it (see ``TASKS``)."""

    model: GpenConfig
    phases: tuple[PhaseConfig, ...]
    stage: str = "restore"
    task: str = "restoration"
    seed: int = 0
    init_from: str = ""
    degradation: DegradationRecipe = DegradationRecipe()
    losses: tuple[LossConfig, ...] = ()
    discriminator: DiscriminatorConfig | None = None
    adversarial: AdversarialConfig = AdversarialConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    ema_half_life: float = 10.0  # thousands of pictures
    mixed_precision: str = "no"
    compile: bool = False  # torch.compile: much faster on CPUs, minutes at the start of each phase
    checkpointing: bool = False  # recompute activations: less memory, a third more time
    data: DataConfig = DataConfig()
    validation: ValidationConfig = ValidationConfig()
    saving: SavingConfig = field(default_factory=SavingConfig)

    def __post_init__(self) -> None:
        _choice("stage", self.stage, STAGES)
        _choice("task", self.task, tuple(TASKS))
        _choice("mixed_precision", self.mixed_precision, MIXED_PRECISIONS)
        if not self.phases:
            raise OptionError("a run needs at least one [[phases]]")
        if self.phases[-1].size != self.model.input_size:
            raise OptionError(f"the last phase is for {self.phases[-1].size} px, the model for {self.model.input_size}")
        for before, phase in zip(self.phases, self.phases[1:]):
            if phase.size not in (before.size << octaves for octaves in range(12)):
                raise OptionError(f"a network grows by doubling: {phase.size} px cannot follow {before.size}")
        for phase in self.phases:
            _check_phase(phase)
        if self.phases[0].size != self.model.input_size and self.model.family != "published":
            raise OptionError("only networks of the published family grow: give every phase the model's size")
        if self.stage == "prior" and self.adversarial.weight <= 0:
            raise OptionError("stage 'prior' learns from its discriminator alone: adversarial.weight must be above 0")
        learns = self.adversarial.weight > 0 or all(phase.losses or self.losses for phase in self.phases)
        if self.stage == "restore" and not learns:
            raise OptionError("nothing to learn from: give [[losses]] or an [adversarial] weight")
        if self.adversarial.weight > 0 and self.discriminator is None:
            raise OptionError("an adversarial loss needs a [discriminator]")
        if self.saving.every < 1 or self.saving.keep < 1 or self.saving.log_every < 1 or self.validation.every < 1:
            raise OptionError("saving.every, saving.keep, saving.log_every and validation.every are at least 1")
        if not 0 <= self.data.held_out < 1:
            raise OptionError(f"data.held_out is a share of the pictures, 0 … below 1, not {self.data.held_out}")

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.phases)


def _check_phase(phase: PhaseConfig) -> None:
    _choice("schedule", phase.schedule, SCHEDULES)
    if phase.steps < 1 or phase.batch < 1 or phase.accumulate < 1 or phase.batch % phase.accumulate:
        raise OptionError(
            f"a phase needs steps ≥ 1 and a batch that accumulate divides, not {phase.steps} steps of {phase.batch} "
            f"in {phase.accumulate} parts"
        )


def _choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise OptionError(f"{name} is one of {', '.join(choices)}, not '{value}'")
