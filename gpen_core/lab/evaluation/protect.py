"""What protecting faces does to restorations, and how well the estimator of quality tells bad faces from good ones."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...faces.quality import QualityEstimator, quality_of_error
from ...geometry import TEMPLATE_SIZE, TEMPLATES, resize_affine
from ...pipeline import Progress, ProtectOptions, ProtectTools, protect_faces, protections_for
from ...types import Face, FaceCrop, RestoredFace
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
_TEMPLATE = "ffhq"  # of the faces that are measured with


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
        rows: list[Row] = []
        levels: list[float] = []
        qualities: list[float] = []
        true: list[float] = []
        for number, level in enumerate(LEVELS):
            row, estimated, known = self._row(level, faces)
            rows.append(row)
            levels += [float(number)] * len(estimated)
            qualities += estimated
            true += known
        ranks = {"severity": _falling(levels, qualities), "true error": rank_correlation(true, qualities)}
        ranks.update(self._sweeps(faces))
        ranks.update(self._others(faces))
        return ProtectReport(self.model.name, len(faces), tuple(rows), ranks)

    def _row(self, level: str, faces: Faces) -> tuple[Row, list[float], list[float]]:
        qualities: list[float] = []
        strengths: list[float] = []
        true: list[float] = []
        figures: dict[str, list[Figures]] = {"psnr": [[], [], []], "identity": [[], [], []]}
        for batch in batches(DegradedFaces(faces, self.sizes, _of(self.recipe, level), self.seed), _AT_ONCE):
            low, target = (torch.stack([getattr(sample, name) for sample in batch]) for name in ("low", "target"))
            before, restored = enlarged(low, self.sizes.output), self._restored(batch)
            protected = [self._protected(*pair) for pair in zip(low, restored, strict=True)]
            share = torch.stack([_share(face) for face in protected])
            shown = (before, restored, before + share * (restored - before))
            for name, metric in (("psnr", PSNR), ("identity", self.identity)):
                if metric is not None:
                    reference = metric.prepare(target)
                    for values, picture in zip(figures[name], shown, strict=True):
                        values += metric.measure(picture, reference)
            qualities += [face.facts.quality or 0.0 for face in protected]
            strengths += [face.strength for face in protected]
            true += quality_of_error(before, target).tolist()
            self.progress(f"protect: {level}", len(qualities), len(faces))
        return _row(level, qualities, strengths, figures), qualities, true

    def _protected(self, low: Tensor, restored: Tensor) -> RestoredFace:
        """One crop, as if it were a picture of a face that lies in it as in the template."""
        whole, size = (TEMPLATE_SIZE, TEMPLATE_SIZE), (low.shape[-1], low.shape[-1])
        face = Face((0.0, 0.0, TEMPLATE_SIZE, TEMPLATE_SIZE), 1.0, TEMPLATES[_TEMPLATE], whole)
        crop = FaceCrop(face, low, resize_affine(whole, size), _TEMPLATE)
        steps = protections_for(ProtectOptions(), ProtectTools(self.estimator))
        return next(protect_faces(low[None], [RestoredFace(crop, restored)], steps))

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


def _share(face: RestoredFace) -> Tensor:
    """What is taken at each pixel, [1, S', S']."""
    weight = torch.ones_like(face.pixels[:1]) if face.weight is None else face.weight
    return face.strength * weight


def _row(level: str, qualities: Sequence[float], strengths: Sequence[float], figures: dict[str, list[Figures]]) -> Row:
    before, restored, taken = ([value for value in values if value is not None] for values in figures["psnr"])
    means = [_mean(values) for values in figures["identity"]]
    return Row(
        level,
        statistics.median(qualities),
        statistics.mean(strengths),
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
