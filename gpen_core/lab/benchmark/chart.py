"""The figures as a picture: a bar for each candidate's time, with the machine's roof in it. SVG, written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from types import MappingProxyType

from .run import Report
from .turns import Figures, Row

_WIDTH, _LEFT, _RIGHT, _TOP = 760, 300, 130, 54
_BAR, _STEP, _GROUP = 16, 22, 14  # heights: of a bar, from one to the next, and more between networks
# Told apart by the color-blind (Okabe & Ito 2008).
_COLORS = MappingProxyType({"float32": "#0072b2", "bfloat16": "#e69f00", "float16": "#009e73"})
_STYLE = "text{font:12px system-ui,sans-serif;fill:#222}.title{font-weight:700;font-size:14px}.small{font-size:11px}"


def svg(report: Report) -> str:
    """One bar a candidate, as long as a face takes; the dark line in it is what the machine's own rates would allow."""
    rows = [(row, row.figures) for row in report.rows if row.figures is not None]
    longest = max((figures.seconds for _, figures in rows), default=1.0)
    parts, y, before = [], _TOP, ""
    for row, figures in rows:
        y += _GROUP if before not in ("", row.subject) else 0
        parts.append(_bar(row, figures, y, (_WIDTH - _LEFT - _RIGHT) / longest))
        y, before = y + _STEP, row.subject
    return _page(report, parts, y + 8)


def _bar(row: Row, figures: Figures, y: float, scale: float) -> str:
    length, middle = figures.seconds * scale, y + _BAR / 2 + 4
    roof = _LEFT + min(figures.least_seconds * scale, length)
    label = f"{row.subject}, {row.precision}, {row.path}"
    return (
        f'<text x="{_LEFT - 8}" y="{middle:.1f}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR}" fill="{_COLORS[row.precision]}"/>'
        f'<line x1="{roof:.1f}" x2="{roof:.1f}" y1="{y - 2}" y2="{y + _BAR + 2}" stroke="#222" stroke-width="2"/>'
        f'<text x="{_LEFT + length + 6:.1f}" y="{middle:.1f}">{figures.seconds:.2f} s, '
        f"{figures.rate / 1e9:,.0f} GFLOP/s</text>"
    )


def _page(report: Report, parts: Sequence[str], height: float) -> str:
    about = report.machine
    where = about.get("gpu", f"{about['cpu']}, {about['threads']} threads")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" role="img">'
        f'<style>{_STYLE}</style><rect width="{_WIDTH}" height="{height:.0f}" fill="#fff"/>'
        f'<text x="12" y="20" class="title">Time for one face: {escape(str(where))}, torch {escape(str(about["torch"]))}</text>'
        f'<text x="12" y="38" class="small">Black lines: what the machine\'s own rates allow</text>'
        f"{''.join(parts)}</svg>\n"
    )
