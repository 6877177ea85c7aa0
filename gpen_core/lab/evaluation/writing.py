"""A report as files: report.json, samples.csv, index.html. Nothing in them depends on when or where they were written."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...files import written_whole
from ..degradation import Degradation
from .measure import INPUT, ORIGINAL
from .page import page
from .report import Report, Section, Summary

DIGITS = 5  # decimals of every figure written: more is the arithmetic's noise
FORMAT = 1
PAGE = "index.html"
# What of a drawn degradation is worth a column; the angle and the kernel's side are not.
_DEGRADATION = ("blur", "sigma_1", "sigma_2", "length", "downsample", "noise_sigma", "jpeg_quality", "gray")


def write_report(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write the three files, each whole or not at all → their paths."""
    contents = {
        "report.json": json.dumps(as_plain(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n",
        "samples.csv": samples_csv(report),
        PAGE: page(report),
    }
    paths = []
    for name, text in contents.items():
        with written_whole(folder / name) as temporary:
            temporary.write_bytes(text.encode("utf-8", "backslashreplace"))
        paths.append(folder / name)
    return tuple(paths)


def as_plain(report: Report) -> dict[str, Any]:
    """The report as report.json holds it: plain values, without the pictures."""
    return {
        "format": FORMAT,
        **report.about,
        "metrics": {info.name: _info(info) for info in report.metrics},
        "absent": dict(report.absent),
        "skipped": [asdict(entry) for entry in report.skipped],
        "sections": {section.name: _section(report, section) for section in report.sections},
        "sweeps": {
            curve.name: {
                "label": curve.label,
                "unit": curve.unit,
                "points": [{"value": value, **_section(report, section)} for value, section in curve.points],
            }
            for curve in report.curves
        },
    }


def samples_csv(report: Report) -> str:
    """One line a face and severity: how it was degraded, and each figure of each variant. Empty: not measured."""
    columns = [
        (variant, info.name)
        for section in report.sections[:1]
        for variant in section.variants
        for info in report.metrics
        if variant != ORIGINAL or not info.reference
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["severity", "face", *_DEGRADATION, *(f"{variant}_{metric}" for variant, metric in columns)])
    for section in report.sections:
        for sample in section.measured.samples:
            figures = (sample.rows[variant].get(metric) for variant, metric in columns)
            writer.writerow([section.name, sample.name, *_how(sample.degradation), *map(_cell, figures)])
    return text.getvalue()


def _info(info: Any) -> dict[str, Any]:
    return {
        "label": info.label,
        "unit": info.unit,
        "better": "higher" if info.higher_is_better else "lower",
        "convention": info.convention,
    }


def _section(report: Report, section: Section) -> dict[str, Any]:
    best = section.measured.best_baseline
    names = [info.name for info in report.metrics]
    means = {
        variant: {name: _summary(section.summary(variant, name)) for name in names if section.tried(variant, name)}
        for variant in section.variants
    }
    others = [INPUT, *([best] if best else [])]
    return {
        "count": len(section.measured.samples),
        "best_baseline": best,
        "figures": means,
        "gain": {
            f"over_{other}": {
                name: round(gain, DIGITS) for name in names if (gain := section.gain(name, other)) is not None
            }
            for other in others
        },
        "share_better_than_input": {
            info.name: round(share, DIGITS)
            for info in report.metrics
            if (share := section.share_better(info)) is not None
        },
        **({"cases": [{"kind": c.kind, "face": c.name} for c in section.cases]} if section.cases else {}),
    }


def _summary(found: Summary | None) -> dict[str, float | int]:
    if found is None:
        return {"measured": 0}
    values = {"mean": found.mean, "deviation": found.deviation, "median": found.median}
    return {**{k: round(v, DIGITS) for k, v in values.items() if v is not None}, "measured": found.measured}


def _how(degradation: Degradation | None) -> Iterator[str]:
    if degradation is None:
        return iter([""] * len(_DEGRADATION))
    d = degradation
    gaussian = d.blur == "gaussian"
    values = (
        d.blur, d.sigma[0] if gaussian else None, d.sigma[1] if gaussian else None,
        d.length if d.blur == "motion" else None, d.downsample, d.noise_sigma, d.jpeg_quality, int(d.gray),
    )  # fmt: skip
    return map(_cell, values)


def _cell(value: float | str | None) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return str(value if isinstance(value, int) else round(value, DIGITS))
