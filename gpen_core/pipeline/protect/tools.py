"""The networks that protecting uses, found on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import torch

from ...errors import MissingWeightsError
from ...faces.identity import find_embedder
from ...faces.quality import load_quality
from ...modes import OFF
from ..options import ProtectOptions
from .base import ProtectTools


def load_protect_tools(
    options: ProtectOptions, folders: Sequence[Path], *, device: torch.device | str = "cpu"
) -> ProtectTools:
    """Load what the options ask for.

    Args:
        options: With mode "off", only what a least similarity needs is loaded.
        folders: Where ArcFace's file is looked for. Without it dlib's network is taken, if its packages are installed.
        device: Where the estimator of quality runs; recognition runs on the CPU.

    Returns:
        The networks. Without any for recognition, ``identity`` is None: likeness is then not measured, and that is said.

    Raises:
        CheckpointError: A file has ArcFace's name but other content.
        OptionError: ArcFace's file is there, but not facexlib, which builds its network.
    """
    if options.mode == OFF and not options.min_similarity:
        return ProtectTools()
    tools = ProtectTools(quality=None if options.mode == OFF else load_quality(device=device))
    with suppress(MissingWeightsError):
        return ProtectTools(tools.quality, find_embedder(folders))
    return tools
