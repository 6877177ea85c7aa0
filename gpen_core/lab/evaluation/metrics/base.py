"""What a metric is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

Figures = list[float | None]  # one a picture; None where it could not be measured


@dataclass(frozen=True)
class MetricInfo:
    """How a metric is shown and read.

    ``convention`` says what exactly was computed. A ``slow`` metric is measured on the input, the restored faces and the
    best baseline only. One that is not ``reference`` based looks at a picture alone.
    """

    name: str
    label: str
    higher_is_better: bool
    convention: str
    unit: str = ""
    digits: int = 3
    slow: bool = False
    reference: bool = True


class Metric(Protocol):
    """A figure for each picture. ``prepare`` sees the targets once, for all the pictures that are compared with them."""

    @property
    def info(self) -> MetricInfo: ...

    def prepare(self, targets: Tensor) -> Any:
        """targets: [N, 3, S, S] RGB in [0, 1], float32, on the CPU → what ``measure`` needs to know of them."""
        ...

    def measure(self, pictures: Tensor, reference: Any) -> Figures:
        """pictures: as the targets → one figure for each."""
        ...


class SetMetric(Protocol):
    """One figure that compares a whole set of pictures with the set of their targets."""

    @property
    def info(self) -> MetricInfo: ...

    def features(self, pictures: Tensor) -> Tensor:
        """[N, 3, S, S] RGB in [0, 1] → what is kept of each, [N, D]."""
        ...

    def compare(self, pictures: Tensor, targets: Tensor) -> float | None:
        """Features of both sets, [N, D] and [M, D] → the figure; None where there are too few."""
        ...


@dataclass(frozen=True, eq=False)
class MetricSet:
    """The metrics that can be measured, and of those asked for that cannot: why not, and what to do."""

    metrics: tuple[Metric, ...] = ()
    set_metrics: tuple[SetMetric, ...] = ()
    absent: tuple[tuple[str, str], ...] = ()

    @property
    def infos(self) -> tuple[MetricInfo, ...]:
        every: Sequence[Metric | SetMetric] = (*self.metrics, *self.set_metrics)
        return tuple(metric.info for metric in every)
