"""What a Python program hands to the front door, looked at before anything is done with it: errors say what was expected."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TypeVar

import torch

from ..errors import OptionError
from ..types import Face, RestoredFace
from .options import Settings
from .protect import ProtectTools

_Kind = TypeVar("_Kind", Face, RestoredFace)


def check_model(model: Any) -> None:
    """Raise OptionError unless it restores crops: a ``GpenModel``, or what behaves like one."""
    if not callable(model) or not hasattr(model, "config") or not hasattr(model, "task"):
        raise OptionError(f"the model is {_called(model)}. Load one with load_model.")


def check_detector(detector: Any) -> None:
    """Raise OptionError unless it finds faces (see ``faces.detectors.FaceDetector``)."""
    if isinstance(detector, type) or not callable(getattr(detector, "detect", None)):
        raise OptionError(f"the detector is {_called(detector)}. Load one with load_detector.")


def check_helpers(parser: Any, reference: Any = None, tools: Any = ProtectTools()) -> None:
    """Raise OptionError unless each is what blends, chooses or protects faces; the first two may be None."""
    if parser is not None and not all(callable(getattr(parser, name, None)) for name in ("regions", "parts")):
        raise OptionError(f"the parser is {_called(parser)}. Load one with load_parser.")
    if reference is not None and not callable(getattr(reference, "likeness", None)):
        raise OptionError(f"the reference is {_called(reference)}. Load one with load_reference.")
    if not isinstance(tools, ProtectTools):
        raise OptionError(f"the tools are {_called(tools)}. Load them with load_protect_tools.")


def checked_faces(faces: Any) -> tuple[Face, ...]:
    """The faces, as a tuple. Raises OptionError where they are none."""
    return _all_of(faces, Face, "detect")


def checked_restored(faces: Any) -> tuple[RestoredFace, ...]:
    """The restored faces, as a tuple. Raises OptionError where they are none."""
    return _all_of(faces, RestoredFace, "align and a model")


def check_dtype(dtype: Any) -> None:
    """Raise OptionError unless weights can have it."""
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise OptionError(f"the precision is {_called(dtype)}. Choose torch.float32, torch.float16 or torch.bfloat16.")


def check_settings(settings: Any) -> None:
    """Raise OptionError unless they are ``Settings``."""
    if not isinstance(settings, Settings):
        raise OptionError(f"the settings are {_called(settings)}. Make them with Settings(…).")


def check_name(name: Any) -> None:
    """Raise OptionError unless it can name a file."""
    if not isinstance(name, str | os.PathLike) or not isinstance(os.fspath(name), str):
        raise OptionError(f"a file or a name was expected, not {_called(name)}")


def _all_of(faces: Any, kind: type[_Kind], source: str) -> tuple[_Kind, ...]:
    if isinstance(faces, str | bytes) or not isinstance(faces, Iterable):
        raise OptionError(f"the faces are {_called(faces)}, not a list of {kind.__name__}. They come from {source}.")
    found = tuple(faces)
    for face in found:
        if not isinstance(face, kind):
            raise OptionError(f"one of the faces is {_called(face)}, not a {kind.__name__}. They come from {source}.")
    return found


def _called(value: Any) -> str:
    if isinstance(value, str):
        return f"the text {value!r:.60}"
    return str(value) if isinstance(value, torch.dtype) else f"a {type(value).__name__}"
