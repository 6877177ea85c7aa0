"""What a training run is: everything that decides its result but the pictures themselves."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..checkpoints.catalog import TASKS
from ..degradation import DegradationRecipe
from ..errors import OptionError
from ..model import DiscriminatorConfig, GpenConfig
from .checks import at_least, check_together, choice, share
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

    def __post_init__(self) -> None:
        at_least(
            0, encoder=self.encoder, decoder=self.decoder, discriminator=self.discriminator, clip_norm=self.clip_norm
        )
        share(**{"betas[0]": self.betas[0], "betas[1]": self.betas[1]})


@dataclass(frozen=True)
class AdversarialConfig:
    """Non-saturating logistic loss and its regularisers; all off where ``weight`` is 0.

    R1 and path length are lazy (StyleGAN2 §3.1): computed every ``r1_every`` and ``path_every`` steps, at as many times
    the weight. ``path_shrink`` divides the batch that the path length is measured on; of a batch worked on in parts, it
    is the first part.
    """

    weight: float = 0.0
    feature_matching: float = 0.0
    r1: float = 10.0
    r1_every: int = 16
    path_length: float = 2.0
    path_every: int = 4
    path_shrink: int = 2
    path_decay: float = 0.01

    def __post_init__(self) -> None:
        at_least(
            0, weight=self.weight, feature_matching=self.feature_matching, r1=self.r1, path_length=self.path_length
        )
        at_least(1, r1_every=self.r1_every, path_every=self.path_every, path_shrink=self.path_shrink)
        if not 0 < self.path_decay <= 1:
            raise OptionError(f"path_decay is above 0 and at most 1, not {self.path_decay}")


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

    def __post_init__(self) -> None:
        choice("schedule", self.schedule, SCHEDULES)
        at_least(0, learning_rate=self.learning_rate, warmup=self.warmup, final=self.final)
        if self.steps < 1 or self.batch < 1 or self.accumulate < 1 or self.batch % self.accumulate:
            raise OptionError(
                f"a phase needs steps ≥ 1 and a batch that accumulate divides, not {self.steps} steps of {self.batch} "
                f"in {self.accumulate} parts"
            )


@dataclass(frozen=True)
class DataConfig:
    """``held_out``: share of the pictures kept for validation, whole groups of ``group_by`` (a key of the folder's
    manifest.json) at a time; no training picture resembles one of them (see ``split``)."""

    held_out: float = 0.05
    group_by: str = ""
    workers: int = 1

    def __post_init__(self) -> None:
        share(held_out=self.held_out)
        at_least(0, workers=self.workers)


@dataclass(frozen=True)
class ValidationConfig:
    every: int = 1000
    count: int = 32  # pictures measured
    shown: int = 8  # of them in the sample grid

    def __post_init__(self) -> None:
        at_least(1, every=self.every, count=self.count, shown=self.shown)


@dataclass(frozen=True)
class SavingConfig:
    """Steps between training states, how many of them are kept, and steps between lines of the log."""

    every: int = 500
    keep: int = 3
    log_every: int = 20
    tensorboard: bool = True  # where it is installed

    def __post_init__(self) -> None:
        at_least(1, every=self.every, keep=self.keep, log_every=self.log_every)


@dataclass(frozen=True)
class TrainConfig:
    """``model`` is the network of the last phase. ``init_from`` names the checkpoint to start from ("" for none). ``task``
    is what the file will say the network is for; it decides how faces are aligned for it (see ``TASKS``).
    ``encoder_weights``: torchvision's ImageNet file that a ResNet encoder starts from, where no ``init_from`` is given."""

    model: GpenConfig
    phases: tuple[PhaseConfig, ...]
    stage: str = "restore"
    task: str = "restoration"
    seed: int = 0
    init_from: str = ""
    encoder_weights: str = ""
    degradation: DegradationRecipe = DegradationRecipe()
    losses: tuple[LossConfig, ...] = ()
    discriminator: DiscriminatorConfig | None = None
    adversarial: AdversarialConfig = AdversarialConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    copy_input: bool = False  # a new network of stage "restore" begins as a copy of its input
    hold_features: bool = False  # the strengths at which features come in stay as they start: 1 in a new network
    ema_half_life: float = 10.0  # thousands of pictures
    mixed_precision: str = "no"
    compile: bool = False  # torch.compile: much faster on CPUs, minutes at the start of each phase
    checkpointing: bool = False  # recompute activations: less memory, a third more time
    deterministic: bool = True  # on a GPU, cuDNN's repeatable algorithms: without, a resumed run ends almost the same
    data: DataConfig = DataConfig()
    validation: ValidationConfig = ValidationConfig()
    saving: SavingConfig = field(default_factory=SavingConfig)

    def __post_init__(self) -> None:
        choice("stage", self.stage, STAGES)
        choice("task", self.task, tuple(TASKS))
        choice("mixed_precision", self.mixed_precision, MIXED_PRECISIONS)
        if not 0 < self.ema_half_life < float("inf"):
            raise OptionError(f"ema_half_life is in thousands of pictures and above 0, not {self.ema_half_life}")
        at_least(0, seed=self.seed)
        check_together(self)

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.phases)

    @property
    def adversarially(self) -> bool:
        """Whether a discriminator takes part."""
        return self.adversarial.weight > 0
