"""Evaluate a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from torch import Tensor

from ...errors import ImageError
from ...pipeline import Progress
from ...pipeline.hooks import silent
from .about import about
from .baselines import baselines_named
from .cases import show_cases
from .faces import FaceFiles, Faces
from .measure import Restorer, Tools, measure
from .metrics import MetricSet, build_metrics
from .options import EvaluationOptions
from .pairs import PairedFiles
from .report import Curve, Report, Section
from .samples import DegradedFaces, Sample
from .severity import DegradationOf, Sweep, severity, sweep_named

PAIRS = "pairs"


def evaluate(
    model: Restorer,
    faces: Faces = (),
    options: EvaluationOptions = EvaluationOptions(),
    *,
    pairs: PairedFiles | None = None,
    progress: Progress = silent,
) -> Report:
    """Degrade ``faces`` at every severity asked for, restore them, and measure; the same with ``pairs`` as they are.

    ``faces`` is what ``open_faces`` gives, or a list of NamedFace. The same faces, options and model give the same figures
    on the same machine. ``progress`` is called after each batch and may raise, which ends the evaluation.

    Raises ImageError where there is nothing to evaluate with, RestorationError where the model's result is not finite.
    """
    if not len(faces) and not pairs:
        raise ImageError("there are no faces to evaluate with")
    side = model.config.output_size
    metrics = build_metrics(options.metrics, side, folders=options.folders, niqe=options.niqe)
    at_once = options.faces_at_once(side)
    run = _Run(options, Tools(model, metrics, baselines_named(options.baselines), at_once, progress))
    sections = [run.severity(name, faces) for name in options.severities] if len(faces) else []
    if pairs:
        sections.append(run.section(PAIRS, pairs.samples(run.tools.sizes), len(pairs)))
    curves = [run.curve(sweep_named(name), faces) for name in options.sweeps] if len(faces) else []
    files = [entry for entry in (faces, pairs and pairs.low, pairs and pairs.clean) if isinstance(entry, FaceFiles)]
    return Report(
        about(model, faces, pairs, options),
        metrics.infos,
        metrics.absent,
        tuple(sections),
        tuple(curves),
        tuple(skipped for entry in files for skipped in entry.skipped),
    )


class _Run:
    def __init__(self, options: EvaluationOptions, tools: Tools) -> None:
        self.options, self.tools = options, tools

    def severity(self, name: str, faces: Faces) -> Section:
        return self.section(name, self._degraded(faces, severity(self.options.recipe, name)), len(faces))

    def section(self, name: str, samples: Iterable[Sample], total: int) -> Section:
        measured = measure(samples, self.tools, name, total)
        return Section(name, measured, show_cases(samples, measured, self.tools, self.options.cases))

    def curve(self, sweep: Sweep, faces: Faces) -> Curve:
        faces = spread(faces, self.options.sweep_faces)
        wanted = [m for m in self.tools.metrics.metrics if m.info.name in self.options.sweep_metrics]
        points = []
        for number, value in enumerate(sweep.values):
            part = _Part(self.tools.progress, number * len(faces), len(sweep.values) * len(faces))
            tools = replace(self.tools, metrics=MetricSet(tuple(wanted)), progress=part)
            measured = measure(self._degraded(faces, sweep.at(value)), tools, f"sweep: {sweep.name}", len(faces))
            points.append((value, Section(f"{sweep.name} {value:g}", measured)))
        return Curve(sweep.name, sweep.label, sweep.unit, tuple(points))

    def _degraded(self, faces: Faces, degradation_of: DegradationOf) -> DegradedFaces:
        return DegradedFaces(faces, self.tools.sizes, degradation_of, self.options.seed)


@dataclass(frozen=True)
class _Part:
    """The progress of one part of a longer run."""

    whole: Progress
    before: int
    total: int

    def __call__(self, stage: str, done: int, total: int, preview: Tensor | None = None) -> None:
        self.whole(stage, self.before + done, self.total)


def spread(faces: Faces, count: int) -> Faces:
    """``count`` of the faces, evenly from first to last; all where it is 0 or more than there are."""
    if not count or count >= len(faces):
        return faces
    numbers = [number * len(faces) // count for number in range(count)]
    if isinstance(faces, FaceFiles):
        return replace(faces, names=tuple(faces.names[number] for number in numbers))
    wanted = set(numbers)
    return [face for number, face in enumerate(faces) if number in wanted]
