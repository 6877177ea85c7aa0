"""What protecting faces does to restorations, and how well the estimator of quality tells bad faces from good ones."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...faces.quality import QualityEstimator, quality_of_error
from ...pipeline import Progress
from ...pipeline.protect.strength import strength_for
from ..degradation import RECIPES, Degradation, DegradationRecipe
from ..degradation.others import OTHERS
from .faces import Faces
from .measure import Restorer, batches
from .metrics import Figures, Metric
from .metrics.fidelity import PSNR
from .ranks import rank_correlation
from .samples import DegradedFaces, Sample, Sizes, enlarged, fitted
from .severity import SWEEPS, DegradationOf, random_of, severity

CLEAN = "clean"
LEVELS = (CLEAN, "light", "medium", "heavy")
_AT_ONCE = 4


@dataclass(frozen=True)
class Row:
    """Faces of one severity, as the table shows them.

    Attributes:
        level: One of ``LEVELS``.
        quality: Median of the estimates.
        strength: Mean of what is taken.
        psnr: Means in dB: of the input, of what the model makes, of what is taken of that.
        identity: Means of the distance, of the same three; None where it was not measured.
        least_psnr: Of what is taken, in dB: a tenth of the faces have less.
    """

    level: str
    quality: float
    strength: float
    psnr: tuple[float, float, float]
    identity: tuple[float | None, float | None, float | None]
    least_psnr: float


@dataclass(frozen=True)
class ProtectReport:
    """What was found with so many faces.

    Attributes:
        ranks: How well the estimate orders them: by severity, by true error, by the level of each single degradation.
    """

    model: str
    faces: int
    rows: tuple[Row, ...]
    ranks: dict[str, float | None]


@dataclass(frozen=True)
class ProtectTest:
    """What is measured with.

    Attributes:
        identity: None where no recognition network is installed.
    """

    model: Restorer
    estimator: QualityEstimator
    identity: Metric | None
    progress: Progress
    seed: int = 0
    recipe: DegradationRecipe = RECIPES["released"]

    @property
    def sizes(self) -> Sizes:
        return Sizes(self.model.config.input_size, self.model.config.output_size)

    def run(self, faces: Faces) -> ProtectReport:
        """Degrade the faces at every severity, restore them, and compare; then estimate the quality of many more."""
        rows, order, errors = [], ([], []), ([], [])
        for number, level in enumerate(LEVELS):
            row, qualities, true = self._row(level, faces)
            rows.append(row)
            order[0].extend([float(number)] * len(qualities))
            order[1].extend(qualities)
            errors[0].extend(true)
            errors[1].extend(qualities)
        ranks = {
            "severity": _falling(*order),
            "error": rank_correlation(*errors),
            **self._sweeps(faces),
            **self._others(faces),
        }
        return ProtectReport(self.model.name, len(faces), tuple(rows), ranks)

    def _row(self, level: str, faces: Faces) -> tuple[Row, list[float], list[float]]:
        qualities: list[float] = []
        true: list[float] = []
        figures: dict[str, list[Figures]] = {"psnr": [[], [], []], "identity": [[], [], []]}
        for batch in batches(DegradedFaces(faces, self.sizes, _of(self.recipe, level), self.seed), _AT_ONCE):
            low, target = (torch.stack([getattr(sample, name) for sample in batch]) for name in ("low", "target"))
            found = self.estimator.qualities(low)
            before, restored = enlarged(low, self.sizes.output), self._restored(batch)
            strength = torch.tensor([strength_for(quality) for quality in found])[:, None, None, None]
            shown = (before, restored, before + strength * (restored - before))
            for name, metric in (("psnr", PSNR), ("identity", self.identity)):
                if metric is not None:
                    reference = metric.prepare(target)
                    for values, picture in zip(figures[name], shown, strict=True):
                        values += metric.measure(picture, reference)
            qualities += found
            true += quality_of_error(before, target).tolist()
            self.progress(f"protect: {level}", len(qualities), len(faces))
        return _row(level, qualities, figures), qualities, true

    def _restored(self, batch: Sequence[Sample]) -> Tensor:
        return self.model(torch.stack([sample.low for sample in batch])).float().cpu()

    def _sweeps(self, faces: Faces) -> dict[str, float | None]:
        found = {}
        for name, sweep in SWEEPS.items():
            levels: list[float] = []
            qualities: list[float] = []
            for number, value in enumerate(sweep.values):
                samples = DegradedFaces(faces, self.sizes, sweep.at(value), self.seed)
                estimates = [self.estimator.qualities(sample.low[None])[0] for sample in samples]
                levels += [float(number)] * len(estimates)
                qualities += estimates
                self.progress(f"protect: {sweep.label}", number + 1, len(sweep.values))
            found[name] = _falling(levels, qualities)
        return found

    def _others(self, faces: Faces) -> dict[str, float | None]:
        found = {}
        for name, other in OTHERS.items():
            levels: list[float] = []
            qualities: list[float] = []
            for done, face in enumerate(faces, start=1):
                clean = np.ascontiguousarray(fitted(face.pixels, self.sizes.input).permute(1, 2, 0).numpy())
                random = random_of(self.seed, face.name)
                for number, level in enumerate(other.levels):
                    levels.append(float(number))
                    qualities += self.estimator.qualities(_tensor(other.of(clean, level, random))[None])
                self.progress(f"protect: {name}", done, len(faces))
            found[name] = _falling(levels, qualities)
        return found


def tables(report: ProtectReport) -> str:
    """As Markdown: one table of the severities, one of the rank correlations."""
    lines = [
        f"{report.faces} faces, {report.model}. PSNR in dB; identity: distance to the clean face. Of each: the input, restored "
        "without protection, restored with it. Lowest tenth: of the last.",
        "",
        "| severity | quality (median) | strength (mean) | PSNR | lowest tenth | identity |",
        "|---|---|---|---|---|---|",
        *_table(report.rows),
        "",
        "| rank correlation of the estimate with | |",
        "|---|---|",
        *(f"| {name} | {_number(value, 3)} |" for name, value in report.ranks.items()),
    ]
    return "\n".join(lines) + "\n"


def _table(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        psnr = " → ".join(_number(value, 2) for value in row.psnr)
        identity = " → ".join(_number(value, 3) for value in row.identity)
        yield (f"| {row.level} | {row.quality:.2f} | {row.strength:.2f} | {psnr} | {row.least_psnr:.2f} | {identity} |")


def _row(level: str, qualities: Sequence[float], figures: dict[str, list[Figures]]) -> Row:
    before, restored, taken = ([value for value in values if value is not None] for values in figures["psnr"])
    means = [_mean(values) for values in figures["identity"]]
    return Row(
        level,
        statistics.median(qualities),
        statistics.mean(map(strength_for, qualities)),
        (statistics.mean(before), statistics.mean(restored), statistics.mean(taken)),
        (means[0], means[1], means[2]),
        sorted(taken)[len(taken) // 10],
    )


def _mean(values: Figures) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.mean(known) if known else None


def _of(recipe: DegradationRecipe, level: str) -> DegradationOf:
    return (lambda random: Degradation()) if level == CLEAN else severity(recipe, level)


def _falling(levels: Sequence[float], qualities: Sequence[float]) -> float | None:
    """1 where quality falls with every level."""
    return rank_correlation(levels, [-quality for quality in qualities])


def _tensor(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
