"""Whether an engine makes of the file what PyTorch makes of the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from ..checkpoints import GpenModel
from ..errors import RestorationError
from ..model import Gpen
from .engines import load_engine
from .network import in_float32

# Largest difference of a pixel in [0, 1]. float32: what sums in another order may cost. float16: a few steps of 8 bits.
TOLERANCES = MappingProxyType({"float32": 1e-4, "float16": 2e-2})
BATCHES = (1, 3)
LARGEST_BATCHED = 1024  # px: three faces of 2048 px take an engine some 20 GiB


@dataclass(frozen=True)
class Parity:
    """``difference``: the largest absolute one of any pixel in [0, 1], between ``engine`` and PyTorch in float32."""

    engine: str
    batch: int
    difference: float


def compare(path: str | Path, model: GpenModel, engine: str = "onnxruntime") -> Iterator[Parity]:
    """Compare the file at ``path``, run in ``engine``, with ``model`` in PyTorch's float32, on seeded soft noise.

    First one face, then three at once, each compared with PyTorch's result for that face alone. Above 1024 px only one:
    three would take some 20 GiB.

    Raises OptionError where the engine is not installed.
    """
    run = load_engine(engine, path)
    config, network = model.config, in_float32(model.network)
    batches = BATCHES if config.output_size <= LARGEST_BATCHED else BATCHES[:1]
    crops = _soft_noise(max(batches), config.input_size)
    wanted = torch.cat([_restored(network, crop, unshifted=model.task.unshifted) for crop in crops.split(1)])
    for batch in batches:
        difference = (run(crops[-batch:]) - wanted[-batch:]).abs().max()
        yield Parity(engine, batch, float(difference))


def assert_parity(parity: Parity, precision: str) -> None:
    """Raise RestorationError for a difference above the precision's tolerance, or for NaN."""
    if not parity.difference <= TOLERANCES[precision]:
        raise RestorationError(
            f"{parity.engine} differs from PyTorch by {parity.difference:.1e} in a batch of {parity.batch}, more than the "
            f"{TOLERANCES[precision]:.0e} that {precision} may cost. Nothing was written. Try another --opset or "
            f"version of {parity.engine}, or float32."
        )


@torch.inference_mode()
def _restored(network: Gpen, crops: Tensor, *, unshifted: bool) -> Tensor:
    """The modules' own forward, whatever faster path the model may take."""
    made = network(crops) if unshifted else network(crops * 2 - 1).add(1).div(2)
    return made.clamp(0, 1)


def _soft_noise(count: int, size: int) -> Tensor:
    """[count, 3, size, size] in [0, 1]: something of every frequency, as pictures have."""
    source = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 8, 8, generator=source)
    soft = F.interpolate(coarse, size=(size, size), mode="bicubic")
    return (0.85 * soft + 0.15 * torch.rand(soft.shape, generator=source)).clamp(0, 1)
