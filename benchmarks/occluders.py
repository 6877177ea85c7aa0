"""What the model invented is not taken: is what covers a face found, and nothing else?

python benchmarks/occluders.py --data FACES [--part held_out] [--count 120] [--model bundled] [--sheet FILE.png]

An occluder (bar, hand, blob, patch of another face) is put in front of a clean face, and the picture is degraded by the
released recipe. The clean face stands for what a model that invents perfectly would make of it. Counted are the pixels of 256
px crops in which the original is kept (more than half): how well they are the occluder's (intersection over union), and how
many of the others are among them. Beside it stands what one could reach who knows the colors of the face and of what covers
it in each pixel, degraded as they are, and need only say which is nearer. Then the faces without occluders, degraded in four
strengths and restored by a real model: there, nothing should be kept, and no PSNR lost. Faces are split as the bundled model's
training split them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import gpen_core
from gpen_core.imaging.agreement import agreement
from gpen_core.imaging.blur import gaussian_blur
from gpen_core.lab.degradation import RECIPES, degrade
from gpen_core.lab.degradation.occluders import KINDS, draw_occluder
from gpen_core.lab.evaluation.severity import SEVERITIES, random_of, severity
from gpen_core.lab.training.folder import read_face, scan
from gpen_core.lab.training.split import split

SIDE = 256
ORACLE_BLUR, ORACLE_MARGINS = 3.0, (0.0, 0.2, 0.4)  # σ: neighbors decide together, as in ``agreement``
SHARE, GROUP, SPLIT_SEED = 0.08, "src", 20261122  # of the preset "bundled"


@dataclass(frozen=True, eq=False)
class Case:
    """``low`` is what a model sees, ``clean`` the face behind; [3, 256, 256]. ``covered``: [256, 256], bool.

    ``apart``: the face and what covers it, each degraded by itself in the same way.
    """

    kind: str
    low: Tensor
    clean: Tensor
    covered: Tensor
    apart: tuple[Tensor, Tensor]


def tensor(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).movedim(-1, 0)


def cases(root: Path, names: tuple[str, ...], count: int, seed: int, level: str, occlude: bool) -> Iterator[Case]:
    degradation_of = severity(RECIPES["released"], level)
    order = np.random.default_rng(seed).permutation(len(names))
    for number in range(count):
        name, kind = names[order[number % len(names)]], tuple(KINDS)[number % len(KINDS)]
        random = random_of(seed + number // len(names), name)
        how, clean = degradation_of(random), read_face(root / name, SIDE)
        other = names[order[(number + 1) % len(names)]]
        occluder = draw_occluder(kind, SIDE, [read_face(root / other, SIDE)], random)
        seen = occluder.before(clean) if occlude else clean
        done = degrade(seen, how, random)
        target = degrade(clean, how, np.random.default_rng(0)).target  # gray where the degraded one is
        covered = torch.from_numpy(occluder.mask) > 0.5 if occlude else torch.zeros(SIDE, SIDE, dtype=torch.bool)
        alone = (degrade(one, how, np.random.default_rng(1)).low for one in (clean, occluder.cover))
        face, cover = map(tensor, alone)
        yield Case(kind, tensor(done.low), tensor(target), covered, (face, cover))


def found_by_agreement(case: Case) -> Tensor:
    """[256, 256], bool: where the original is kept."""
    return agreement(case.clean, case.low)[0] < 0.5


def found_by_oracle(case: Case, margin: float) -> Tensor:
    """The same of one that knows both colors of each pixel, degraded; ``margin`` is of the distance between them."""
    face, cover = case.apart
    nearer = ((case.low - face).square() - (case.low - cover).square()).sum(0, keepdim=True)
    apart = (face - cover).square().sum(0, keepdim=True)
    return (gaussian_blur(nearer, ORACLE_BLUR) / (gaussian_blur(apart, ORACLE_BLUR) + 1e-3))[0] > margin


def figures(case: Case, find: Callable[[Case], Tensor]) -> tuple[float, float, float]:
    """Intersection over union, share of the others kept back, share of the occluder found."""
    kept = find(case)
    common, either = (kept & case.covered).sum().item(), (kept | case.covered).sum().item()
    wrong = (kept & ~case.covered).sum().item() / (~case.covered).sum().item()
    return common / max(either, 1), wrong, common / case.covered.sum().item()


def occluded(root: Path, names: tuple[str, ...], count: int, seed: int) -> list[Case]:
    shown = list(cases(root, names, count, seed, "recipe", True))
    print(f"{len(shown)} faces with something in front of them")
    tell(shown, found_by_agreement)
    for margin in ORACLE_MARGINS:
        print(f"by one who knows the colors of face and cover in each pixel, margin {margin}")
        tell(shown, partial(found_by_oracle, margin=margin))
    return shown


def tell(shown: list[Case], find: Callable[[Case], Tensor]) -> None:
    rows = [(case.kind, *figures(case, find)) for case in shown]
    print(f"{'':8}{'IoU mean':>9}{'median':>8}{'≥ 0.75':>8}{'others kept':>13}{'median':>9}{'found':>8}")
    for kind in ("all", *KINDS):
        mine = np.array([row[1:] for row in rows if kind in ("all", row[0])])
        iou, wrong, found = mine.T
        print(
            f"{kind:8}{iou.mean():9.3f}{np.median(iou):8.3f}{(iou >= 0.75).mean():8.0%}{wrong.mean():13.2%}"
            f"{np.median(wrong):9.2%}{found.mean():8.1%}"
        )


def psnr(a: Tensor, b: Tensor) -> float:
    return float(-10 * torch.log10((a - b).square().mean()))


def ordinary(root: Path, names: tuple[str, ...], count: int, seed: int, model_name: str) -> None:
    model = gpen_core.load_model(model_name)
    print(f"{count} faces without, restored by {model.name}")
    print(f"{'':8}{'kept back':>10}{'faces':>7}{'PSNR':>9}{'worst':>9}")
    for level in SEVERITIES:
        kept, change = [], []
        for case in cases(root, names, count, seed, level, False):
            restored = model(case.low[None])[0]
            weight = agreement(restored, case.low)
            taken = weight * restored + (1 - weight) * case.low
            kept.append(float((1 - weight).mean()))
            change.append(psnr(taken, case.clean) - psnr(restored, case.clean))
        faces = sum(share > 0 for share in kept)
        print(f"{level:8}{np.mean(kept):10.3%}{faces:7}{np.mean(change):+9.3f}{min(change):+9.3f}")


def save_sheet(shown: list[Case], path: Path) -> None:
    """Seen, behind, covered, kept: one column a face."""
    from gpen_core.imaging.files import Picture, save_picture

    columns = []
    for case in shown[:16]:
        kept = 1 - agreement(case.clean, case.low)
        masks = [mask.expand(3, -1, -1) for mask in (case.covered[None].float(), kept)]
        columns.append(torch.cat([case.low, case.clean, *masks], dim=1))
    save_picture(Picture(torch.cat(columns, dim=2)), path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of aligned faces, with its manifest")
    parser.add_argument("--part", choices=("train", "held_out"), default="held_out", help="limits were chosen on train")
    parser.add_argument("--count", type=int, default=120, help="faces with occluders")
    parser.add_argument(
        "--ordinary", type=int, default=24, help="faces without, of each strength (default: %(default)s)"
    )
    parser.add_argument("--model", default="bundled", help="restores those")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sheet", type=Path, help="also draw the first faces here")
    options = parser.parse_args()
    names = getattr(split(scan(options.data, SIDE), SHARE, GROUP, SPLIT_SEED), options.part)
    shown = occluded(options.data, names, options.count, options.seed)
    if options.sheet:
        save_sheet(shown, options.sheet)
    if options.ordinary:
        ordinary(options.data, names, options.ordinary, options.seed, options.model)


if __name__ == "__main__":
    main()
