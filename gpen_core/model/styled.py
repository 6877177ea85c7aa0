"""The generator's layers, which the style steers: by modulated weights or by adaptive instance normalization."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import ops
from .config import GpenConfig
from .layers import BiasLeakyReLU, EqualConv2d, EqualLinear, Fir, FirUpsample


class ModulatedConv2d(nn.Module):
    """x: [N, in, H, W], w: [N, style_dim] → [N, out, H, W], twice the size with ``upsampling`` "fir" or "nearest"."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        style_dim: int,
        *,
        demodulate: bool = True,
        upsampling: str | None = None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, outputs, inputs, kernel, kernel))
        self.modulation = EqualLinear(style_dim, inputs, activate=False, bias=1.0)
        # The FIR follows the transposed convolution, whose zeros between the pixels cost a gain of 4.
        self.blur = Fir((1, 1), gain=4.0) if upsampling == "fir" else None
        self.nearest = upsampling == "nearest"
        self.gain = 1 / math.sqrt(inputs * kernel**2)
        self.demodulate = demodulate

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """[N, in, H, W], style w [N, style_dim] → [N, out, H, W], twice the size where it upsamples."""
        y = ops.modulated_conv2d(
            ops.nearest_upsample(x) if self.nearest else x,
            self.weight[0] * self.gain,
            self.modulation(w),
            demodulate=self.demodulate,
            upsample=self.blur is not None,
        )
        return y if self.blur is None else self.blur(y)


class AdainConv2d(nn.Module):
    """An equalised convolution, then adaptive instance normalization whose scale and shift are linear in w.

    x: [N, in, H, W], w: [N, style_dim] → [N, out, H, W], twice the size with ``upsampling`` "fir" or "nearest".
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, style_dim: int, *, upsampling: str | None = None
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.modulation = EqualLinear(style_dim, 2 * outputs, activate=False)
        with torch.no_grad():
            self.modulation.bias[:outputs] = 1  # scales begin around 1, shifts around 0
        self.blur = Fir((1, 1), gain=4.0) if upsampling == "fir" else None
        self.nearest = upsampling == "nearest"
        self.gain = 1 / math.sqrt(inputs * kernel**2)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """[N, in, H, W], style w [N, style_dim] → [N, out, H, W], twice the size where it upsamples."""
        weight = self.weight * self.gain
        if self.blur is not None:
            y = self.blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2))
        else:
            y = F.conv2d(ops.nearest_upsample(x) if self.nearest else x, weight, padding=weight.shape[-1] // 2)
        scale, shift = self.modulation(w).chunk(2, dim=1)
        return ops.adaptive_instance_norm(y, scale, shift)


class FeatureInjection(nn.Module):
    """Where StyleGAN2 adds noise, GPEN brings in the encoder's feature, scaled by one learned number."""

    def __init__(self, *, concatenate: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.concatenate = concatenate

    def forward(self, x: Tensor, feature: Tensor) -> Tensor:
        """x, feature: [N, C, H, W] → [N, 2C, H, W] concatenated, or [N, C, H, W] added.

        Added into ``x``, where no gradient is asked for.
        """
        if torch.is_grad_enabled():
            feature = self.weight * feature
            return torch.cat((x, feature), dim=1) if self.concatenate else x + feature
        if not self.concatenate:
            return x.addcmul_(feature, self.weight)
        joined = torch.cat((x, feature), dim=1)
        joined[:, x.shape[1] :].mul_(self.weight)  # no scaled copy of the feature
        return joined


class StyledConv(nn.Module):
    """A 3×3 convolution steered by w, the encoder's feature where there is one, bias and leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, config: GpenConfig, *, upsample: bool) -> None:
        super().__init__()
        conv = ModulatedConv2d if config.injection == "modulation" else AdainConv2d
        self.conv = conv(inputs, outputs, 3, config.style_dim, upsampling=config.upsampling if upsample else None)
        self.noise = FeatureInjection(concatenate=config.concatenate) if config.has_features else None
        self.activate = BiasLeakyReLU(outputs * config.joined)

    def forward(self, x: Tensor, w: Tensor, feature: Tensor | None) -> Tensor:
        """[N, in, H, W], w [N, style_dim], feature [N, out, …] or None → [N, out or 2·out, H, W], or twice that size."""
        return self.join(self.conv(x, w), feature)

    def join(self, y: Tensor, feature: Tensor | None) -> Tensor:
        """The second half of ``forward``, from what ``conv`` made, so that a caller can let go of ``x`` in between."""
        return self.activate(y if self.noise is None else self.noise(y, feature))


class ToRgb(nn.Module):
    """[N, C, H, W] → [N, 3, H, W], added to the running RGB image brought to the same size.

    Modulated like the rest, or a plain 1×1 convolution under "adain": colors must not be normalized away. The running
    image always goes through the FIR: doubled pixels would be seen in the picture.
    """

    def __init__(self, inputs: int, config: GpenConfig, *, upsample: bool) -> None:
        super().__init__()
        self.styled = config.injection == "modulation"
        self.conv = (
            ModulatedConv2d(inputs, 3, 1, config.style_dim, demodulate=False)
            if self.styled
            else EqualConv2d(inputs, 3, 1)
        )
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))
        if upsample:
            self.upsample = FirUpsample()

    def forward(self, x: Tensor, w: Tensor, running: Tensor | None = None) -> Tensor:
        """[N, C, H, W], w [N, style_dim] and the running image, if any → [N, 3, H, W]."""
        add = Tensor.add if torch.is_grad_enabled() else Tensor.add_
        rgb = add(self.conv(x, w) if self.styled else self.conv(x), self.bias)
        return rgb if running is None else add(rgb, self.upsample(running))
