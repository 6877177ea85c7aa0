"""What to measure, and on what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...errors import OptionError
from ..degradation import RECIPES, DegradationRecipe
from .baselines import BASELINES, baselines_named
from .metrics import METRICS, NiqeModel
from .severity import RECIPE, severity, sweep_named

SWEEP_METRICS = ("psnr", "ssim", "niqe")


@dataclass(frozen=True)
class EvaluationOptions:
    """How a model is evaluated. Raises OptionError for values outside their range.

    - ``metrics``: of ``METRICS``; those whose weights are absent are named in the report.
    - ``recipe``: what faces are degraded with; ``severities`` of ``SEVERITIES`` (the whole recipe, or a third of it).
    - ``sweeps`` of ``SWEEPS``: one degradation at a time, on ``sweep_faces`` faces (0: all), with ``sweep_metrics``.
    - ``baselines``: of ``BASELINES``, in the order of the report.
    - ``cases``: how many of the best, the middle and the worst faces are kept as pictures, of each severity.
    - ``batch_size``: faces at a time; bounds the memory. 0: four, and fewer above 512 px.
    - ``folders``: where the metrics' weights are looked for; ``niqe``: its parameters, where they are not a file there.
    """

    metrics: tuple[str, ...] = METRICS
    recipe: DegradationRecipe = RECIPES["released"]
    severities: tuple[str, ...] = (RECIPE,)
    sweeps: tuple[str, ...] = ()
    sweep_metrics: tuple[str, ...] = SWEEP_METRICS
    sweep_faces: int = 16
    baselines: tuple[str, ...] = tuple(BASELINES)
    cases: int = 2
    seed: int = 0
    batch_size: int = 0
    folders: tuple[Path, ...] = ()
    niqe: NiqeModel | None = None

    def __post_init__(self) -> None:
        for name in self.severities:
            severity(self.recipe, name)
        for name in self.sweeps:
            sweep_named(name)
        baselines_named(self.baselines)
        unknown = [name for name in (*self.metrics, *self.sweep_metrics) if name not in METRICS]
        if unknown:
            raise OptionError(f"no metric is called '{unknown[0]}'. Known: {', '.join(METRICS)}.")
        if min(self.batch_size, self.cases, self.sweep_faces, self.seed) < 0:
            raise OptionError("batch_size, cases, sweep_faces and seed are at least 0")

    def faces_at_once(self, side: int) -> int:
        """The batch's size for results of ``side`` px."""
        return self.batch_size or max(1, min(4, 4 * 512**2 // side**2))

    @classmethod
    def quick(cls, *metrics: str, seed: int = 0) -> EvaluationOptions:
        """For a look in between, as while training: ``metrics`` (PSNR and SSIM if none is named), no baselines, no
        pictures."""
        return cls(metrics=metrics or ("psnr", "ssim"), baselines=(), cases=0, seed=seed)
