"""How good the averaged network is on pictures it never saw, and what they look like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ...files import written_whole
from ...model import Gpen
from .randomness import Noise, Stream
from .samples import Batch
from .stages import PriorStage, RestoreStage, Stage

_TILE = 512  # px; larger pictures are shrunk in the grid, which would else be of 100 megapixels
_CEILING = 100.0  # dB; identical pictures have no finite PSNR


@dataclass(frozen=True, eq=False)
class Shown:
    """A few pictures [N, 3, S', S'] in [-1, 1], on the CPU: what the network saw, made, and should have made."""

    columns: tuple[Tensor, ...]


@torch.no_grad()
def look(network: Gpen, batches: Iterable[Batch], seed: int, shown: int) -> tuple[dict[str, float], Shown]:
    """Restore the batches one by one: means of the measures over all pictures, and the first few to look at."""
    sums: dict[str, float] = defaultdict(float)
    columns: list[list[Tensor]] = [[], [], []]
    count = 0
    for batch in batches:
        made = _made(RestoreStage(), network, batch, seed)
        for name, values in measures(made, batch).items():
            sums[name] += values.sum().item()
        if count < shown:
            for column, pictures in zip(columns, (batch.enlarged, made, batch.target)):
                column.append(_tile(pictures[: shown - count]))
        count += len(made)
    return {name: total / count for name, total in sums.items()}, Shown(tuple(map(torch.cat, columns)))


@torch.no_grad()
def imagined(network: Gpen, count: int, seed: int, device: torch.device) -> Shown:
    """Faces of stage "prior", the same noise each time."""
    made = []
    for number in range(count):  # one by one: nobody knows how many fit
        nothing = torch.empty(1, 3, 1, 1, device=device)
        made.append(_tile(_made(PriorStage(), network, Batch(nothing, nothing, (number,)), seed)))
    return Shown((torch.cat(made),))


def measures(made: Tensor, batch: Batch) -> dict[str, Tensor]:
    """[N] each. PSNR in dB and SSIM of pictures in [0, 1], the degraded input's beside the restored's; L1 in [-1, 1]. SSIM
    is left out of pictures smaller than its window."""
    from ..evaluation.metrics import psnr, ssim  # it brings much along that a run needs here only
    from ..evaluation.metrics.fidelity import WINDOW

    restored, given, target = (pictures.float().add(1).div(2) for pictures in (made, batch.enlarged, batch.target))
    found = {
        "psnr": psnr(restored, target).clamp_max(_CEILING),
        "psnr_input": psnr(given, target).clamp_max(_CEILING),
        "l1": (made - batch.target).abs().mean((1, 2, 3)),
    }
    if target.shape[-1] >= WINDOW:
        found |= {"ssim": ssim(restored, target), "ssim_input": ssim(given, target)}
    return found


def save_grid(shown: Shown, path: Path) -> None:
    """One row per picture, one column per tensor; PNG."""
    rows = torch.cat([torch.cat(list(column), dim=1) for column in shown.columns], dim=2)  # [3, N·S, columns·S]
    pixels = rows.add(1).mul(127.5).clamp(0, 255).round().to(torch.uint8).permute(1, 2, 0)
    with written_whole(path) as temporary:
        Image.fromarray(pixels.contiguous().numpy()).save(temporary, format="PNG")


def spread(names: Sequence[str], count: int) -> tuple[str, ...]:
    """``count`` of the names, or all, from all over."""
    return tuple(names[:: max(1, len(names) // count)][:count])


def _made(stage: Stage, network: Gpen, batch: Batch, seed: int) -> Tensor:
    noise = Noise(seed, Stream.VALIDATION, batch.target.device)
    return stage.pictures(network, batch, noise).float().clamp(-1, 1)


def _tile(pictures: Tensor) -> Tensor:
    pictures = pictures.float().cpu()
    return pictures if pictures.shape[-1] <= _TILE else F.interpolate(pictures, (_TILE, _TILE), mode="area")
