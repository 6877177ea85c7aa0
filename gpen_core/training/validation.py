"""How good the averaged network is on pictures it never saw, and what they look like."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ..files import written_whole
from ..model import Gpen
from .randomness import Stream, generator_for
from .samples import Batch
from .stages import PriorStage

_AT_ONCE = 8


@torch.no_grad()
def restored(network: Gpen, batch: Batch) -> Tensor:
    """→ [N, 3, S', S'] RGB in [-1, 1], float32."""
    made = [network(low) for low in batch.low.split(_AT_ONCE)]
    return torch.cat(made).float().clamp(-1, 1)


@torch.no_grad()
def imagined(network: Gpen, count: int, seed: int, device: torch.device) -> Tensor:
    """Faces of stage "prior", the same noise each time. → [count, 3, S', S'] in [-1, 1]"""
    nothing = torch.empty(count, 3, 1, 1, device=device)
    made = PriorStage().pictures(network, Batch(nothing, nothing), generator_for(seed, Stream.VALIDATION))
    return made.float().clamp(-1, 1)


def measures(made: Tensor, batch: Batch) -> dict[str, float]:
    """Means over the pictures; PSNR in dB of pictures in [0, 1]. The degraded input's beside the restored's."""
    return {
        "psnr": _psnr(made, batch.target),
        "psnr_input": _psnr(batch.enlarged, batch.target),
        "l1": (made - batch.target).abs().mean().item(),
    }


def save_grid(columns: Sequence[Tensor], path: Path) -> None:
    """One row per picture, one column per tensor [N, 3, S, S] in [-1, 1]; PNG."""
    rows = torch.cat([torch.cat(list(column.cpu().float()), dim=1) for column in columns], dim=2)  # [3, N·S, columns·S]
    pixels = rows.add(1).mul(127.5).clamp(0, 255).round().to(torch.uint8).permute(1, 2, 0)
    with written_whole(path) as temporary:
        Image.fromarray(pixels.contiguous().numpy()).save(temporary, format="PNG")


def _psnr(pictures: Tensor, target: Tensor) -> float:
    errors = (pictures.float() - target).div(2).square().mean((1, 2, 3)).clamp_min(1e-10)
    return (-10 * errors.log10()).mean().item()
