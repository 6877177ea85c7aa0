"""Every metric of every picture of a set of samples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import torch
from torch import Tensor

from ...model import GpenConfig
from ...pipeline import Progress
from ..degradation import Degradation
from .baselines import Baseline
from .metrics import MetricInfo, MetricSet
from .samples import Sample, Sizes, enlarged

INPUT, RESTORED, ORIGINAL = "input", "restored", "original"

Row = dict[str, float | None]  # metric → figure
Rows = dict[str, Row]  # variant (input, restored, a baseline, original) → its figures
Features = dict[str, dict[str, list[Tensor]]]  # set metric → variant → what is kept of each batch


class Restorer(Protocol):
    """A GpenModel, or what behaves like one: crops [N, 3, S, S] → [N, 3, S', S'], RGB in [0, 1]."""

    @property
    def config(self) -> GpenConfig: ...

    @property
    def name(self) -> str: ...

    def __call__(self, crops: Tensor) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Tools:
    """What a set of samples is measured with; ``progress`` is called after each batch."""

    model: Restorer
    metrics: MetricSet
    baselines: Mapping[str, Baseline]
    batch_size: int
    progress: Progress

    @property
    def sizes(self) -> Sizes:
        return Sizes(self.model.config.input_size, self.model.config.output_size)


@dataclass(frozen=True)
class SampleFigures:
    """One face's figures. ``rows`` lack what was not measured: slow metrics of any but the best baseline."""

    name: str
    degradation: Degradation | None
    rows: Rows


@dataclass(frozen=True)
class Measured:
    """``of_set``: figures of the set as a whole. ``best_baseline`` has the best mean of the leading metric (PSNR, where it
    is measured); None where there are no baselines."""

    samples: tuple[SampleFigures, ...]
    of_set: Rows
    best_baseline: str | None


def measure(samples: Iterable[Sample], tools: Tools, title: str, total: int) -> Measured:
    """Go through the samples in batches, and once more for the slow metrics of the best baseline, without the network.

    ``samples`` can be gone through again. ``title`` and ``total`` are for the progress.
    """
    found: list[SampleFigures] = []
    features: Features = {metric.info.name: {} for metric in tools.metrics.set_metrics}
    for batch in batches(samples, tools.batch_size):
        pictures = _pictures(batch, tools)
        found += _figures(batch, pictures, tools.metrics)
        _collect(features, tools.metrics, {name: pictures[name] for name in (INPUT, RESTORED, ORIGINAL)})
        tools.progress(title, len(found), total)
    best = _best_baseline(found, tools)
    if best is not None and any(info.slow for info in tools.metrics.infos):
        _add_slow(samples, tools, best, found, features, title)
    return Measured(tuple(found), _of_set(features, tools.metrics), best)


def restored(batch: Sequence[Sample], model: Restorer) -> Tensor:
    """What the model makes of the samples: [N, 3, S', S'], on the CPU."""
    return model(torch.stack([sample.low for sample in batch])).float().cpu()


def batches(samples: Iterable[Sample], size: int) -> Iterator[list[Sample]]:
    iterator = iter(samples)
    while batch := list(islice(iterator, size)):
        yield batch


def mean_of(samples: Iterable[SampleFigures], variant: str, metric: str) -> float | None:
    """Over the samples for which it was measured; None where it was for none."""
    figures = [figure for sample in samples if (figure := sample.rows[variant].get(metric)) is not None]
    return sum(figures) / len(figures) if figures else None


def _pictures(batch: Sequence[Sample], tools: Tools) -> dict[str, Tensor]:
    """Everything that is compared with the originals, and the originals, all of one size."""
    side = tools.sizes.output
    low = torch.stack([sample.low for sample in batch])
    pictures = {INPUT: enlarged(low, side), RESTORED: restored(batch, tools.model)}
    for name, baseline in tools.baselines.items():
        pictures[name] = torch.stack([baseline(sample, side) for sample in batch])
    return {**pictures, ORIGINAL: _targets(batch)}


def _targets(batch: Sequence[Sample]) -> Tensor:
    return torch.stack([sample.target for sample in batch])


def _figures(batch: Sequence[Sample], pictures: Mapping[str, Tensor], metrics: MetricSet) -> list[SampleFigures]:
    rows: list[Rows] = [{name: {} for name in pictures} for _ in batch]
    # All are prepared first: two of them ask for the landmarks of the same originals.
    references = [metric.prepare(pictures[ORIGINAL]) for metric in metrics.metrics]
    for metric, reference in zip(metrics.metrics, references, strict=True):
        for name, shown in pictures.items():
            if _applies(metric.info, name):
                for row, figure in zip(rows, metric.measure(shown, reference), strict=True):
                    row[name][metric.info.name] = figure
    return [SampleFigures(s.name, s.degradation, row) for s, row in zip(batch, rows, strict=True)]


def _applies(info: MetricInfo, variant: str) -> bool:
    """Whether a metric is taken of this variant in the first pass. Originals are not compared with themselves."""
    if variant == ORIGINAL:
        return not info.reference
    return not info.slow or variant in (INPUT, RESTORED)


def _add_slow(
    samples: Iterable[Sample],
    tools: Tools,
    baseline: str,
    found: Sequence[SampleFigures],
    features: Features,
    title: str,
) -> None:
    """Complete ``found`` and ``features`` by the slow metrics of one baseline."""
    slow = [metric for metric in tools.metrics.metrics if metric.info.slow]
    faces, done = iter(found), 0
    for batch in batches(samples, tools.batch_size):
        shown = torch.stack([tools.baselines[baseline](sample, tools.sizes.output) for sample in batch])
        targets = _targets(batch)
        references = [metric.prepare(targets) for metric in slow]
        figures = [metric.measure(shown, reference) for metric, reference in zip(slow, references, strict=True)]
        for row, face in zip(range(len(batch)), faces):
            face.rows[baseline].update({metric.info.name: f[row] for metric, f in zip(slow, figures, strict=True)})
        _collect(features, tools.metrics, {baseline: shown})
        done += len(batch)
        tools.progress(f"{title}: best baseline", done, len(found))


def _best_baseline(found: Sequence[SampleFigures], tools: Tools) -> str | None:
    quick = [metric.info for metric in tools.metrics.metrics if not metric.info.slow]
    leading = next((info for info in quick if info.name == "psnr"), quick[0] if quick else None)
    if leading is None or not tools.baselines:
        return next(iter(tools.baselines), None)
    sign = 1 if leading.higher_is_better else -1

    def merit(baseline: str) -> float:
        mean = mean_of(found, baseline, leading.name)
        return -math.inf if mean is None else sign * mean

    return max(tools.baselines, key=merit)


def _collect(features: Features, metrics: MetricSet, pictures: Mapping[str, Tensor]) -> None:
    for metric in metrics.set_metrics:
        for name, shown in pictures.items():
            features[metric.info.name].setdefault(name, []).append(metric.features(shown))


def _of_set(features: Features, metrics: MetricSet) -> Rows:
    rows: Rows = {}
    for metric in metrics.set_metrics:
        kept = {name: torch.cat(parts) for name, parts in features[metric.info.name].items()}
        for name in (name for name in kept if name != ORIGINAL):
            rows.setdefault(name, {})[metric.info.name] = metric.compare(kept[name], kept[ORIGINAL])
    return rows
