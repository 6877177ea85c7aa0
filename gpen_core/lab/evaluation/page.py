"""A report as one web page that needs nothing else: no scripts, no fonts, nothing to be fetched."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from html import escape
from types import MappingProxyType

from torch import Tensor

from ...imaging.files import as_image
from ...imaging.lanczos import resize_lanczos
from .baselines import LABELS
from .charts import Line, line_chart, scatter_chart
from .measure import INPUT, ORIGINAL, RESTORED
from .metrics import MetricInfo
from .metrics.fidelity import CEILING
from .report import Case, Curve, Report, Section
from .summary import remarks

# Told apart by the color-blind (Okabe & Ito 2008).
COLORS = MappingProxyType({INPUT: "#888888", RESTORED: "#0072b2", "baseline": "#e69f00", ORIGINAL: "#009e73"})
SHOWN_SIDE = 384  # pixels; larger pictures are shrunk for the page
TITLES = MappingProxyType(
    {
        "recipe": "The whole recipe",
        "light": "Light: the mildest third of the recipe",
        "medium": "Medium: the middle third of the recipe",
        "heavy": "Heavy: the hardest third of the recipe",
        "pairs": "Pictures degraded elsewhere",
    }
)
STYLE = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:1240px;margin:2em auto;padding:0 1em}
table{border-collapse:collapse;margin:.6em 0}td,th{padding:.25em .8em;text-align:right;border-bottom:1px solid #8884}
td:first-child,th:first-child{text-align:left}.best{font-weight:700}.small{font-size:85%;opacity:.75}
.charts,.case{display:flex;flex-wrap:wrap;gap:.8em}.charts svg{width:380px;max-width:100%}
svg text{font:11px system-ui,sans-serif;fill:currentColor}svg .title{font-weight:700;font-size:13px}
figure{margin:0;width:24%;min-width:150px}figure img{width:100%;display:block}
.key{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 1em}
""".strip()


