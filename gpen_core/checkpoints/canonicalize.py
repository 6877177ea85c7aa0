"""From whatever wrapping a file uses to one flat state dict under the published names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ..errors import CheckpointError
from ..weights.torch_file.values import Unread
from .candidates import generator_group

StateDict = dict[str, Tensor]

# Looked into to say what a file is that holds no generator.
_WRAPPERS = ("g_ema", "params_ema", "g", "params", "state_dict")
_DISCRIMINATOR_WRAPPERS = ("d", "params", "state_dict")
_PREFIXES = ("module.", "_orig_mod.")  # DataParallel's, torch.compile's
_DISCRIMINATOR_KEY = re.compile(r"final_conv\.0\.weight|scales\.\d+\.0\.0\.weight")  # StyleGAN2's, a PatchGAN's

_MOST_SHARED = 2  # times as many bytes of weights as are stored: tied weights are possible
_SHARED_ANYWAY = 1 << 20  # bytes

# One key that only that network has → what to call it. Found in the projects' own published files.
_OTHER_NETWORKS = {
    "quantize.embedding.weight": "a CodeFormer checkpoint",
    "stylegan_decoder.constant_input.weight": "a GFPGAN checkpoint",
    "stylegan_decoderdotconstant_inputdotweight": "a GFPGAN checkpoint",
    "vqvae.quantize.embedding.weight": "a RestoreFormer checkpoint",
    "ClassHead.0.conv1x1.weight": "a RetinaFace face detector",
    "out_mask_conv.conv2d.weight": "a ParseNet face parser",
    "cp.resnet.conv1.weight": "a BiSeNet face parser",
    "conv_first.weight": "an image upscaler (ESRGAN or alike)",
    "input_layer.0.weight": "an ArcFace identity network",
    "model.diffusion_model.input_blocks.0.0.weight": "a diffusion model",
}


def canonical_state(
    content: Mapping[str, Any], name: str, is_whole: Callable[[StateDict], bool], part: str | None = None
) -> StateDict:
    """The generator's weights under the published names, whatever they are wrapped in (see ``candidates``).

    Args:
        content: A file's.
        name: What messages call the file.
        is_whole: Whether weights are a complete generator's; asked where several may be.
        part: Which one is wanted where there are several.

    Raises:
        CheckpointError: It holds no generator, and is called what it is instead; or several, and it is not clear which.
    """
    group = generator_group(content, name, lambda group: _has_only_tensors(group) and is_whole(dict(group)), part)
    if group is not None:
        return _tensors_only(_named(group, name), name)
    content = _named(_strip(_unwrap(content, _WRAPPERS)), name)
    tensors = {key: value for key, value in content.items() if isinstance(value, Tensor)}
    if _is_discriminator(tensors):
        raise CheckpointError(
            f"{name}: this is a GPEN discriminator, used in training only. Choose the generator's file."
        )
    raise CheckpointError(f"{name}: {_what_instead(content)}")


def discriminator_state(content: Mapping[str, Any], name: str) -> StateDict:
    """As ``canonical_state``, for the discriminator: of a training checkpoint ("d") or a file of its own."""
    content = _named(_strip(_unwrap(content, _DISCRIMINATOR_WRAPPERS)), name)
    if not _is_discriminator(content):
        raise CheckpointError(f"{name}: no discriminator in it (no 'd', no 'final_conv').")
    return _tensors_only(content, name)


def _is_discriminator(content: Mapping[str, Any]) -> bool:
    return not any(key.startswith("generator.") for key in content) and any(
        _DISCRIMINATOR_KEY.fullmatch(key) for key in content
    )


def _has_only_tensors(group: Mapping[Any, Any]) -> bool:
    return all(isinstance(key, str) and isinstance(value, Tensor) for key, value in group.items())


def _named(content: Mapping[Any, Any], name: str) -> Mapping[str, Any]:
    for key in content:
        if not isinstance(key, str):
            what = key.what if isinstance(key, Unread) else f"{key!r:.40}"
            raise CheckpointError(f"{name}: a key is {what}, not a name. This is not a state dict.")
    return content


def _tensors_only(content: Mapping[str, Any], name: str) -> StateDict:
    strange = next((key for key, value in content.items() if not isinstance(value, Tensor)), None)
    if strange is not None:
        raise CheckpointError(
            f"{name}: '{strange:.80}' is {_called(content[strange])}; a dense floating-point tensor was expected."
        )
    state = {key: _plain(value, key, name) for key, value in content.items()}
    _check_sharing(state, name)
    return state


def _called(value: object) -> str:
    return value.what if isinstance(value, Unread) else f"a {type(value).__name__}"


def _check_sharing(state: StateDict, name: str) -> None:
    """Weights are copied one by one: many that share one storage would let a small file take any memory."""
    stored = {value.untyped_storage().data_ptr(): value.untyped_storage().nbytes() for value in state.values()}
    claimed = sum(value.numel() * value.element_size() for value in state.values())
    if claimed > _MOST_SHARED * sum(stored.values()) + _SHARED_ANYWAY:
        raise CheckpointError(
            f"{name}: its weights would take {claimed:,} bytes but {sum(stored.values()):,} are stored: they share them. "
            "The file is malformed."
        )


def _unwrap(content: Mapping[str, Any], wrappers: tuple[str, ...]) -> Mapping[str, Any]:
    for _ in range(3):  # wrappers of wrappers have been seen; endless ones have not
        inner = next((content[key] for key in wrappers if isinstance(content.get(key), Mapping)), None)
        if inner is None:
            break
        content = inner
    return content


def _strip(content: Mapping[str, Any]) -> Mapping[str, Any]:
    for prefix in _PREFIXES * 2:  # in either order
        if content and all(isinstance(key, str) and key.startswith(prefix) for key in content):
            content = {key[len(prefix) :]: value for key, value in content.items()}
    return content


def _what_instead(content: Mapping[str, Any]) -> str:
    if not content:
        return "the checkpoint is empty."
    known = next((what for key, what in _OTHER_NETWORKS.items() if key in content), None)
    if known:
        return f"this is {known}, not a GPEN generator. Choose a GPEN checkpoint."
    if isinstance(content.get("d"), Mapping):
        return "this training checkpoint holds only a discriminator ('d'), no generator ('g_ema' or 'g')."
    if "style.1.weight" in content and "conv1.conv.weight" in content:
        return "this is a StyleGAN2 generator without GPEN's encoder (no 'ecd0')."
    return f"no 'ecd0' and no 'generator' in it (first key: '{next(iter(content)):.60}'). This is not a GPEN generator."


def _kind_of(value: Tensor) -> str:
    if value.is_quantized or not value.is_floating_point():
        return f"{str(value.dtype).removeprefix('torch.')} numbers"
    return "no numbers of its own" if value.device.type == "meta" else f"a {value.layout} tensor".replace("torch.", "")


def _plain(value: Tensor, key: str, name: str) -> Tensor:
    """A dense floating-point tensor no larger than its storage: a stride of 0 can claim terabytes in a small file."""
    value = value.detach()
    dense = (
        value.layout is torch.strided and not value.is_nested and not value.is_quantized and value.device.type == "cpu"
    )
    if not dense or not value.is_floating_point():
        raise CheckpointError(
            f"{name}: '{key:.80}' holds {_kind_of(value)}; plain floating-point numbers were expected."
        )
    if value.numel() == 0:
        raise CheckpointError(f"{name}: '{key:.80}' is empty ({list(value.shape)}). The file is malformed.")
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        raise CheckpointError(f"{name}: '{key:.80}' claims {list(value.shape)} but stores less. The file is malformed.")
    return value
