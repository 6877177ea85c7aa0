"""Generator against discriminator: non-saturating logistic loss (Goodfellow et al. 2014), R1, path length, features.

Logits are the realness that a discriminator gives, larger for real: [N, 1], or maps [N, 1, H, W], one picture's patches
each, or a list of such maps from several scales. Every patch of a map counts the same, every scale as much as another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ....errors import OptionError

Logits = Tensor | Sequence[Tensor]


def generator_loss(fake_logits: Logits) -> Tensor:
    """−log σ(D(fake)): what the generator minimises. A float32 scalar."""
    return _per_picture(fake_logits, lambda scale: F.softplus(-scale)).mean()


def discriminator_loss(real_logits: Logits, fake_logits: Logits) -> Tensor:
    """−log σ(D(real)) − log σ(−D(fake)): what the discriminator minimises. A float32 scalar."""
    real = _per_picture(real_logits, lambda scale: F.softplus(-scale))
    fake = _per_picture(fake_logits, F.softplus)
    return real.mean() + fake.mean()


def r1_penalty(real_logits: Logits, real_pictures: Tensor, gamma: float = 10.0) -> Tensor:
    """γ/2 · E‖∇D(real)‖² (Mescheder et al. 2018). A float32 scalar with a graph. Lazy: see ``Lazy``.

    D is a picture's mean logit, and may look across the batch. ``real_pictures`` [N, 3, S, S] require gradients and are
    what ``real_logits`` were computed from.
    """
    realness = _per_picture(real_logits, lambda scale: scale).sum()
    (gradient,) = torch.autograd.grad(realness, real_pictures, create_graph=True)
    return gamma / 2 * gradient.float().square().flatten(1).sum(1).mean()


def feature_matching(fake_features: Sequence[Tensor], real_features: Sequence[Tensor]) -> Tensor:
    """Σ over the discriminator's activations of mean |D_i(fake) − D_i(real)| (in GPEN's paper; with L1, as pix2pixHD has it).

    Differentiable through ``fake_features`` only. A float32 scalar.
    """
    if len(fake_features) != len(real_features) or not fake_features:
        raise OptionError(
            f"feature matching compares as many activations of fake as of real pictures, "
            f"not {len(fake_features)} with {len(real_features)}"
        )
    pairs = zip(fake_features, real_features)
    return torch.stack([F.l1_loss(fake.float(), real.detach().float()) for fake, real in pairs]).sum()


@dataclass(frozen=True)
class Lazy:
    """A regulariser computed every ``interval`` steps only, at as many times its weight (StyleGAN2 §3.1)."""

    interval: int

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise OptionError(f"a lazy regulariser comes every 1 or more steps, not every {self.interval}")

    def due(self, step: int) -> bool:
        return step % self.interval == 0

    def adam(self, rate: float, betas: tuple[float, float]) -> tuple[float, tuple[float, float]]:
        """Learning rate and betas of an optimizer that steps n + 1 times where it would step n times: StyleGAN2's
        correction, for which the regulariser is to have an optimizer step of its own."""
        ratio = self.interval / (self.interval + 1)
        return rate * ratio, (betas[0] ** ratio, betas[1] ** ratio)


class PathLength:
    """E (‖Jᵀy‖ − a)² (StyleGAN2 §3.2): a step in W should change the picture by the same amount everywhere. y are random
    pictures, J = ∂picture/∂w, and a is the moving mean of ‖Jᵀy‖, of which ``decay`` is new each time: the only state.

    Lazy: see ``Lazy``. It costs memory, so that a batch's ``shrink``-th part has to do.
    """

    def __init__(self, decay: float = 0.01, shrink: int = 2) -> None:
        if not 0 < decay <= 1 or shrink < 1:
            raise OptionError(
                f"path length: decay is above 0 and at most 1, shrink at least 1, not {decay} and {shrink}"
            )
        self.decay, self.shrink = decay, shrink
        self.mean = torch.zeros(())  # float32; on the CPU until used

    def batch(self, size: int) -> int:
        """How many pictures of a batch of ``size`` the length is measured on."""
        return max(1, size // self.shrink)

    def __call__(
        self,
        pictures: Tensor,
        latents: Tensor,
        random: torch.Generator | None = None,
        across: Callable[[Tensor], Tensor] = lambda mean: mean,
    ) -> Tensor:
        """A float32 scalar with a graph; moves the mean.

        pictures: [N, 3, H, W], computed from ``latents``: w as [N, D], or as [N, L, D], one for each layer. ``random`` draws
        y, on its own device. ``across`` averages a scalar over processes, so that all of them keep the same mean.
        """
        lengths = path_lengths(pictures, latents, random)
        found = across(lengths.detach().mean())
        self.mean = torch.lerp(self.mean.to(found), found, self.decay)
        return (lengths - self.mean).square().mean()

    def state_dict(self) -> dict[str, Tensor]:
        return {"mean": self.mean.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.mean = state["mean"].detach().clone().float().reshape(())


def path_lengths(pictures: Tensor, latents: Tensor, random: torch.Generator | None = None) -> Tensor:
    """‖Jᵀy‖ of each picture, [N] float32; of latents [N, L, D] the root mean square over the layers, as published.

    y is Gaussian of variance 1/(H·W), so that lengths don't grow with the size of pictures.
    """
    height, width = pictures.shape[-2:]
    device = pictures.device if random is None else random.device
    noise = torch.randn(pictures.shape, generator=random, device=device).to(pictures.device) / math.sqrt(height * width)
    (gradient,) = torch.autograd.grad((pictures.float() * noise).sum(), latents, create_graph=True)
    squares = gradient.float().square().sum(-1)
    if squares.dim() == 2:
        squares = squares.mean(1)
    return squares.sqrt()


def _per_picture(logits: Logits, term: Callable[[Tensor], Tensor]) -> Tensor:
    """[N]: ``term`` of a picture's logits, mean over each map and then over the scales."""
    scales = [logits] if isinstance(logits, Tensor) else list(logits)
    return torch.stack([term(scale.float()).flatten(1).mean(1) for scale in scales]).mean(0)
