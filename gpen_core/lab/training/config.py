"""What a training run is: everything that decides its result but the pictures themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ...errors import OptionError
from ...model import DiscriminatorConfig, GpenConfig
from ...tasks import TASKS
from ..degradation import DegradationRecipe, Weighted
from .augmentation import AugmentationConfig
from .losses import LOSS_KINDS, LossConfig
from .parts import (
    AdversarialConfig,
    DataConfig,
    OptimizerConfig,
    PhaseConfig,
    SavingConfig,
    ValidationConfig,
)
from .ranges import at_least, choice
from .sizes import sized, sized_discriminator

STAGES = ("prior", "restore")
MIXED_PRECISIONS = ("no", "bf16", "fp16")
_LARGEST_GROWTH = 12  # octaves
_COLORS = 3  # a network that grows carries the picture through its new first layer


@dataclass(frozen=True)
class TrainConfig:
    """``model`` is the network of the last phase. ``init_from`` names the checkpoint to start from ("" for none). ``task``
    is what the file will say the network is for; it decides how faces are aligned for it (see ``TASKS``).
    ``degradation`` is what is validated with and, unless ``mix`` is given, trained with; the recipes of ``mix`` are drawn by
    their weights.
    ``encoder_weights``: torchvision's ImageNet file that a ResNet encoder starts from, where no ``init_from`` is given."""

    model: GpenConfig
    phases: tuple[PhaseConfig, ...]
    stage: str = "restore"
    task: str = "restoration"
    seed: int = 0
    init_from: str = ""
    encoder_weights: str = ""
    degradation: DegradationRecipe = DegradationRecipe()
    mix: tuple[Weighted, ...] = ()
    augmentation: AugmentationConfig = AugmentationConfig()
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
        _check_together(self)

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.phases)

    @property
    def adversarially(self) -> bool:
        """Whether a discriminator takes part."""
        return self.adversarial.weight > 0


def _check_together(config: TrainConfig) -> None:
    """Raise OptionError for a run that could not be finished."""
    _check_sizes(config)
    _check_learning(config)
    _check_networks(config)
    for phase in config.phases:
        _check_losses(phase.losses or config.losses)


def _check_losses(losses: Sequence[LossConfig]) -> None:
    """Known kinds, each once: a loss is known by its kind in the logs."""
    kinds = [loss.kind for loss in losses]
    for kind in kinds:
        choice("the kind of a loss", kind, LOSS_KINDS)
        if kinds.count(kind) > 1:
            raise OptionError(f"the loss '{kind}' is asked for twice: give it once, with the sum of the weights")


def _check_sizes(config: TrainConfig) -> None:
    phases, model = config.phases, config.model
    if not phases:
        raise OptionError("a run needs at least one [[phases]]")
    if phases[-1].size != model.input_size:
        raise OptionError(f"the last phase is for {phases[-1].size} px, the model for {model.input_size}")
    for before, phase in pairwise(phases):
        if phase.size not in (before.size << octaves for octaves in range(_LARGEST_GROWTH)):
            raise OptionError(f"a network grows by doubling: {phase.size} px cannot follow {before.size}")
    grown = [phase.size for phase in phases if phase.size > phases[0].size]
    if not grown:
        return
    if model.family != "published":
        raise OptionError("only networks of the published family grow: give every phase the model's size")
    if model.scale != 1:
        raise OptionError("a network that enlarges its input cannot grow: give every phase the model's size")
    narrowest = min(sized(model, size).channels[-1] for size in grown)
    if narrowest < _COLORS:
        raise OptionError(f"{narrowest} channels at a size grown to cannot carry three colors: give {_COLORS} or more")


def _check_learning(config: TrainConfig) -> None:
    adversarial = config.adversarial
    if config.stage == "prior" and adversarial.weight <= 0:
        raise OptionError("stage 'prior' learns from its discriminator alone: adversarial.weight must be above 0")
    grows = config.phases[0].size != config.model.input_size
    if config.copy_input and (config.stage == "prior" or config.init_from or grows):
        raise OptionError(
            "copy_input is for a new network of stage 'restore' that has its full size from the first phase on"
        )
    compares = adversarial.feature_matching or config.losses or any(phase.losses for phase in config.phases)
    if config.stage == "prior" and compares:
        raise OptionError(
            "stage 'prior' makes faces of noise, which are like no others: no [[losses]], no feature_matching"
        )
    if config.stage == "restore" and adversarial.weight <= 0:
        if not all(phase.losses or config.losses for phase in config.phases):
            raise OptionError("nothing to learn from: give [[losses]] or an [adversarial] weight")
        if adversarial.feature_matching:
            raise OptionError("feature_matching needs a discriminator that learns: give an adversarial.weight above 0")
    if TASKS[config.task].unshifted:
        raise OptionError(f"task '{config.task}' takes pictures of another kind than degraded faces: not trained here")


def _check_networks(config: TrainConfig) -> None:
    """Building the configurations of every phase raises what is wrong with them."""
    if config.encoder_weights and config.model.has_features:
        raise OptionError(f"encoder_weights are a ResNet's; the model's encoder is '{config.model.encoder}'")
    wanted = config.model.output_size
    if config.adversarial.weight > 0 and config.discriminator is None:
        raise OptionError("an adversarial loss needs a [discriminator]")
    if config.discriminator is not None and config.discriminator.size != wanted:
        raise OptionError(f"the discriminator is for {config.discriminator.size} px, the model makes {wanted}")
    for phase in config.phases:
        sized(config.model, phase.size)
        if config.discriminator is not None:
            sized_discriminator(config.discriminator, phase.size * config.model.scale)
