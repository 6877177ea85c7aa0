"""A network of twice the size out of a trained one, for training 64 → 128 → 256 px.

What the grown network yields at first is what the small one yields for the halved picture, upsampled by the FIR of the
running RGB: the new RGB layer yields zero, and the encoder's two new stages together are the halving and the small
encoder's first stage. Everything new can learn: no gradient that should flow is blocked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import OptionError
from .config import GpenConfig
from .gpen import Gpen
from .ops import ACTIVATION_GAIN
from .styled import FeatureInjection

# Three taps that turn the blur [1, 3, 3, 1]/8 before a stage's convolution of stride 2 into [-1, 1, 8, 8, 1, -1]/16:
# nearly the mean of two pixels, and what lies beyond the border (zeros) has no weight in sum.
_HALVING_TAPS = (-0.5, 2.0, -0.5)


@torch.no_grad()
def grow(small: Gpen, config: GpenConfig) -> Gpen:
    """A new network of ``config``, twice the size of ``small`` and else like it, that begins where ``small`` is.

    For pictures in [-1, 1], its style code and its features up to the small size are those of ``small`` for the picture
    halved (each pixel nearly the mean of four), and its output is that of ``small``, FIR-upsampled. New layers of the
    generator start at random (torch's global generator), its new RGB layer yields zero. On the device and in the precision
    of ``small``, which is left as it is.

    A ResNet encoder is taken over as it is and sees the picture itself, so that its style code is another; for the same
    code the output is that of ``small``, upsampled. Raises OptionError where ``config`` is not ``small``'s, doubled.
    """
    _check(small.config, config)
    like = next(small.parameters())
    big = Gpen(config).to(like.device, like.dtype)
    kept = {_renamed(key): value for key, value in small.state_dict().items() if not key.startswith("ecd0.")}
    big.load_state_dict(kept, strict=False)
    if config.has_features:
        _halve_then_look(big, small)
    new_rgb: Any = big.generator.to_rgbs[-1]
    new_rgb.conv.weight.zero_()
    for convolution in big.generator.convs[-2:]:  # features closed off by a zero that meets zeros would never come in
        let_features_in(convolution)
    return big.train(small.training)


@torch.no_grad()
def let_features_in(network: nn.Module) -> None:
    """Let every encoder feature into the generator at full strength.

    They are new at strength 0, as StyleGAN2's noise is: right for noise on a trained prior, but a network that learns
    from nothing then takes hundreds of steps to open its coarse levels, and learns to copy its input meanwhile.
    """
    for module in network.modules():
        if isinstance(module, FeatureInjection):
            module.weight.fill_(1.0)


def _check(old: GpenConfig, new: GpenConfig) -> None:
    if old.input_size != old.output_size:
        raise OptionError(f"a network that enlarges ({old.input_size} → {old.output_size} px) cannot be grown")
    doubled = replace(old, input_size=2 * old.input_size, output_size=2 * old.output_size, channels=new.channels)
    if new != doubled or new.channels[:-1] != old.channels:
        raise OptionError(
            f"{new} is not twice the size of {old} and else like it: sizes must be doubled, channels be those of the "
            "small network and one more, and everything else the same"
        )
    if new.has_features and new.channels[-1] < 3:
        raise OptionError(f"{new.channels[-1]} channels at {new.output_size} px cannot carry three colors; at least 3")


def _renamed(key: str) -> str:
    """Encoder stages are numbered from the finest, so the small network's ``ecdN`` is the grown one's ``ecdN+1``."""
    stage, dot, rest = key.partition(".")
    return f"ecd{int(stage[3:]) + 1}{dot}{rest}" if stage.startswith("ecd") else key


def _halve_then_look(big: Any, small: Any) -> None:
    """Make ``ecd1(ecd0(x))`` of ``big`` equal ``ecd0(halved x)`` of ``small``.

    The first three channels of ``ecd0`` carry x + 1, which in [-1, 1] passes the leaky ReLU unbent; ``ecd1`` halves
    them, takes the 1 off again in its bias, and looks at the rest, which stays at random, only once it has learned to.
    """
    convolution, activation = small.ecd0[0]
    look = convolution.weight[:, :, 0, 0] * convolution.gain  # [C, 3]
    carry, carry_activation = big.ecd0[0]
    carry.weight[:3] = (torch.eye(3).to(look) / (ACTIVATION_GAIN * carry.gain))[:, :, None, None]
    carry_activation.bias[:3] = 1 / ACTIVATION_GAIN
    _, halving, halving_activation = big.ecd1[0]
    taps: Tensor = torch.tensor(_HALVING_TAPS).to(look)
    halving.weight.zero_()
    halving.weight[:, :3] = look[:, :, None, None] * torch.outer(taps, taps) / halving.gain
    halving_activation.bias.copy_(activation.bias - look.sum(1))
