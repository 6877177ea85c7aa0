"""Read the configuration from a state dict, never from a file name.

Each number comes from more than one key, so that one broken key is named instead of everything being misread.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from torch import Tensor, nn

from ..errors import CheckpointError, OptionError
from ..model import Gpen, GpenConfig, layers_of, maps_of
from ..model.layout import PICTURES
from .metadata import CONFIG_KEY, MOST_MAPPING_LAYERS, config_from_text
from .shapes import shapes_only

Shapes = dict[str, tuple[int, ...]]
# Of each kind of weight: its dimensions, and which are outputs and inputs where those are a level's width.
_AXES = MappingProxyType({"conv": (4, 0, 1), "styled": (5, 1, 2), "rgb": (5, None, 2), "constant": (4, 1, None)})
_SHOWN = 3  # how many wrong keys a message lists


def config_of(state: Mapping[str, Tensor], metadata: Mapping[str, str], name: str) -> GpenConfig:
    """The configuration that the file's metadata says, else the one that is read off the weights. Raises CheckpointError."""
    text = metadata.get(CONFIG_KEY)
    return infer_config(state, name) if text is None else config_from_text(text, name)


def infer_config(state: Mapping[str, Tensor], name: str = "state dict") -> GpenConfig:
    """Tell a network's shape from its weights: ``infer_config(Gpen(config).state_dict()) == config``.

    For every width, depth and style dimension of the published family. Each number is the majority of what several keys say.

    Args:
        state: Weights under their canonical names.
        name: What messages call them.

    Raises:
        CheckpointError: Too little is there to tell, or the network has other parts, whose weights say too little: a
            ResNet's do not know the size of its pictures.
    """
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    if (part := _unpublished_part(shapes)) is not None:
        raise CheckpointError(
            f"{name}: a GPEN network with {part}, whose configuration cannot be read off its weights, and the file does "
            f"not say it (no metadata '{CONFIG_KEY}'). Use a file that this package saved or converted."
        )
    encoder_levels = _count(shapes, "ecd", name)
    levels = _count(shapes, "generator.to_rgbs.", name) + 1
    try:
        # One channel everywhere: what a layer then has tells how many times a level's width it has of a real network.
        narrowest = GpenConfig(
            input_size=4 << (encoder_levels - 1),
            output_size=4 << (levels - 1),
            channels=(1,) * levels,
            style_dim=_majority(_style_dims(shapes), "style dimension", name),
            mapping_layers=_mapping_layers(shapes, name),
            concatenate=_concatenates(shapes, name),
        )
        return replace(narrowest, channels=_widths(shapes, narrowest, name))
    except OptionError as error:
        raise CheckpointError(f"{name}: {error}. The checkpoint is incomplete or not a GPEN generator.") from error


def check_state(state: Mapping[str, Tensor], config: GpenConfig, name: str = "state dict") -> Gpen:
    """Every key with the shape that ``config`` asks for, and no other. Raises CheckpointError naming those that differ.

    → the network that the state fits, without memory (see ``shapes_only``).
    """
    with shapes_only():
        network = Gpen(config)
    check_shapes(state, network, f"GPEN-{config.output_size} generator", name)
    return network


def check_shapes(state: Mapping[str, Tensor], network: nn.Module, what: str, name: str) -> None:
    """Every key with the shape that ``network`` has it in, and no other. Raises CheckpointError naming those that differ."""
    expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in state.items()}
    wrong = [f"no '{key}'" for key in expected if key not in found]
    wrong += [
        f"'{key}' is {list(found[key])}, not {list(shape)}"
        for key, shape in expected.items()
        if key in found and found[key] != shape
    ]
    wrong += [f"unknown '{key}'" for key in found if key not in expected]
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise CheckpointError(
            f"{name}: not a complete {what}: {'; '.join(wrong[:_SHOWN])}{more}. "
            "The file is damaged or of another network; download it again."
        )


