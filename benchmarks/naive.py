"""The published network's arithmetic as everyone's first version has it: what the other figures are measured by.

Channels first; each sample's own modulated weights through one grouped convolution; the FIR filter by zero-stuffing,
padding and one convolution for each channel; features joined by concatenation; bias, leaky ReLU and gain one after the
other. Written from the specification (Yang et al. 2021; Karras et al. 2020), to be read and to be equal, not to be quick.

python benchmarks/naive.py    compares it with the package's own network
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gpen_core.lab.benchmark.subjects import random_crops, random_network  # noqa: E402
from gpen_core.model import Gpen, GpenConfig  # noqa: E402

TOLERANCE = 1e-4


def main() -> None:
    for concatenate in (True, False):
        config = GpenConfig.published(64, narrow=1 / 8, concatenate=concatenate)
        difference = check(random_network(config))
        print(f"64 px, {'concatenated' if concatenate else 'added'}: differs by {difference:.1e} at most")


def check(network: Gpen) -> float:
    """The largest difference from ``network``, for two pictures. Raises AssertionError above 1e-4."""
    pictures = random_crops(network.config.input_size, 2) * 2 - 1
    with torch.inference_mode():
        difference = (Naive(network.config, network.state_dict())(pictures) - network(pictures)).abs().max().item()
    if not difference < TOLERANCE:
        raise AssertionError(f"the naive network differs by {difference:.1e}: what it is compared with is another one")
    return difference


class Naive(nn.Module):
    """[N, 3, S, S] RGB in [-1, 1] → the same, from the state dict of a published network, as it is."""

    def __init__(self, config: GpenConfig, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        if config.family != "published" or config.scale != 1:
            raise ValueError("only networks of the published family, whose output is as large as their input")
        self.config = config
        for key, value in state.items():
            self.register_buffer(key.replace(".", "/"), value)

    def weight(self, key: str) -> Tensor:
        return self._buffers[key.replace(".", "/")]

    def forward(self, pictures: Tensor) -> Tensor:
        features, x = [], pictures
        for stage in range(self.config.levels):
            x = self.encoder_stage(x, stage)
            features.append(x)
        z = self.linear(x.flatten(1), "final_linear.0", activate=True)
        return self.generate(self.mapping(z), features[::-1])

    def encoder_stage(self, x: Tensor, stage: int) -> Tensor:
        name = f"ecd{stage}.0"
        if stage == 0:
            return biased_activation(equal_conv(x, self.weight(f"{name}.0.weight")), self.weight(f"{name}.1.bias"))
        x = upfirdn(x, self.weight(f"{name}.0.kernel"), padding=(2, 2))
        return biased_activation(
            equal_conv(x, self.weight(f"{name}.1.weight"), stride=2), self.weight(f"{name}.2.bias")
        )

    def mapping(self, z: Tensor) -> Tensor:
        w = z * torch.rsqrt(torch.mean(z**2, dim=1, keepdim=True) + 1e-8)
        for layer in range(1, self.config.mapping_layers + 1):
            w = self.linear(w, f"generator.style.{layer}", activate=True, lr_multiplier=0.01)
        return w

    def generate(self, w: Tensor, features: list[Tensor]) -> Tensor:
        x = self.weight("generator.input.input").repeat(len(w), 1, 1, 1)
        x = self.styled_conv(x, w, features[0], "generator.conv1")
        rgb = self.to_rgb(x, w, "generator.to_rgb1")
        for level, feature in enumerate(features[1:]):
            x = self.styled_conv(x, w, feature, f"generator.convs.{2 * level}", up=True)
            x = self.styled_conv(x, w, feature, f"generator.convs.{2 * level + 1}")
            rgb = self.to_rgb(x, w, f"generator.to_rgbs.{level}", rgb)
        return rgb

    def styled_conv(self, x: Tensor, w: Tensor, feature: Tensor, name: str, *, up: bool = False) -> Tensor:
        y = self.modulated_conv(x, w, f"{name}.conv", up=up)
        scaled = self.weight(f"{name}.noise.weight") * feature
        y = torch.cat((y, scaled), dim=1) if self.config.concatenate else y + scaled
        return biased_activation(y, self.weight(f"{name}.activate.bias"))

    def to_rgb(self, x: Tensor, w: Tensor, name: str, below: Tensor | None = None) -> Tensor:
        rgb = self.modulated_conv(x, w, f"{name}.conv", demodulate=False) + self.weight(f"{name}.bias")
        if below is None:
            return rgb
        return rgb + upfirdn(below, self.weight(f"{name}.upsample.kernel"), up=2, padding=(2, 1))

    def modulated_conv(self, x: Tensor, w: Tensor, name: str, *, up: bool = False, demodulate: bool = True) -> Tensor:
        """Each sample's own weights, the batch as groups of one convolution."""
        weight = self.weight(f"{name}.weight")  # [1, O, I, k, k]
        height, width = x.shape[2:]
        batch = int(x.shape[0])  # a number, to torch's older exporter too, which wants to know the shapes of filters
        outputs, inputs, kernel = (int(weight.shape[axis]) for axis in (1, 2, 4))
        style = self.linear(w, f"{name}.modulation").view(batch, 1, inputs, 1, 1)
        weight = weight * style / math.sqrt(inputs * kernel**2)  # [N, O, I, k, k]
        if demodulate:
            weight = weight * torch.rsqrt(weight.pow(2).sum([2, 3, 4]) + 1e-8).view(batch, outputs, 1, 1, 1)
        x = x.reshape(1, batch * inputs, height, width)
        if up:
            weight = weight.transpose(1, 2).reshape(batch * inputs, outputs, kernel, kernel)
            y = F.conv_transpose2d(x, weight, stride=2, groups=batch)
            y = y.view(batch, outputs, 2 * height + 1, 2 * width + 1)
            return upfirdn(y, self.weight(f"{name}.blur.kernel"), padding=(1, 1))
        weight = weight.reshape(batch * outputs, inputs, kernel, kernel)
        return F.conv2d(x, weight, padding=kernel // 2, groups=batch).view(batch, outputs, height, width)

    def linear(self, x: Tensor, name: str, *, activate: bool = False, lr_multiplier: float = 1.0) -> Tensor:
        weight, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias") * lr_multiplier
        x = F.linear(x, weight * (lr_multiplier / math.sqrt(weight.shape[1])))
        return F.leaky_relu(x + bias, 0.2) * math.sqrt(2) if activate else x + bias


def equal_conv(x: Tensor, weight: Tensor, *, stride: int = 1) -> Tensor:
    return F.conv2d(x, weight / math.sqrt(weight[0].numel()), stride=stride)


def biased_activation(x: Tensor, bias: Tensor) -> Tensor:
    return F.leaky_relu(x + bias.view(1, -1, 1, 1), 0.2) * math.sqrt(2)


def upfirdn(x: Tensor, kernel: Tensor, *, up: int = 1, padding: tuple[int, int]) -> Tensor:
    """Zeros between the pixels, zeros around them, and the filter over each channel."""
    batch, channels, height, width = x.shape
    x = x.reshape(batch * channels, 1, height, 1, width, 1)
    x = F.pad(x, (0, up - 1, 0, 0, 0, up - 1)).reshape(batch * channels, 1, height * up, width * up)
    x = F.pad(x, (*padding, *padding))
    y = F.conv2d(x, kernel.flip(0, 1)[None, None])
    return y.view(batch, channels, *y.shape[2:])


if __name__ == "__main__":
    main()
