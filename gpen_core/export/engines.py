"""Engines that run ONNX files, to see that they compute what PyTorch does. On the CPU, in float32."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from ..commands import pip_install
from ..errors import OptionError
from .writer import CROPS, RESTORED

Engine = Callable[[Tensor], Tensor]  # crops [N, 3, S, S] → restored [N, 3, S', S'], float32
ONNXRUNTIME, OPENVINO = "onnxruntime", "openvino"


def load_engine(name: str, path: str | Path) -> Engine:
    """The file at ``path``, ready to run. ``name``: one of ``ENGINES``. Raises OptionError where it is not installed."""
    check_engine(name)
    return ENGINES[name](Path(path))


def check_engine(name: str) -> None:
    """Raise OptionError for an engine that is not known or not installed."""
    if name not in ENGINES:
        raise OptionError(f"unknown engine '{name}'. Known: {', '.join(ENGINES)}.")
    if find_spec(name) is None:
        raise OptionError(f"checking with {name} needs its Python package: {pip_install(name)}")


def _onnxruntime(path: Path) -> Engine:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; it warns of constants that it folds itself
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda crops: torch.from_numpy(session.run([RESTORED], {CROPS: crops.numpy()})[0])


def _openvino(path: Path) -> Engine:
    import openvino

    # Without the hint it takes bfloat16 on processors that have it.
    compiled = openvino.compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda crops: torch.from_numpy(compiled({CROPS: crops.numpy()})[RESTORED].copy())


ENGINES = MappingProxyType({ONNXRUNTIME: _onnxruntime, OPENVINO: _openvino})