def _unpublished_part(shapes: Shapes) -> str | None:
    """What shows that a generator is not of the published family, in words; None where nothing does."""
    if any(key.startswith("encoder.") for key in shapes):
        return "a ResNet encoder"
    if "generator.style.0.weight" in shapes:
        return "a plain mapping"
    if any(key.startswith("generator.convs.") and len(shape) == 4 for key, shape in shapes.items()):
        return "adaptive instance normalization"
    if "generator.convs.1.conv.weight" in shapes and not any(key.endswith(".blur.kernel") for key in shapes):
        return "nearest-neighbor upsampling"
    if shapes.get("generator.input.input", ())[2:] in ((8, 8), (16, 16), (32, 32)):
        return "a start larger than 4×4"
    return None


def _mapping_layers(shapes: Shapes, name: str) -> int:
    layers = max([0, *_indices(shapes, "generator.style.")])
    if layers > MOST_MAPPING_LAYERS:  # a bound on what we build for a file that claims anything
        raise CheckpointError(
            f"{name}: {layers} mapping layers; no GPEN generator has more than {MOST_MAPPING_LAYERS}."
        )
    return layers


def _indices(shapes: Shapes, prefix: str) -> list[int]:
    """The numbers N of the keys "prefixN.…"."""
    pattern = re.compile(rf"{re.escape(prefix)}(\d{{1,9}})\.")
    return [int(match[1]) for key in shapes if (match := pattern.match(key))]


def _count(shapes: Shapes, prefix: str, name: str) -> int:
    indices = _indices(shapes, prefix)
    if not indices or max(indices) > 12:  # 4 << 12 is 16,384 px: beyond any model, and a bound on what we build
        raise CheckpointError(f"{name}: no usable '{prefix}N.*' keys. This is not a GPEN generator.")
    return max(indices) + 1


def _majority(values: Iterable[int], what: str, name: str) -> int:
    votes = Counter(values)
    if not votes:
        raise CheckpointError(f"{name}: no key tells the {what}. The checkpoint is incomplete or not a GPEN generator.")
    return votes.most_common(1)[0][0]


def _at(shapes: Shapes, key: str, axis: int, dims: int, divisor: int = 1) -> list[int]:
    shape = shapes.get(key)
    return [shape[axis] // divisor] if shape is not None and len(shape) == dims else []


def _widths(shapes: Shapes, narrowest: GpenConfig, name: str) -> tuple[int, ...]:
    """The channels of every level, as all convolutions see them that make its maps or read them."""
    votes: dict[int, list[int]] = {level.side: [] for level in maps_of(narrowest)}
    for layer in layers_of(narrowest):
        if layer.kind == "linear":
            continue
        dims, outputs, inputs = _AXES[layer.kind]
        if outputs is not None:
            votes[layer.side_out] += _at(shapes, layer.weight, outputs, dims)
        if inputs is not None and PICTURES not in layer.reads:
            votes[layer.side_in] += _at(shapes, layer.weight, inputs, dims, layer.inputs)
        if layer.kind == "styled":
            votes[layer.side_out] += _at(shapes, f"{layer.name}.activate.bias", 0, 1, narrowest.joined)
    return tuple(_majority(seen, f"width at {side}×{side}", name) for side, seen in votes.items())


def _concatenates(shapes: Shapes, name: str) -> bool:
    votes = []
    for key, shape in shapes.items():
        conv = shapes.get(key.replace(".activate.bias", ".conv.weight"))
        if key.endswith(".activate.bias") and len(shape) == 1 and conv is not None and len(conv) == 5:
            votes.append(int(shape[0] == 2 * conv[1]))
    return bool(_majority(votes, "way encoder features are joined (no 'activate.bias')", name))


def _style_dims(shapes: Shapes) -> Iterable[int]:
    for key, shape in shapes.items():
        if key.endswith(".modulation.weight") and len(shape) == 2:
            yield shape[1]
        elif key == "final_linear.0.bias" and len(shape) == 1:
            yield shape[0]
