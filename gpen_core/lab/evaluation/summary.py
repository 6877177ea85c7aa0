"""A report in a few lines of text, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .baselines import LABELS
from .measure import INPUT, RESTORED
from .report import Report, Section


def figures_text(report: Report) -> str:
    """The means of the input, the restored faces and the best baseline, a block of lines for each section."""
    return "\n".join(line for section in report.sections for line in _block(report, section))


def remarks(report: Report) -> Iterator[str]:
    """What a reader of the figures should know: what is missing, and what makes them doubtful."""
    side, data = report.about["model"]["output_size"], report.about["data"]
    for files in (data.get("faces"), data.get("pairs", {}).get("clean")):
        if files and files.get("smallest_side", side) < side:
            yield (
                f"{files['folder']}: originals of {files['smallest_side']} px and more were enlarged to the model's {side} px, "
                "and are softer than what it should make"
            )
    for name, reason in report.absent:
        yield f"not measured: {name}: {reason}"
    for entry in report.skipped:
        yield f"skipped: {entry.name}: {entry.reason}"


def _block(report: Report, section: Section) -> Iterator[str]:
    rows = {INPUT: LABELS[INPUT], RESTORED: LABELS[RESTORED]}
    if (best := section.measured.best_baseline) is not None:
        rows[best] = f"best baseline: {LABELS[best]}"
    yield f"{section.name}, {len(section.measured.samples)} faces"
    yield _line("", [info.label for info in report.metrics])
    for variant, label in rows.items():
        means = [(section.mean(info.name, variant), info.digits) for info in report.metrics]
        yield _line(label, ["–" if mean is None else f"{mean:.{digits}f}" for mean, digits in means])


def _line(label: str, cells: Sequence[str]) -> str:
    return f"  {label:<28}" + "".join(f"{cell:>19}" for cell in cells)