def page(report: Report) -> str:
    """The whole page as HTML."""
    model, count = report.about["model"], sum(len(section.measured.samples) for section in report.sections[:1])
    size, made = model["input_size"], model["output_size"]
    title = f"Evaluation of {model['name']}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{size} px in, {made} px out; {count} faces. Bold: the best of what was made of the degraded input.</p>",
        *(_section(report, section) for section in report.sections),
        *_sweeps(report),
        _notes(report),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def picture_address(picture: Tensor) -> str:
    """[3, H, W] RGB in [0, 1] → a data: address of it as JPEG, its side at most ``SHOWN_SIDE``."""
    side = min(SHOWN_SIDE, picture.shape[-1])
    file = io.BytesIO()
    as_image(resize_lanczos(picture, (side, side))).save(file, format="JPEG", quality=90, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _section(report: Report, section: Section) -> str:
    measured = section.measured
    best = measured.best_baseline
    said = f" Best baseline: {escape(LABELS[best])}." if best else ""
    parts = [
        f"<h2>{escape(TITLES.get(section.name, section.name))}</h2><p>{len(measured.samples)} faces.{said}</p>",
        _table(report, section),
        '<div class="charts">' + "".join(_scatters(report, section)) + "</div>",
        *(_case(case) for case in section.cases),
    ]
    return "\n".join(parts)


def _table(report: Report, section: Section) -> str:
    head = "".join(f"<th>{_heading(info)}</th>" for info in report.metrics)
    rows = "".join(
        f"<tr><td>{escape(LABELS[variant])}</td>"
        + "".join(_cell(section, variant, info) for info in report.metrics)
        + "</tr>"
        for variant in section.variants
    )
    shares = "".join(f"<td>{_percent(section.share_better(info))}</td>" for info in report.metrics)
    share = f'<tr class="small"><td>faces better than the input</td>{shares}</tr>'
    return f"<table><tr><th></th>{head}</tr>{rows}{share}</table>"


def _heading(info: MetricInfo) -> str:
    unit = f" ({escape(info.unit)})" if info.unit else ""
    return f"{escape(info.label)}{unit} {'↑' if info.higher_is_better else '↓'}"


def _cell(section: Section, variant: str, info: MetricInfo) -> str:
    found = section.summary(variant, info.name)
    if found is None:
        return f"<td>{'none measured' if section.tried(variant, info.name) else '–'}</td>"
    others = [m for v in section.variants if v != ORIGINAL and (m := section.mean(info.name, v)) is not None]
    leads = variant != ORIGINAL and found.mean == (max(others) if info.higher_is_better else min(others))
    count = len(section.measured.samples)
    note = f' <span class="small">of {found.measured}</span>' if found.measured < count else ""
    best = ' class="best"' if leads else ""
    return f"<td{best}>{found.mean:.{info.digits}f}{note}</td>"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _scatters(report: Report, section: Section) -> Iterator[str]:
    """Restored against input, of the metrics that every face has."""
    for info in report.metrics[:3]:
        rows = [sample.rows for sample in section.measured.samples]
        pairs = [(row[INPUT].get(info.name), row[RESTORED].get(info.name)) for row in rows]
        points = [(a, b) for a, b in pairs if a is not None and b is not None]
        if points:
            yield scatter_chart(f"{info.label}: restored over input", "degraded input", points, COLORS[RESTORED])


def _case(case: Case) -> str:
    figures = "".join(
        f'<figure><img alt="{escape(LABELS[name])}" src="{picture_address(shown)}">'
        f'<figcaption class="small">{escape(LABELS[name])}{_decibels(case, name)}</figcaption></figure>'
        for name, shown in case.pictures.items()
    )
    return f'<h3>{escape(case.kind)}: {escape(case.name)}</h3><div class="case">{figures}</div>'


def _decibels(case: Case, variant: str) -> str:
    psnr = case.rows[variant].get("psnr")
    return "" if psnr is None else f", {psnr:.2f} dB"


def _sweeps(report: Report) -> Iterator[str]:
    if not report.curves:
        return
    count = len(report.curves[0].points[0][1].measured.samples)
    keys = {INPUT: LABELS[INPUT], RESTORED: LABELS[RESTORED], "baseline": "best baseline of each point"}
    legend = "".join(f'<span class="key" style="background:{COLORS[key]}"></span>{text}' for key, text in keys.items())
    yield f"<h2>One degradation at a time</h2><p>{count} faces; from mild to hard, all else off.{legend}</p>"
    for curve in report.curves:
        charts = (_sweep_chart(curve, info) for info in report.metrics)
        yield '<div class="charts">' + "".join(chart for chart in charts if chart) + "</div>"


def _sweep_chart(curve: Curve, info: MetricInfo) -> str:
    sections = [section for _, section in curve.points]
    if all(section.mean(info.name) is None for section in sections):
        return ""
    variants = {INPUT: [INPUT] * len(sections), RESTORED: [RESTORED] * len(sections)}
    variants["baseline"] = [section.measured.best_baseline or "" for section in sections]
    lines = [
        Line(name, COLORS[name], tuple(_drawn(s, info, v) for s, v in zip(sections, chosen)))
        for name, chosen in variants.items()
        if chosen[0]
    ]
    places = [f"{value:g}" for value, _ in curve.points]
    unit = f" ({info.unit})" if info.unit else ""
    return line_chart(f"{info.label}{unit}", places, f"{curve.label}: {curve.unit}", lines)


def _drawn(section: Section, info: MetricInfo, variant: str) -> float | None:
    """None for a picture that nothing was done to: its figure would flatten all the others."""
    mean = section.mean(info.name, variant)
    return None if mean is not None and info.name == "psnr" and mean >= CEILING else mean


def _notes(report: Report) -> str:
    measured = "".join(f"<li><b>{escape(i.label)}</b>: {escape(i.convention)}</li>" for i in report.metrics)
    missing = "".join(f"<li>{escape(remark)}</li>" for remark in remarks(report))
    parts = [f"<h2>How it was measured</h2><ul>{measured}</ul>"]
    parts += [f"<h3>To be borne in mind</h3><ul>{missing}</ul>"] if missing else []
    run = escape(json.dumps(report.about, indent=1, ensure_ascii=False))
    return "\n".join(parts) + f'<h3>Run</h3><pre class="small">{run}</pre>'
