"""Small charts as inline SVG: lines over ordered values, and points against a diagonal. Sizes are in user units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 380, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 28, 46  # room for the axes' labels


@dataclass(frozen=True)
class Line:
    """``values``: one for each place of the horizontal axis, None where there is none. ``color``: a CSS color."""

    label: str
    color: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class _Scale:
    """From values to user units."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def line_chart(title: str, places: Sequence[str], place_label: str, lines: Sequence[Line]) -> str:
    """One line for each series over evenly spaced places."""
    ticks = nice_ticks([value for line in lines for value in line.values if value is not None])
    y = _Scale(ticks[0], ticks[-1], HEIGHT - _BOTTOM, _TOP)
    x = _Scale(0, max(1, len(places) - 1), _LEFT + 8, WIDTH - _RIGHT - 8)
    parts = [_horizontals(ticks, y)]
    parts += [_text(x(index), HEIGHT - _BOTTOM + 15, place) for index, place in enumerate(places)]
    for line in lines:
        points = [(x(index), y(value)) for index, value in enumerate(line.values) if value is not None]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{line.color}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{px:.1f}" cy="{py:.1f}" r="2.5" fill="{line.color}"><title>{escape(line.label)}</title></circle>'
            for px, py in points
        ]
    return _chart(title, place_label, parts)


def scatter_chart(title: str, x_label: str, points: Sequence[tuple[float, float]], color: str) -> str:
    """Points (before, after) and the diagonal on which nothing changed."""
    ticks = nice_ticks([value for point in points for value in point])
    y = _Scale(ticks[0], ticks[-1], HEIGHT - _BOTTOM, _TOP)
    x = _Scale(ticks[0], ticks[-1], _LEFT, WIDTH - _RIGHT)
    parts = [_horizontals(ticks, y)]
    parts += [_text(x(tick), HEIGHT - _BOTTOM + 15, _number(tick)) for tick in ticks]
    ends = f'x1="{x(ticks[0]):.1f}" y1="{y(ticks[0]):.1f}" x2="{x(ticks[-1]):.1f}" y2="{y(ticks[-1]):.1f}"'
    parts.append(f'<line {ends} stroke="#999" stroke-dasharray="4 3"/>')
    parts += [f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="2.5" fill="{color}" fill-opacity="0.6"/>' for a, b in points]
    return _chart(title, x_label, parts)


def nice_ticks(values: Sequence[float], wanted: int = 5) -> list[float]:
    """Round numbers from at or below the least value to at or above the greatest, at least two of them."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / (wanted - 1)
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _chart(title: str, x_label: str, parts: Sequence[str]) -> str:
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'<text x="{_LEFT}" y="16" class="title">{escape(title)}</text>'
        f"{''.join(parts)}{_text(middle, HEIGHT - 10, x_label)}</svg>"
    )


def _horizontals(ticks: Sequence[float], y: _Scale) -> str:
    return "".join(
        f'<line x1="{_LEFT}" y1="{y(tick):.1f}" x2="{WIDTH - _RIGHT}" y2="{y(tick):.1f}" stroke="#8884"/>'
        f'<text x="{_LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{_number(tick)}</text>'
        for tick in ticks
    )


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{escape(text)}</text>'


def _number(value: float) -> str:
    return f"{value:.6g}"
