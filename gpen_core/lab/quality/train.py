"""Train the estimator of quality: a few minutes on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import OptionError
from ...faces.quality import QualityNet, normalized, quality_of_error
from ...imaging.texture import FIGURES, texture_of
from ..degradation import RECIPES, Range, Weighted
from ..degradation.low_light import Sensor, in_low_light, underexposed
from ..training.augmentation import AugmentationConfig
from ..training.folder import scan_all
from ..training.samples import FaceSamples, batches
from ..training.split import Split, split

HELD_OUT, GROUP_BY = 0.08, "src"
SPLIT_SEED = 20261122  # the bundled model's: what is held out from one is held out from the other
SIDES = (256, 192, 256, 128)  # px: smaller faces are sharp at their own size, as a small face in a good photograph is
_FULL_BATCH, _AT_ONCE = 64, 16
_JITTER = 0.1  # standard deviations of the figures: faces differ more than those that are there

# One degradation or a few, at any strength: what a picture of the web met, without the second round.
_SUNDRY = replace(
    RECIPES["web"], again_probability=0.0, blur_probability=0.35, downsample_probability=0.35, noise_probability=0.35,
    jpeg_probability=0.4, jpeg_quality=Range(10, 98),
)  # fmt: skip
# Nothing else looks like a hand that shook: sharp in one direction, smeared in the other.
_SHAKEN = replace(
    _SUNDRY, blur_probability=1.0, blur_isotropic=0.0, blur_anisotropic=0.2, blur_motion=1.0,
    motion_length=Range(3.0, 41.0), downsample_probability=0.1, noise_probability=0.25, jpeg_probability=0.3,
    jpeg_quality=Range(30, 98),
)  # fmt: skip
# JPEG alone, since what else was done to a picture hides its finer steps.
_COMPRESSED = replace(
    _SUNDRY, blur_probability=0.0, downsample_probability=0.0, noise_probability=0.0, jpeg_probability=1.0,
    jpeg_quality=Range(4, 98),
)  # fmt: skip
_MIX = (
    Weighted(0.144, RECIPES["released"]),
    Weighted(0.12, RECIPES["light"]),
    Weighted(0.088, RECIPES["none"]),
    Weighted(0.08, RECIPES["resampled"]),
    Weighted(0.096, RECIPES["web"]),
    Weighted(0.144, _SUNDRY),
    Weighted(0.128, _SHAKEN),
    Weighted(0.2, _COMPRESSED),
)
_DARK_SHARE = 1 / 6
_IN_THE_DARK = (Weighted(0.5, RECIPES["none"]), Weighted(0.25, RECIPES["light"]), Weighted(0.25, _SUNDRY))
_STOPS, _WELL, _READ = Range(0.3, 6.0), Range(1500.0, 12000.0), Range(2.0, 8.0)
_AUGMENTATION = AugmentationConfig(rotation=8.0, zoom=0.1, exposure=0.5, contrast=0.3, saturation=0.3, temperature=0.06)


@dataclass(frozen=True)
class QualityRecipe:
    """How many faces are drawn, how often each is learned from, and from which draws. Raises OptionError for values outside
    their range."""

    samples: int = 9600
    rounds: int = 60
    rate: float = 3e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.samples < _FULL_BATCH or self.rounds < 1 or self.seed < 0 or not self.rate > 0:
            raise OptionError(f"samples is at least {_FULL_BATCH}, rounds at least 1, seed at least 0, rate above 0")


def faces_of(folders: Sequence[Path]) -> tuple[Path, Split]:
    """The folder that all names are relative to, and which faces train and which are held out.

    Folders with a ``manifest.json`` are split by the source of their pictures, others by picture.
    """
    folder = scan_all(folders, max(SIDES))
    manifest = len(folder.parts) > 1 or (folder.root / "manifest.json").is_file()
    return folder.root, split(folder, HELD_OUT, GROUP_BY if manifest else "", SPLIT_SEED)


def train_quality(
    root: Path, names: Sequence[str], recipe: QualityRecipe, told: Callable[[int], None] = lambda done: None
) -> QualityNet:
    """Train on the faces ``names`` below ``root``; ``told`` hears how many samples have been drawn."""
    figures, qualities = drawn_samples(root, names, recipe, told)
    generator = torch.Generator().manual_seed(recipe.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = QualityNet()
    network.mean.copy_(figures.mean(0))
    network.spread.copy_(figures.std(0).clamp_min(1e-3))
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=1e-2)
    steps = recipe.rounds * (recipe.samples // _FULL_BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(recipe.rounds):
        order = torch.randperm(len(figures), generator=generator)[: steps // recipe.rounds * _FULL_BATCH]
        for rows in order.split(_FULL_BATCH):
            jitter = _JITTER * network.spread * torch.randn(len(rows), FIGURES, generator=generator)
            loss = F.smooth_l1_loss(network.judged(figures[rows] + jitter), qualities[rows], beta=0.1)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.requires_grad_(False).eval()


def drawn_samples(
    root: Path, names: Sequence[str], recipe: QualityRecipe, told: Callable[[int], None]
) -> tuple[Tensor, Tensor]:
    """Degraded faces: what ``texture_of`` says of each, [N, FIGURES], and its quality, [N]."""
    figures: list[Tensor] = []
    qualities: list[Tensor] = []
    for low, clean in _pairs(root, names, recipe):
        figures.append(texture_of(normalized(low)))
        qualities.append(quality_of_error(low, clean))
        told(sum(map(len, qualities)))
    return torch.cat(figures)[: recipe.samples], torch.cat(qualities)[: recipe.samples]


def _pairs(root: Path, names: Sequence[str], recipe: QualityRecipe) -> Iterator[tuple[Tensor, Tensor]]:
    """Degraded and clean faces, [N, 3, S, S] RGB in [0, 1]; those in low light come last of their size."""
    random = np.random.default_rng(recipe.seed)
    per_side = -(-recipe.samples // len(SIDES))
    dark = round(per_side * _DARK_SHARE)
    for number, side in enumerate(SIDES):
        for mix, count, seed in ((_MIX, per_side - dark, number), (_IN_THE_DARK, dark, len(SIDES) + number)):
            faces = FaceSamples(
                root, names, RECIPES["released"], size=side, out_size=side, read_size=side, seed=recipe.seed + seed,
                mix=mix, augmentation=_AUGMENTATION,
            )  # fmt: skip
            for batch in batches(faces, first=0, count=-(-count // _AT_ONCE), batch=_AT_ONCE):
                low, clean = (batch.low + 1) / 2, (batch.target + 1) / 2
                yield _darkened(low, clean, random) if mix is _IN_THE_DARK else (low, clean)


def _darkened(low: Tensor, clean: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """``low`` as seen in low light, ``clean`` as dark without noise: darkness itself is no fault."""
    seen, meant = [], []
    for scene, face in zip(low.numpy(), clean.numpy(), strict=True):
        stops, read = (limits.at(random.uniform()) for limits in (_STOPS, _READ))
        well = float(np.exp(random.uniform(np.log(_WELL.low), np.log(_WELL.high))))
        seen.append(torch.from_numpy(in_low_light(scene, stops, Sensor(well, read), random)))
        meant.append(torch.from_numpy(underexposed(face, stops)))
    return torch.stack(seen), torch.stack(meant)
