"""What a run of a graph gave: arrays, and what a probe saw."""

from pathlib import Path

import numpy as np
import torch
from host_harness.host_process import HostProcess, RunResult
from PIL import Image


def read(host: HostProcess, result: RunResult, name: str) -> np.ndarray:
    assert result.status == "success", "\n".join(
        [*(result.error or {}).get("traceback", []), str(result.node_errors), *result.warnings]
    )
    return np.load(host.base.output / result.outputs[f"probe_{name}"]["probe"][0]["filename"])


def seen(result: RunResult, name: str) -> dict:
    assert result.status == "success", "\n".join(
        [*(result.error or {}).get("traceback", []), str(result.node_errors), *result.warnings]
    )
    return result.outputs[f"probe_{name}"]["probe"][0]


def frames_of(*paths: Path) -> torch.Tensor:
    pictures = [np.asarray(Image.open(path).convert("RGB"), dtype=np.float32) / 255 for path in paths]
    return torch.from_numpy(np.stack(pictures)).movedim(-1, 1)
