"""What somebody who has only the ONNX file has to know, as its metadata."""

from __future__ import annotations

import json
from pathlib import PurePath

from ..checkpoints import GpenModel
from ..checkpoints.metadata import CONFIG_KEY, OWN_KEYS, TASK_KEY, config_text
from ..geometry import template_points
from ..weights.catalog import NON_COMMERCIAL, entry_named
from .writer import BATCH, CROPS, RESTORED

PREFIX = OWN_KEYS  # what every key begins with, as in our safetensors files


def describe(model: GpenModel, precision: str) -> dict[str, str]:
    """The metadata of ``model`` exported in ``precision``: texts under keys that begin with ``PREFIX``."""
    config, task = model.config, model.task
    points = template_points(task.template, config.input_size)
    return {
        f"{PREFIX}name": PurePath(model.name).stem,
        TASK_KEY: task.name,
        f"{PREFIX}purpose": task.purpose,
        CONFIG_KEY: config_text(config),
        f"{PREFIX}input_size": str(config.input_size),
        f"{PREFIX}output_size": str(config.output_size),
        f"{PREFIX}precision": precision,
        f"{PREFIX}color_order": "RGB",
        f"{PREFIX}value_range": "[0, 1]",
        f"{PREFIX}input": _tensor(CROPS, config.input_size, "aligned faces"),
        f"{PREFIX}output": _tensor(RESTORED, config.output_size, "the same faces, clamped"),
        f"{PREFIX}alignment_template": task.template,
        f"{PREFIX}alignment_points": json.dumps([[round(value, 4) for value in point] for point in points.tolist()]),
        f"{PREFIX}alignment": "similarity transform that best brings left eye, right eye, nose, left and right mouth corner "
        "(left as seen in the picture) onto alignment_points: x, y in pixels of the crop, a pixel's center at whole numbers",
        f"{PREFIX}license": _license(model.name),
    }


def _tensor(name: str, size: int, what: str) -> str:
    return f"{name}: float32 [{BATCH}, 3, {size}, {size}], RGB in [0, 1], {what}"


def _license(name: str) -> str:
    """By the file's name, which is all that is known of where weights come from."""
    entry = entry_named(name)
    if entry is not None:
        return f"weights: {entry.license}"
    return f"weights: as of the file that they were exported from. GPEN's published weights are for {NON_COMMERCIAL}"
