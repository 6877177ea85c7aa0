"""What an evaluation found."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .faces import Skipped
from .measure import INPUT, RESTORED, Measured, Rows, SampleFigures
from .metrics import MetricInfo


@dataclass(frozen=True)
class Summary:
    """Over the ``measured`` faces for which there is a figure. ``deviation`` is the sample standard deviation, 0 of one
    face; both ``deviation`` and ``median`` are None for a figure of the whole set."""

    mean: float
    deviation: float | None
    median: float | None
    measured: int


@dataclass(frozen=True, eq=False)
class Case:
    """One face as pictures: variant → [3, S', S'] RGB in [0, 1]. ``kind`` is best, median or worst; ``rows``, its figures."""

    kind: str
    name: str
    pictures: Mapping[str, Tensor]
    rows: Rows


@dataclass(frozen=True, eq=False)
class Section:
    """One severity, or the pairs: ``name`` says which."""

    name: str
    measured: Measured
    cases: tuple[Case, ...] = ()

    @property
    def variants(self) -> tuple[str, ...]:
        return tuple(self.measured.samples[0].rows) if self.measured.samples else ()

    def summary(self, variant: str, metric: str) -> Summary | None:
        """None where it was not measured."""
        if (figure := self.measured.of_set.get(variant, {}).get(metric)) is not None:
            return Summary(figure, None, None, len(self.measured.samples))
        figures = [f for sample in self.measured.samples if (f := sample.rows[variant].get(metric)) is not None]
        if not figures:
            return None
        deviation = statistics.stdev(figures) if len(figures) > 1 else 0.0
        return Summary(statistics.fmean(figures), deviation, statistics.median(figures), len(figures))

    def tried(self, variant: str, metric: str) -> bool:
        """Whether it was attempted: then no summary means that it could be measured for none of the faces."""
        of_set = metric in self.measured.of_set.get(variant, {})
        return of_set or any(metric in sample.rows[variant] for sample in self.measured.samples)

    def mean(self, metric: str, variant: str = RESTORED) -> float | None:
        found = self.summary(variant, metric)
        return None if found is None else found.mean

    def gain(self, metric: str, over: str = INPUT) -> float | None:
        """Mean of the restored faces minus that of ``over``, in the metric's own direction."""
        ours, theirs = self.mean(metric), self.mean(metric, over)
        return None if ours is None or theirs is None else ours - theirs

    def share_better(self, info: MetricInfo, than: str = INPUT) -> float | None:
        """The share of faces whose restored figure is better than that of ``than``, of those that have both."""
        pairs = [pair for sample in self.measured.samples if (pair := _pair(sample, info.name, than)) is not None]
        if not pairs:
            return None
        return sum((ours > theirs) == info.higher_is_better and ours != theirs for ours, theirs in pairs) / len(pairs)


@dataclass(frozen=True, eq=False)
class Curve:
    """A sweep: one section for each value, mildest first."""

    name: str
    label: str
    unit: str
    points: tuple[tuple[float, Section], ...]


@dataclass(frozen=True, eq=False)
class Report:
    """``about``: what was evaluated with what, of plain values. ``absent``: metrics asked for that could not be measured,
    and why. ``skipped``: files that were left out."""

    about: Mapping[str, Any]
    metrics: tuple[MetricInfo, ...]
    absent: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    curves: tuple[Curve, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def section(self, name: str) -> Section:
        """The severity of that name, or "pairs". Raises KeyError."""
        return {section.name: section for section in self.sections}[name]

    def mean(self, metric: str, variant: str = RESTORED, section: str | None = None) -> float | None:
        """Of the first section, where none is named."""
        return (self.sections[0] if section is None else self.section(section)).mean(metric, variant)


def _pair(sample: SampleFigures, metric: str, than: str) -> tuple[float, float] | None:
    ours, theirs = sample.rows[RESTORED].get(metric), sample.rows[than].get(metric)
    return None if ours is None or theirs is None else (ours, theirs)
