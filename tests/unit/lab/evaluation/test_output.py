"""The report's files."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpen_core.lab.evaluation import EvaluationOptions, NamedFace, evaluate, write_report
from gpen_core.lab.evaluation.charts import Line, line_chart, nice_ticks, scatter_chart
from gpen_core.lab.evaluation.page import page
from gpen_core.lab.evaluation.writing import as_plain, samples_csv

OPTIONS = EvaluationOptions(
    metrics=("psnr", "ssim", "niqe", "lpips"), severities=("recipe", "light"), sweeps=("noise", "jpeg"), sweep_faces=2,
    cases=1,
)  # fmt: skip
VOID = {"meta", "img"}


@pytest.fixture(scope="module")
def report(echo, five):
    faces = [NamedFace('<script>alert("x")</script>&.png', five[0].pixels), *five[1:]]
    return evaluate(echo(), faces, OPTIONS)


class Parsed(HTMLParser):
    """Every tag with its attributes; fails where they are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_needs_nothing_else_and_runs_nothing(report):
    tags = Parsed(page(report)).tags
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in tags}
    addresses = [value for _, found in tags for name, value in found.items() if name in ("src", "href", "xlink:href")]
    assert len(addresses) >= 2 * 3 * 4 and all(address.startswith("data:image/jpeg;base64,") for address in addresses)
    assert "url(" not in page(report) and "@import" not in page(report)


def test_names_cannot_break_the_page(report):
    text = page(report)
    assert "<script" not in text and "&lt;script&gt;alert" in text


def test_the_page_says_what_was_measured_how_and_what_was_not(report):
    text = page(report)
    for part in (
        "degraded input",
        "restored",
        "median 5×5",
        "Best baseline",
        "Gaussian window",
        "not measured: lpips",
    ):
        assert part in text
    charts = [tag for tag, _ in Parsed(text).tags if tag == "svg"]
    assert len(charts) == 2 * 2 + 2 * 2  # PSNR and SSIM: of each section, and of each sweep


def test_the_json_file_holds_every_mean_and_what_is_absent(report):
    found = json.loads(json.dumps(as_plain(report), allow_nan=False))
    assert set(found["absent"]) == {"niqe", "lpips"} and found["metrics"]["psnr"]["better"] == "higher"
    section = found["sections"]["light"]
    assert section["count"] == 5 and section["best_baseline"] in OPTIONS.baselines
    best = section["best_baseline"]
    for metric in ("psnr", "ssim"):
        figures = {variant: row[metric]["mean"] for variant, row in section["figures"].items() if metric in row}
        assert set(figures) == {"input", "restored", *OPTIONS.baselines}
        assert section["gain"]["over_input"][metric] == pytest.approx(figures["restored"] - figures["input"], abs=2e-5)
        assert section["gain"][f"over_{best}"][metric] == pytest.approx(figures["restored"] - figures[best], abs=2e-5)
    assert [point["value"] for point in found["sweeps"]["jpeg"]["points"]][:2] == [95, 85]
    assert found["versions"]["gpen_core"] and found["model"] == {"name": "echo", "input_size": 64, "output_size": 64}


def test_the_table_has_a_line_for_each_face_and_its_means_are_the_reports(report):
    rows = list(csv.DictReader(io.StringIO(samples_csv(report))))
    assert [row["severity"] for row in rows] == ["recipe"] * 5 + ["light"] * 5
    light = [float(row["restored_ssim"]) for row in rows if row["severity"] == "light"]
    assert sum(light) / 5 == pytest.approx(report.mean("ssim", section="light"), abs=1e-5)
    how = report.section("light").measured.samples[2].degradation
    assert float(rows[7]["downsample"]) == pytest.approx(how.downsample, abs=1e-5)
    assert int(rows[7]["jpeg_quality"]) == how.jpeg_quality and rows[7]["length"] == ""


def test_nothing_in_the_files_says_when_or_where(report, tmp_path):
    for path in write_report(report, tmp_path / "deep" / "report"):
        text = re.sub(r"base64,[^\"]*", "", path.read_text(encoding="utf-8"))
        assert str(tmp_path) not in text and not re.search(r"\b20\d\d-\d\d-\d\d\b", text)


def test_a_figure_that_no_face_has_is_none_and_not_nought(echo, five):
    """Of upside-down, flat pictures no landmarks are found."""
    flat = [NamedFace("flat", five[0].pixels * 0 + 0.5)]
    report = evaluate(echo(), flat, EvaluationOptions(metrics=("psnr", "landmarks"), cases=0))
    assert as_plain(report)["sections"]["recipe"]["figures"]["restored"]["landmarks"] == {"measured": 0}
    assert "none measured" in page(report) and report.mean("landmarks") is None
    assert report.sections[0].share_better(report.metrics[1]) is None


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=8))
def test_ticks_are_even_and_span_the_values(values):
    ticks = nice_ticks(values)
    steps = [b - a for a, b in pairwise(ticks)]
    assert 2 <= len(ticks) <= 7 and max(steps) - min(steps) < 1e-6 * max(1, *map(abs, ticks))
    slack = 1e-6 * max(1, *map(abs, values))
    assert ticks[0] <= min(values) + slack and ticks[-1] >= max(values) - slack


def drawn(chart):
    return ElementTree.fromstring(chart)  # noqa: S314 - our own


def test_charts_are_well_formed_and_draw_every_value_there_is():
    lines = [Line("a & b", "#123456", (1.0, None, 3.0)), Line("c", "#abcdef", (2.0, 2.5, 2.0))]
    tree = drawn(line_chart("T < U", ["1", "2", "3"], "places", lines))
    assert len(tree.findall("circle")) == 5 and len(tree.findall("polyline")) == 2
    heights = [float(circle.get("cy")) for circle in tree.findall("circle")]
    assert heights[1] < heights[0]  # 3 is drawn above 1
    tree = drawn(scatter_chart("T", "x", [(1.0, 2.0), (3.0, 3.0)], "#123456"))
    assert len(tree.findall("circle")) == 2
    assert drawn(scatter_chart("T", "x", [], "#123456")) is not None
