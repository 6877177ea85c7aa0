"""The command on a tiny real network, and its report."""

import json
import math
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from gpen_core.cli import main
from gpen_core.errors import OptionError
from gpen_core.lab.benchmark.chart import svg
from gpen_core.lab.benchmark.cost import flops
from gpen_core.lab.benchmark.memory import Memory
from gpen_core.lab.benchmark.paths import PATHS
from gpen_core.lab.benchmark.report import as_plain, text
from gpen_core.lab.benchmark.roofline import Roofline
from gpen_core.lab.benchmark.run import BenchmarkOptions, Report, about_machine
from gpen_core.lab.benchmark.subjects import present_subjects, random_crops, random_network, random_subjects
from gpen_core.lab.benchmark.timing import Timing
from gpen_core.lab.benchmark.turns import Figures, Row, compared
from gpen_core.model import GpenConfig
from gpen_core.tasks import TASKS

ROOF = Roofline(matmul=2e11, convolution=1e11, bandwidth=2e10)
MEMORY = Memory(idle=0, loading=2**20, ready=2**20, running=3 * 2**20)


@pytest.fixture
def report():
    figures = Figures(1, Timing((2.0, 1.0, 3.0)), MEMORY, 4e11, 1e9, 0.5, 0.0, math.inf)
    rows = (
        Row("512 px", "reference", "float32", figures),
        Row('<odd> & "name"', "reference", "bfloat16", replace(figures, batch=2, difference=0.1, psnr=30.0)),
        Row("2048 px", "reference", "float32", failure="no memory"),
    )
    machine = about_machine(torch.device("cpu"), 2)
    return Report(machine, BenchmarkOptions(), {"float32": ROOF, "bfloat16": ROOF}, rows)


@pytest.fixture
def unshifted_model(tiny_model):
    return replace(tiny_model, task=TASKS["seg2face"])


def test_the_command_measures_what_it_can_and_writes_what_it_found(checkpoint, tmp_path, capsys):
    damaged, found, plot = tmp_path / "damaged.pth", tmp_path / "out" / "found.json", tmp_path / "found.svg"
    damaged.write_bytes(checkpoint.read_bytes()[:1000])
    arguments = ["--model", str(damaged), "--model", str(checkpoint), "--precision", "float32", "--batch", "2"]
    arguments += ["--path", "reference"]
    arguments += ["--runs", "1", "--warmup", "0", "--threads", "1", "--device", "cpu"]
    assert main(["benchmark", *arguments, "--json", str(found), "--plot", str(plot)]) == 1  # one could not be measured
    assert "GFLOP/s" in capsys.readouterr().out
    plain = json.loads(found.read_text())
    failed, measured = plain["rows"]
    assert failed["subject"] == "damaged" and failed["figures"] is None and "damaged.pth" in failed["failure"]
    figures, config = measured["figures"], GpenConfig.published(64, narrow=1 / 32, style_dim=32, mapping_layers=2)
    assert (measured["subject"], measured["path"], measured["failure"]) == ("tiny", "reference", None)
    assert figures["difference"] == 0 and figures["flops"] == flops(config)
    assert figures["seconds"] == figures["timing"]["seconds"][0] / 2  # of a batch of two
    assert figures["rate"] == pytest.approx(flops(config) / figures["seconds"])
    assert all(rate > 0 for roof in plain["roofline"].values() for rate in roof.values())
    assert len(ElementTree.parse(plot).findall(".//{*}line")) == 1  # noqa: S314 - our own


def test_results_are_compared_by_their_largest_and_their_mean_square_difference():
    expected = np.zeros((1, 3, 2, 2), np.float32)
    result = expected.copy()
    result[0, 0] = 0.2
    difference, psnr = compared(result, expected)
    assert difference == pytest.approx(0.2) and psnr == pytest.approx(-10 * math.log10(0.04 / 3))
    assert compared(expected, expected) == (0, math.inf)
    assert compared(expected, None) == (None, None)


def test_every_figure_is_in_the_text(report):
    lines = text(report).splitlines()
    measured = next(line for line in lines if line.startswith("512 px"))
    assert measured.split() == ["512", "px", "float32", "reference", "2.000", "(1.000", "…", "3.000)", "200.0", "25%", "3",
                                "1", "nothing"]  # fmt: skip
    assert next(line for line in lines if line.startswith("<odd>")).endswith("1.0e-01, 30 dB")
    assert "failed: 2048 px, float32, reference: no memory" in lines


def test_the_plain_report_is_json(report):
    plain = json.loads(json.dumps(as_plain(report), allow_nan=False))
    assert plain["rows"][1]["figures"]["seconds"] == 1.0
    assert plain["rows"][2] == {**plain["rows"][2], "figures": None, "failure": "no memory"}


def test_bars_are_as_long_as_faces_take_and_names_are_text(report):
    drawn = ElementTree.fromstring(svg(report))  # noqa: S314 - our own
    first, second = (float(bar.get("width")) for bar in drawn.findall("{*}rect")[1:])
    assert first == pytest.approx(2 * second, rel=1e-3)
    assert '<odd> & "name"' in "".join(drawn.itertext())


def test_a_plot_that_cannot_be_drawn_is_refused_before_anything_is_measured(capsys):
    assert main(["benchmark", "--plot", "found.png"]) == 1
    assert ".svg" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", [{"runs": 0}, {"batch": 0}, {"threads": -1}, {"precisions": ("int8",)}, {"paths": ("x",)}]
)
def test_options_that_cannot_be_are_refused(wrong):
    with pytest.raises(OptionError):
        BenchmarkOptions(**wrong)


def test_what_is_on_the_machine_is_measured_and_the_bundled_model_always(checkpoint, tmp_path):
    assert [subject.name for subject in present_subjects([tmp_path])] == ["bundled"]
    (tmp_path / "GPEN-BFR-512.pth").write_bytes(checkpoint.read_bytes())
    subjects = present_subjects([tmp_path])
    assert [subject.name for subject in subjects] == ["bundled", "GPEN-BFR-512"]
    assert subjects[1].config.input_size == 64  # what is in the file, whatever it is called


def test_random_weights_are_called_what_they_are():
    subject = random_subjects([2048])[0]
    assert "random weights" in subject.name and subject.config == GpenConfig.published(2048)
    with pytest.raises(OptionError, match="300"):
        random_subjects([300])


def test_random_networks_are_repeatable_leave_no_part_idle_and_the_random_state_alone():
    config = GpenConfig.published(16, narrow=1 / 64, style_dim=8, mapping_layers=1)
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, second = random_network(config).state_dict(), random_network(config).state_dict()
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(value, second[key]) for key, value in first.items())
    assert all(value.all() for key, value in first.items() if key.endswith("noise.weight"))


@pytest.mark.parametrize("model", ["tiny_model", "unshifted_model"])
def test_every_path_leads_to_the_same_faces(model, request):
    model = request.getfixturevalue(model)
    crops = random_crops(32, 2)
    reference, *others = (path(model, crops) for path in PATHS.values())
    assert reference.shape == (2, 3, 32, 32) and reference.std() > 0.01
    assert all(torch.allclose(reference, other, atol=1e-4) for other in others)


def test_random_crops_are_pictures():
    crops = random_crops(64, 2)
    assert crops.shape == (2, 3, 64, 64) and crops.min() >= 0 and crops.max() <= 1
    assert torch.equal(crops, random_crops(64, 2)) and not torch.equal(crops[0], crops[1])
