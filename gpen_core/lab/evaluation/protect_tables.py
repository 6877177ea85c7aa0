"""What protecting faces does, as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .protect import ProtectReport, Row


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


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
