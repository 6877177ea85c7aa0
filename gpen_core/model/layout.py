"""The network as a list: which layers there are, what each is called, how wide and how large it is, and what it reads.

Costs, memory, names and the inference of a configuration follow from it; that the modules are what it says is tested.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

from .config import GpenConfig

Kind = Literal["conv", "resnet conv", "norm", "linear", "constant", "styled", "rgb"]
PICTURES, NOISE = "pictures", "noise"  # what layers read beside each other's results

BLOCKS = MappingProxyType({"resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)})
EXPANSION = 4  # a bottleneck's outputs per inner channel


@dataclass(frozen=True)
class Layer:
    """One layer with weights, and the elementwise work and the filters around it.

    - ``name``: its prefix in the state dict ("generator.convs.3").
    - ``kind``: "conv" (the published encoder's stages: FIR where it halves, equalised convolution, bias, leaky ReLU),
      "resnet conv" and "norm" (torchvision's), "linear", "constant" (what a generator starts from), "styled" (a
      convolution steered by w, the feature, bias, leaky ReLU) or "rgb" (a 1×1 convolution onto the running RGB image).
    - ``inputs``, ``outputs``, ``kernel``: of its weights; ``outputs`` is what its convolution makes, before a feature
      is appended to it.
    - ``side_in``, ``side_out``: of the maps that it reads and yields, in pixels; 1 of vectors.
    - ``style``: the index of its w among ``config.style_layers``; None where it takes none.
    - ``reads``: names of the layers whose results it takes, in the order of its arguments, ``PICTURES`` and ``NOISE``
      among them. What steers it is not: that is always w, the last mapping layer's.
    """

    name: str
    kind: Kind
    inputs: int
    outputs: int
    kernel: int = 1
    side_in: int = 1
    side_out: int = 1
    style: int | None = None
    reads: tuple[str, ...] = ()

    @property
    def weight(self) -> str:
        """The key of its largest tensor in the state dict."""
        if self.kind == "conv":
            return (
                f"{self.name}.{0 if self.side_in == self.side_out else 1}.weight"  # after the FIR, where there is one
            )
        return self.name + {"constant": ".input", "styled": ".conv.weight", "rgb": ".conv.weight"}.get(
            self.kind, ".weight"
        )


@dataclass(frozen=True)
class LevelMaps:
    """One resolution of the generator.

    ``channels`` is what a convolution makes there, ``joined`` what a map has once its feature has joined it; ``encoded`` tells
    whether that feature is the encoder's.
    """

    side: int
    channels: int
    joined: int
    encoded: bool

    @property
    def elements(self) -> int:
        """Numbers of one sample's feature, or of what a convolution makes."""
        return self.channels * self.side**2

    @property
    def joined_elements(self) -> int:
        """Numbers of one sample's map between two layers."""
        return self.joined * self.side**2


def layers_of(config: GpenConfig) -> tuple[Layer, ...]:
    """Every layer of ``Gpen(config)``, in the order in which they are computed."""
    encoder = tuple(_fir_encoder(config) if config.has_features else _resnet(config))
    mapping = tuple(_mapping(config))
    return (*encoder, *mapping, *_generator(config))


def maps_of(config: GpenConfig) -> tuple[LevelMaps, ...]:
    """The generator's resolutions, from its start upwards."""
    return tuple(
        LevelMaps(config.start << level, channels, channels * config.joined, level < config.encoder_levels)
        for level, channels in enumerate(config.channels)
    )


def _fir_encoder(config: GpenConfig) -> Iterator[Layer]:
    side, widths = config.input_size, config.channels[config.encoder_levels - 1 :: -1]
    yield Layer("ecd0.0", "conv", 3, widths[0], 1, side, side, reads=(PICTURES,))
    for stage, (inputs, outputs) in enumerate(pairwise(widths), start=1):
        reads = (f"ecd{stage - 1}.0",)
        yield Layer(f"ecd{stage}.0", "conv", inputs, outputs, 3, side, side // 2, reads=reads)
        side //= 2
    last = f"ecd{len(widths) - 1}.0"
    yield Layer("final_linear.0", "linear", widths[-1] * side**2, config.style_dim, reads=(last,))


def _resnet(config: GpenConfig) -> Iterator[Layer]:
    """torchvision's: 7×7 and a pooling, then four stages of bottlenecks; the first of each but the first halves."""
    width, side = config.encoder_width, config.input_size // 2
    yield from _normalized("encoder.conv1", "encoder.bn1", 3, width, 7, 2 * side, side, (PICTURES,))
    before: tuple[str, ...] = ("encoder.bn1",)
    inputs, side = width, side // 2
    for stage, blocks in enumerate(BLOCKS[config.encoder]):
        inner, outputs = width << stage, EXPANSION * (width << stage)
        for block in range(blocks):
            name, smaller = f"encoder.layer{stage + 1}.{block}", (side + 1) // 2 if stage and not block else side
            yield from _normalized(f"{name}.conv1", f"{name}.bn1", inputs, inner, 1, side, side, before)
            yield from _normalized(f"{name}.conv2", f"{name}.bn2", inner, inner, 3, side, smaller, (f"{name}.bn1",))
            yield from _normalized(
                f"{name}.conv3", f"{name}.bn3", inner, outputs, 1, smaller, smaller, (f"{name}.bn2",)
            )
            shortcut = f"{name}.downsample"
            if not block:
                yield from _normalized(f"{shortcut}.0", f"{shortcut}.1", inputs, outputs, 1, side, smaller, before)
            # A block yields the sum of two: what is read of it is both.
            before = (f"{name}.bn3", f"{shortcut}.1") if not block else (f"{name}.bn3", *before)
            inputs, side = outputs, smaller
    yield Layer("final_linear.0", "linear", inputs, config.style_dim, reads=before)


def _normalized(
    name: str, norm: str, inputs: int, outputs: int, kernel: int, side_in: int, side_out: int, reads: tuple[str, ...]
) -> Iterator[Layer]:
    yield Layer(name, "resnet conv", inputs, outputs, kernel, side_in, side_out, reads=reads)
    yield Layer(norm, "norm", outputs, outputs, 1, side_out, side_out, reads=(name,))


def _mapping(config: GpenConfig) -> Iterator[Layer]:
    """Entry 0 of the published one is the pixel normalization, every other one of the plain one is a leaky ReLU."""
    first, step = (0, 2) if config.mapping == "plain" else (1, 1)
    before = "final_linear.0"
    for layer in range(config.mapping_layers):
        name = f"generator.style.{first + step * layer}"
        yield Layer(name, "linear", config.style_dim, config.style_dim, reads=(before,))
        before = name


def _generator(config: GpenConfig) -> Iterator[Layer]:
    side, width, joined = config.start, config.channels[0], config.joined
    x, rgb = "generator.conv1", "generator.to_rgb1"
    yield Layer("generator.input", "constant", 0, width, 1, side, side)
    reads = ("generator.input", *_feature(config, 0))
    yield Layer(x, "styled", width, width, 3, side, side, 0, reads)
    yield Layer(rgb, "rgb", joined * width, 3, 1, side, side, 1, (x,))
    for octave, (below, width) in enumerate(pairwise(config.channels)):
        first, second = f"generator.convs.{2 * octave}", f"generator.convs.{2 * octave + 1}"
        feature, style = _feature(config, octave + 1), 2 * octave + 1
        yield Layer(first, "styled", joined * below, width, 3, side, 2 * side, style, (x, *feature))
        side *= 2
        yield Layer(second, "styled", joined * width, width, 3, side, side, style + 1, (first, *feature))
        below_rgb, rgb, x = rgb, f"generator.to_rgbs.{octave}", second
        yield Layer(rgb, "rgb", joined * width, 3, 1, side, side, style + 2, (x, below_rgb))


def _feature(config: GpenConfig, level: int) -> tuple[str, ...]:
    """What joins the maps of a level: the encoder's stages are numbered from the finest."""
    if not config.has_features:
        return ()
    return (f"ecd{config.encoder_levels - 1 - level}.0",) if level < config.encoder_levels else (NOISE,)
