"""Which faces are shown as pictures, and their pictures."""

from __future__ import annotations

from collections.abc import Iterable

from .measure import INPUT, ORIGINAL, RESTORED, Measured, SampleFigures, Tools, restored
from .report import Case
from .samples import Sample, enlarged

BEST, MEDIAN, WORST = "best", "median", "worst"
RANKED_BY = "psnr"


def pick_cases(measured: Measured, count: int) -> dict[int, str]:
    """Number of the sample → its kind: of each kind ``count`` at most, ranked by how much PSNR was gained over the input
    (by the order of the samples, where PSNR was not measured). A face is shown once."""
    order = sorted(range(len(measured.samples)), key=lambda number: -_gain(measured.samples[number]))
    middle = max(0, (len(order) - count) // 2)
    chosen: dict[int, str] = {}
    # Of few faces, the ends matter more than the middle.
    for kind, numbers in ((BEST, order[:count]), (WORST, order[max(0, len(order) - count) :] if count else []),
                          (MEDIAN, order[middle : middle + count])):  # fmt: skip
        for number in numbers:
            chosen.setdefault(number, kind)
    return chosen


def show_cases(samples: Iterable[Sample], measured: Measured, tools: Tools, count: int) -> tuple[Case, ...]:
    """The chosen faces, best, median, worst; each degraded, restored, as the best baseline has it, and as it was."""
    chosen = pick_cases(measured, count)
    if not chosen:
        return ()
    cases = {
        number: _case(sample, chosen[number], measured, number, tools)
        for number, sample in enumerate(samples)
        if number in chosen
    }
    gains = {number: _gain(measured.samples[number]) for number in cases}
    return tuple(cases[number] for number in sorted(cases, key=lambda number: -gains[number]))


def _case(sample: Sample, kind: str, measured: Measured, number: int, tools: Tools) -> Case:
    side, baseline = tools.sizes.output, measured.best_baseline
    pictures = {INPUT: enlarged(sample.low[None], side)[0], RESTORED: restored([sample], tools.model)[0]}
    if baseline is not None:
        pictures[baseline] = tools.baselines[baseline](sample, side)
    return Case(kind, sample.name, {**pictures, ORIGINAL: sample.target}, measured.samples[number].rows)


def _gain(sample: SampleFigures) -> float:
    ours, theirs = sample.rows[RESTORED].get(RANKED_BY), sample.rows[INPUT].get(RANKED_BY)
    return 0.0 if ours is None or theirs is None else ours - theirs
