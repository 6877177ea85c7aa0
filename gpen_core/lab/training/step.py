"""One step of training: the discriminator learns, then the network."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ...errors import TrainingError
from .config import TrainConfig
from .learner import Adversary, Learner
from .samples import Batch
from .terms import TermMaker, Terms

if TYPE_CHECKING:
    from accelerate import Accelerator

_LEAST_SCALE = 2.0**-14  # of fp16's losses, which begins at 2^16: below, it is not the range of fp16 that fails


@dataclass(frozen=True, eq=False)
class Stepper:
    """What every step needs and none changes. Call it with a learner, a batch, the number of steps done before and of parts
    that the batch is worked on in; it returns the values of the losses, unweighted, as floats. Raises TrainingError where
    one of them, or a gradient, is no number, before any weight has been changed by it; steps are counted from 1 there."""

    config: TrainConfig
    terms: TermMaker
    accelerator: Accelerator

    def __call__(self, learner: Learner, batch: Batch, step: int, accumulate: int) -> dict[str, float]:
        parts = batch.parts(accumulate)
        values: dict[str, float] = {}
        if learner.adversary is not None:
            values |= self._discriminator(learner, learner.adversary, parts, step)
        values |= self._generator(learner, parts, step)
        return values

    def _discriminator(self, learner: Learner, adversary: Adversary, parts: list[Batch], step: int) -> dict[str, float]:
        weights, discriminator = self.config.adversarial, adversary.discriminator.requires_grad_(True)
        terms = (self.terms.discriminator(learner.network, discriminator, part) for part in parts)
        values = self._step(adversary.optimizer, discriminator, terms, step)
        if weights.r1 > 0 and step % weights.r1_every == 0:
            terms = (self.terms.r1(discriminator, part) for part in parts)
            values |= self._step(adversary.optimizer, discriminator, terms, step, half=False)
        discriminator.requires_grad_(False)  # gradients still pass through it
        return values

    def _generator(self, learner: Learner, parts: list[Batch], step: int) -> dict[str, float]:
        network, adversary = learner.network, learner.adversary
        discriminator = adversary.discriminator if adversary is not None else None
        terms = (self.terms.generator(network, discriminator, part) for part in parts)
        values = self._step(learner.optimizer, network, terms, step)
        if adversary is not None and adversary.path is not None and step % self.config.adversarial.path_every == 0:
            terms = (self.terms.path_length(network, adversary.path, part) for part in parts[:1])
            values |= self._step(learner.optimizer, network, terms, step, half=False)
        return values

    def _step(
        self,
        optimizer: torch.optim.Optimizer,
        module: nn.Module,
        parts: Iterable[Terms],
        step: int,
        *,
        half: bool = True,
    ) -> dict[str, float]:
        """Gradients of the mean over the parts of the weighted sums, then one step of the optimizer. ``half``: forward in
        the mixed precision of the run; a gradient's gradient has no place there."""
        optimizer.zero_grad(set_to_none=True)
        seen: list[Terms] = []
        parts = iter(parts)
        while (terms := self._next(parts, half)) is not None:
            self.accelerator.backward(torch.stack([weight * value.float() for weight, value in terms.values()]).sum())
            seen.append({name: (weight, value.detach().float()) for name, (weight, value) in terms.items()})
        self._share_gradients(module, len(seen))
        values = self._checked(seen, _length(module), step)
        if self.config.optimizer.clip_norm > 0:
            self.accelerator.unscale_gradients(optimizer)
            nn.utils.clip_grad_norm_(module.parameters(), self.config.optimizer.clip_norm)
        optimizer.step()
        return values

    def _next(self, parts: Iterable[Terms], half: bool) -> Terms | None:
        with self.accelerator.autocast() if half else nullcontext():
            return next(iter(parts), None)

    def _checked(self, seen: list[Terms], length: Tensor, step: int) -> dict[str, float]:
        """Means over the parts and over all processes, so that all of them stop where one of them must. ``length``: of the
        gradient, the same everywhere."""
        means = {name: torch.stack([terms[name][1] for terms in seen]).mean() for name in seen[0]}
        *numbers, length_found = torch.cat([self._across(torch.stack(list(means.values()))), length[None]]).tolist()
        values = dict(zip(means, numbers))
        for name, value in values.items():
            if not math.isfinite(value):
                raise TrainingError(f"step {step + 1}: the loss '{name}' became {value}: training diverged")
        if not math.isfinite(length_found) and not self._may_overflow():
            raise TrainingError(
                f"step {step + 1}: the gradient of {_listed(values)} became {length_found}: training diverged"
            )
        return values

    def _may_overflow(self) -> bool:
        """In fp16 gradients overflow now and then: such a step is left out, and the scale of the losses halved."""
        scaler = self.accelerator.scaler
        return scaler is not None and scaler.get_scale() > _LEAST_SCALE

    def _share_gradients(self, module: nn.Module, parts: int) -> None:
        """Gradients of the parts' sum become those of their mean, over all processes. One reduction of one flat tensor,
        instead of DistributedDataParallel's hooks: those neither see a regulariser's gradients of gradients whole, nor
        forgive parameters that a step leaves out."""
        gradients = _gradients(module)
        if self.accelerator.num_processes > 1:
            flat = self._across(torch.cat([gradient.reshape(-1) for gradient in gradients]))
            for gradient, shared in zip(gradients, flat.split([gradient.numel() for gradient in gradients])):
                gradient.copy_(shared.view_as(gradient))
        if parts > 1:
            torch._foreach_div_(gradients, float(parts))

    def _across(self, values: Tensor) -> Tensor:
        if self.accelerator.num_processes == 1:
            return values
        shared: Tensor = self.accelerator.reduce(values, "mean")
        return shared


def _gradients(module: nn.Module) -> list[Tensor]:
    return [parameter.grad for parameter in module.parameters() if parameter.grad is not None]


def _length(module: nn.Module) -> Tensor:
    """Of all gradients together, float32: no number where one of theirs is none."""
    return torch.stack(torch._foreach_norm(_gradients(module))).float().norm()


def _listed(values: dict[str, float]) -> str:
    return ", ".join(f"'{name}' ({value:.4g})" for name, value in values.items())
