"""The network's own modules, one after the other: on any device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from ..model import Gpen, GpenConfig, maps_of
from ..model.ops import scales_weights
from ..polling import Poll, current_poll, go_on
from .base import CPU_PIXELS_AT_ONCE, Network, largest_batch

_GPU_PIXELS_AT_ONCE = 8 * 512**2  # 3.6 GiB in float32, whatever the model's size, up to 1024 px
_FLOAT32 = 4
_SPARE = 1.04  # an allocator rounds every size up


@dataclass(frozen=True)
class PlainEngine:
    """``Gpen.forward`` under inference mode, on a device of type ``device`` ("cuda", "cpu", "mps", …)."""

    device: str = "cuda"

    @property
    def name(self) -> str:
        """For people."""
        return "plain"

    def can_run(self, config: GpenConfig, device: torch.device, dtype: torch.dtype) -> bool:
        """Always."""
        return True

    def working_bytes(self, config: GpenConfig, batch: int, dtype: torch.dtype) -> int:
        """The live maps at the moment when they are most, and the copies of them that cuDNN's convolutions work on.

        Those want channels last: in any other layout they hold their input and their result twice. Seen on an H100, to the
        MiB (docs/performance.md); other libraries take less.
        """
        pictures = 3 * config.input_size**2 * batch * dtype.itemsize
        return int(_SPARE * (pictures + max(_moments(config, batch, dtype.itemsize))))

    def faces_at_once(self, config: GpenConfig, dtype: torch.dtype, budget: int | None = None) -> int:
        """As many as have the pixels that fill the device."""
        pixels = CPU_PIXELS_AT_ONCE if self.device == "cpu" else _GPU_PIXELS_AT_ONCE
        return largest_batch(self, config, dtype, max(1, pixels // config.output_size**2), budget)

    def layout(self) -> torch.memory_format:
        """On a CPU, oneDNN's convolutions of wide maps are twice as fast with channels last."""
        return torch.channels_last if self.device == "cpu" else torch.contiguous_format

    def bind(self, network: Gpen) -> Network:
        """Its ``forward``, without gradients."""
        return _Plain(network)


class _Plain:
    """A network's ``forward``, without gradients."""

    def __init__(self, network: Gpen) -> None:
        self.network = network

    @torch.inference_mode()
    def __call__(self, pictures: Tensor, noise: torch.Generator | None = None) -> Tensor:
        with _polled(self.network, current_poll()):
            return self.network(pictures, noise)


@contextmanager
def _polled(network: Gpen, poll: Poll) -> Iterator[None]:
    """Within it, ``poll`` is called before each of the network's modules. Where nobody polls, nothing is done."""
    modules = () if poll is go_on else tuple(network.modules())
    hooks = [module.register_forward_pre_hook(lambda module, inputs: poll()) for module in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@dataclass(frozen=True)
class _Level:
    """A resolution level: its ``side``, its ``width``, and how many bytes its features and all above it take."""

    side: int
    width: int
    features: int

    def map(self, channels: int | None = None, side: int | None = None) -> int:
        """Elements of a map of this level."""
        return (channels or self.width) * (side or self.side) ** 2


def _levels(config: GpenConfig, batch: int, itemsize: int) -> list[_Level]:
    maps = maps_of(config)
    # Above the encoder, noise of both convolutions; all of it is drawn before the generator begins.
    each = [(1 if level.encoded else 2) * level.elements if config.has_features else 0 for level in maps]
    return [
        _Level(level.side, level.channels, batch * itemsize * sum(each[index:])) for index, level in enumerate(maps)
    ]


def _moments(config: GpenConfig, batch: int, itemsize: int) -> Iterator[int]:
    """Bytes that are held at the moments when most is: an upper bound of each kind that may be the highest."""
    levels = _levels(config, batch, itemsize)
    yield from _encoding(config, levels, batch * itemsize)
    for below, level in pairwise(levels):
        yield from _rising(config, below, level, batch, itemsize)


def _encoding(config: GpenConfig, levels: list[_Level], each: int) -> Iterator[int]:
    """A stage blurs its map: that and its result, twice, beside all features so far. ``each``: bytes of one element."""
    if not config.has_features:
        yield from _resnet(config, each)
        return
    noise = levels[config.encoder_levels].features if config.levels > config.encoder_levels else 0
    for below, level in pairwise(levels[: config.encoder_levels]):
        yield level.features - noise + 2 * each * (level.map(side=level.side + 1) + below.map())


def _resnet(config: GpenConfig, each: int) -> Iterator[int]:
    """The first convolution; its map normalized, scaled and shifted; then a bottleneck's widest maps."""
    width, side = config.encoder_width, config.input_size // 2
    yield each * 3 * width * side**2
    for stage in range(4):
        side = config.input_size >> (2 + stage)
        outputs = 4 * (width << stage)
        yield each * 4 * outputs * side**2


def _rising(config: GpenConfig, below: _Level, level: _Level, batch: int, itemsize: int) -> Iterator[int]:
    """From one level to the next: two convolutions, each with its feature joined, then the RGB image."""
    each, joined = batch * itemsize, config.joined
    held = level.features + each * 3 * below.side**2  # and the running RGB image
    x, x_below = level.map(joined * level.width), below.map(joined * below.width)
    if config.injection == "adain":
        doubled = level.map(joined * below.width) if config.upsampling == "nearest" else 0
        yield held + each * (x_below + _convolved(doubled or x_below, level.map()) - (0 if doubled else x_below))
        yield held + each * (x + 3 * level.map())  # the convolution's result, normalized, scaled and shifted
        yield held + each * _convolved(x, level.map())
    else:
        # The first convolution's input, its result with a pixel more on each side, and that one filtered.
        result = level.map(side=level.side + 1)
        up, up_held = _modulated(joined * below.width, level.width, below.side**2, batch, itemsize)
        yield held + up_held + each * (_convolved(x_below, result) + (x_below if up else 0))
        yield held + each * (x_below + result + level.map())
        same, same_held = _modulated(joined * level.width, level.width, level.side**2, batch, itemsize)
        yield held + same_held + each * (_convolved(x, level.map()) + (x if same else 0))
    yield held + each * (level.map() + x)
    yield held + each * (x + 3 * level.side**2 * 2 + 3 * (2 * below.side + 2) ** 2)


def _convolved(source: int, result: int) -> int:
    """Elements that a convolution holds: its input and its result, and both once more for cuDNN."""
    return 2 * (source + result)


def _modulated(inputs: int, outputs: int, pixels: int, batch: int, itemsize: int) -> tuple[bool, int]:
    """Whether a modulated convolution scales maps (see ``ops.modulated_conv2d``), and bytes of the weights made for it."""
    weight = 9 * inputs * outputs
    halved = itemsize < _FLOAT32
    if not scales_weights(pixels, 9 * outputs):
        return True, weight * itemsize
    # One filter for each sample in float32, then as the maps are; the weight with its gain beside them.
    return False, weight * (itemsize + batch * ((itemsize if halved else 0) + itemsize))
