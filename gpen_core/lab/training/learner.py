"""Everything in a run that changes: networks, their average, optimizers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ...errors import TrainingError
from ...model import Discriminator, Gpen, PatchDiscriminator
from ...model.styled import FeatureInjection
from .config import TrainConfig
from .ema import averaged
from .losses import PathLength
from .optimizers import discriminator_optimizer, freeze_still, generator_optimizer, load_optimizer

AnyDiscriminator = Discriminator | PatchDiscriminator


@dataclass(eq=False)
class Adversary:
    """The discriminator's side. ``path``: the path length's moving mean, where that regulariser is on."""

    discriminator: AnyDiscriminator
    optimizer: torch.optim.Optimizer
    path: PathLength | None = None


@dataclass(eq=False)
class Learner:
    """The names in ``state`` are those of StyleGAN2's training checkpoints: g, g_ema, d, g_optim, d_optim."""

    network: Gpen
    average: Gpen
    optimizer: torch.optim.Optimizer
    adversary: Adversary | None = None

    @property
    def optimizers(self) -> list[torch.optim.Optimizer]:
        return [self.optimizer] if self.adversary is None else [self.optimizer, self.adversary.optimizer]

    @property
    def modules(self) -> list[nn.Module]:
        return [self.network, self.average] + ([self.adversary.discriminator] if self.adversary is not None else [])

    def state(self) -> dict[str, Any]:
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load(self, state: dict[str, Any]) -> None:
        """Raises TrainingError where the state is of other networks."""
        for name, part in self._parts().items():
            try:
                if name in ("g_optim", "d_optim"):
                    load_optimizer(part, state[name])
                else:
                    part.load_state_dict(state[name])
            except (KeyError, RuntimeError, ValueError) as error:
                raise TrainingError(
                    f"the saved state is of another network: its '{name}' does not fit ({type(error).__name__}: "
                    f"{str(error).splitlines()[0]}). Give another folder with --out."
                ) from error

    def _parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = {"g": self.network, "g_ema": self.average, "g_optim": self.optimizer}
        if self.adversary is not None:
            parts |= {"d": self.adversary.discriminator, "d_optim": self.adversary.optimizer}
            if self.adversary.path is not None:
                parts["path"] = self.adversary.path
        return parts


def make_learner(
    config: TrainConfig,
    network: Gpen,
    discriminator: AnyDiscriminator | None,
    device: torch.device,
    average: Gpen | None = None,
) -> Learner:
    """Fresh optimizers around networks, which move to ``device``. The average begins as the network unless given."""
    network = network.to(device).train().requires_grad_(True)
    network.checkpointing = config.checkpointing
    freeze_still(network, config.optimizer, prior=config.stage == "prior")
    if config.hold_features:
        for module in network.modules():
            if isinstance(module, FeatureInjection):
                module.requires_grad_(False)
    average = averaged(network) if average is None else average.to(device).eval().requires_grad_(False)
    adversarial = config.adversarial
    optimizer = generator_optimizer(network, config.optimizer, adversarial, prior=config.stage == "prior")
    if discriminator is None:
        return Learner(network, average, optimizer)
    discriminator = discriminator.to(device).train().requires_grad_(True)
    discriminator.checkpointing = config.checkpointing
    d_optimizer = discriminator_optimizer(discriminator, config.optimizer, adversarial)
    path = PathLength(adversarial.path_decay, adversarial.path_shrink) if adversarial.path_length > 0 else None
    return Learner(network, average, optimizer, Adversary(discriminator, d_optimizer, path))


def check_finite(modules: Iterable[nn.Module], step: int) -> None:
    """Raise TrainingError where weights are no numbers: such a state must not replace a good one."""
    for module in modules:
        for name, value in module.named_parameters():
            if not torch.isfinite(value.detach().sum()):
                raise TrainingError(f"step {step}: the weights '{name}' became NaN or infinite")
