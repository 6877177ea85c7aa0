"""A report as text for a terminal, and as plain values for other programs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from .roofline import Roofline
from .run import Report
from .turns import Figures, Row

FORMAT = 1
_MIB = 2**20
_HEAD = ("network", "precision", "path", "s/face", "(min … max)", "GFLOP/s", "of the roof", "peak MiB", "weights",
         "differs by")  # fmt: skip

NOTES = (
    "s/face: median. GFLOP/s: operations of the network as published, by that time. of the roof: what the machine's own",
    "rates allow, layer by layer, by that time; above 100 % where a path needs fewer operations than counted.",
    "peak MiB: the most held beyond the idle process, or on the GPU, weights included. differs by: the largest difference",
    "from the reference path in float32, of values in 0 … 1, and as PSNR.",
)


def text(report: Report) -> str:
    """Tables of the machine's rates and of each candidate's figures."""
    about = report.machine
    where = about.get("gpu", f"{about['cpu']}, {about['threads']} threads")
    lines = [f"{about['system']}, {where}; torch {about['torch']}, Python {about['python']}", ""]
    machine = [("the machine itself", "matmul", "3×3 convolution", "copy")]
    machine += [(precision, *_rates(roof)) for precision, roof in report.roofline.items()]
    lines += [*_table(machine), ""]
    lines += _table([_HEAD, *(_cells(row, row.figures) for row in report.rows if row.figures is not None)])
    lines += [
        f"failed: {row.subject}, {row.precision}, {row.path}: {row.failure}" for row in report.rows if row.failure
    ]
    return "\n".join([*lines, "", *NOTES])


def as_plain(report: Report) -> dict[str, Any]:
    """The report as JSON can hold it: rates in operations or bytes a second, memory in bytes, times in seconds."""
    return {
        "format": FORMAT,
        "machine": report.machine,
        "options": asdict(report.options),
        "roofline": {precision: asdict(roof) for precision, roof in report.roofline.items()},
        "rows": [_plain_row(row) for row in report.rows],
    }


def _rates(roof: Roofline) -> tuple[str, str, str]:
    return (
        f"{roof.matmul / 1e9:,.0f} GFLOP/s",
        f"{roof.convolution / 1e9:,.0f} GFLOP/s",
        f"{roof.bandwidth / 1e9:,.1f} GB/s",
    )


def _cells(row: Row, figures: Figures) -> tuple[str, ...]:
    timing, memory, seconds = figures.timing, figures.memory, figures.seconds
    return (
        row.subject, row.precision, row.path, f"{seconds:.3f}",
        f"({timing.least / figures.batch:.3f} … {timing.most / figures.batch:.3f})", f"{figures.rate / 1e9:,.1f}",
        f"{figures.least_seconds / seconds:.0%}", f"{memory.beyond_idle / _MIB:,.0f}", f"{memory.weights / _MIB:,.0f}",
        _difference(figures),
    )  # fmt: skip


def _difference(figures: Figures) -> str:
    if figures.difference is None or figures.psnr is None:
        return "–"
    return f"{figures.difference:.1e}, {figures.psnr:.0f} dB" if figures.difference else "nothing"


def _plain_row(row: Row) -> dict[str, Any]:
    plain = asdict(row)
    if row.figures is None:
        return plain
    memory, psnr = row.figures.memory, row.figures.psnr
    derived = {name: getattr(memory, name) for name in ("weights", "beyond_idle", "beyond_ready")}
    plain["figures"] |= {
        "memory": {**plain["figures"]["memory"], **derived},
        "psnr": psnr
        if psnr is None or math.isfinite(psnr)
        else None,  # JSON has no infinity: a difference of 0 says it
        "seconds": row.figures.seconds,
        "rate": row.figures.rate,
    }
    return plain


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as need be: the first ones to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = (cell.rjust(width) if _is_figure(rows, index) else cell.ljust(width)
                 for index, (cell, width) in enumerate(zip(row, widths)))  # fmt: skip
        yield "  ".join(cells).rstrip()


def _is_figure(rows: Sequence[Sequence[str]], column: int) -> bool:
    return all(row[column][:1].isdigit() or row[column][:1] in "(–n" for row in rows[1:])
