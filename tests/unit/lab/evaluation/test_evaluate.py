"""A whole evaluation, in Python."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gpen_core.errors import ImageError, OptionError
from gpen_core.imaging.lanczos import resize_lanczos
from gpen_core.lab.degradation import RECIPES
from gpen_core.lab.evaluation import EvaluationOptions, NamedFace, evaluate, open_faces, open_pairs, write_report
from gpen_core.lab.evaluation.baselines import baselines_named
from gpen_core.lab.evaluation.cases import pick_cases
from gpen_core.lab.evaluation.evaluate import spread
from gpen_core.lab.evaluation.measure import Measured, SampleFigures, Tools, measure
from gpen_core.lab.evaluation.metrics import MetricSet, frechet_distance, psnr
from gpen_core.lab.evaluation.metrics.fid import Fid
from gpen_core.lab.evaluation.metrics.fidelity import PSNR
from gpen_core.lab.evaluation.report import Section
from gpen_core.lab.evaluation.samples import DegradedFaces
from gpen_core.lab.evaluation.severity import severity
from gpen_core.pipeline.hooks import silent

PLAIN = EvaluationOptions(metrics=("psnr", "ssim"), cases=1)


def written(report, folder):
    return {path.name: path.read_bytes() for path in write_report(report, folder)}


def test_two_runs_write_the_same_bytes(checkpoint, folder, tmp_path):
    from gpen_core import load_checkpoint

    options = replace(PLAIN, severities=("recipe", "heavy"), sweeps=("noise",), sweep_faces=2)
    runs = [
        written(evaluate(load_checkpoint(checkpoint), open_faces(folder), options), tmp_path / name) for name in "ab"
    ]
    assert set(runs[0]) == {"report.json", "samples.csv", "index.html"} and runs[0] == runs[1]
    other = evaluate(load_checkpoint(checkpoint), open_faces(folder), replace(options, seed=1))
    assert written(other, tmp_path / "c")["samples.csv"] != runs[0]["samples.csv"]


def test_a_model_that_does_nothing_has_the_inputs_figures(echo, five):
    section = evaluate(echo(), five, PLAIN).sections[0]
    for sample in section.measured.samples:
        assert sample.rows["restored"] == sample.rows["input"]
    assert section.gain("psnr") == 0 and section.mean("psnr") == section.mean("psnr", "input")


def test_figures_are_means_over_the_faces_against_the_targets(echo, five):
    """By hand, of light noise alone: the target is the face itself, resized."""
    report = evaluate(echo(), five, replace(PLAIN, severities=(), sweeps=("noise",), sweep_faces=0))
    value, section = report.curves[0].points[-1]
    assert len(section.measured.samples) == 5 and value == 50
    targets = [resize_lanczos(face.pixels, (64, 64)) for face in five]
    clipped = [(t + torch.randn(t.shape) * 50 / 255).clamp(0, 1) for t in targets]  # other noise of the same strength
    wanted = np.mean([float(psnr(a[None], b[None])) for a, b in zip(clipped, targets)])
    assert section.mean("psnr", "input") == pytest.approx(wanted, abs=0.2)
    assert section.measured.samples[0].degradation.noise_sigma == 50


def test_a_faces_figures_do_not_depend_on_its_company(echo, five):
    every, some = (evaluate(echo(), faces, PLAIN).sections[0].measured.samples for faces in (five, five[2:]))
    for one, other in zip(every[2:], some, strict=True):
        assert one.name == other.name
        for variant, row in one.rows.items():
            assert other.rows[variant] == pytest.approx(row, abs=1e-5)


def test_the_best_baseline_has_the_best_mean_psnr_and_alone_gets_the_slow_metrics(echo, five):
    options = replace(PLAIN, metrics=("psnr", "landmarks"), severities=("heavy",))
    section = evaluate(echo(256), five[:2], options).sections[0]
    best = section.measured.best_baseline
    means = {name: section.mean("psnr", name) for name in options.baselines}
    assert means[best] == max(means.values()) and len(set(means.values())) == 4
    assert {name for name in section.variants if section.tried(name, "landmarks")} == {"input", "restored", best}
    assert not section.tried("original", "psnr")


def test_harder_severities_have_worse_inputs(echo, five):
    report = evaluate(echo(), five, replace(PLAIN, severities=("light", "medium", "heavy"), baselines=()))
    for metric in ("psnr", "ssim"):
        light, medium, heavy = (report.mean(metric, "input", name) for name in ("light", "medium", "heavy"))
        assert light > medium > heavy
    assert report.sections[0].measured.best_baseline is None


def test_an_upscaling_model_is_measured_at_its_output_size(echo, five):
    report = evaluate(echo(64, 256), five[:2], replace(PLAIN, metrics=("psnr", "ms_ssim")))
    case = report.sections[0].cases[0]
    assert {picture.shape for picture in case.pictures.values()} == {(3, 256, 256)}
    assert report.absent == () and report.mean("ms_ssim") > 0


def test_memory_is_bounded_by_the_batch(echo, five):
    model = echo()
    evaluate(model, five, replace(PLAIN, batch_size=2, cases=0))
    assert model.seen == [2, 2, 1]
    assert [EvaluationOptions().faces_at_once(side) for side in (64, 512, 1024, 2048)] == [4, 4, 1, 1]


def test_progress_is_told_and_can_end_the_run(echo, five):
    told = []
    options = replace(PLAIN, sweeps=("jpeg",), sweep_faces=2, cases=0)
    evaluate(echo(), five, options, progress=lambda *step: told.append(step))
    assert told[:2] == [("recipe", 4, 5), ("recipe", 5, 5)]
    assert told[2] == ("sweep: jpeg", 2, 18) and told[-1] == ("sweep: jpeg", 18, 18)

    def stop(stage, done, total, preview=None):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(echo(), five, options, progress=stop)


def test_the_quick_way_measures_two_metrics_of_input_and_restored_only(echo, five):
    model = echo()
    report = evaluate(model, five, EvaluationOptions.quick())
    assert report.sections[0].variants == ("input", "restored", "original") and sum(model.seen) == 5
    assert [info.name for info in report.metrics] == ["psnr", "ssim"] and report.sections[0].cases == ()


def test_the_quick_way_reads_and_degrades_each_face_once(echo, five):
    class Counted(list):
        turns = 0

        def __iter__(self):
            self.turns += 1
            return super().__iter__()

    faces = Counted(five)
    evaluate(echo(), faces, EvaluationOptions.quick())
    assert faces.turns == 1


def test_pairs_are_taken_as_they_are(echo, folder, tmp_path):
    from PIL import Image

    low = tmp_path / "low"
    low.mkdir()
    for path in folder.iterdir():
        Image.open(path).resize((32, 32)).save(low / path.name)
    report = evaluate(echo(128), (), PLAIN, pairs=open_pairs(low, folder))
    assert [section.name for section in report.sections] == ["pairs"]
    same = evaluate(echo(128), (), PLAIN, pairs=open_pairs(folder, folder))
    assert same.mean("psnr") == 100 > report.mean("psnr") and same.mean("ssim") == pytest.approx(1)
    assert report.about["data"]["pairs"]["low"]["count"] == 5


def test_skipped_files_are_in_the_report(echo, folder):
    (folder / "corrupt.jpg").write_bytes(b"no picture")
    report = evaluate(echo(), open_faces(folder), replace(PLAIN, cases=0))
    assert [entry.name for entry in report.skipped] == ["corrupt.jpg"]
    assert report.about["data"]["faces"] == {
        "folder": "clean", "count": 5, "skipped": 1, "gray": 0, "smallest_side": 128,
    }  # fmt: skip


def test_nothing_to_evaluate_with_is_an_error(echo):
    with pytest.raises(ImageError, match="no faces to evaluate with"):
        evaluate(echo())


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"metrics": ("psnr", "beauty")}, "no metric is called 'beauty'"),
        ({"severities": ("brutal",)}, "no severity is called 'brutal'"),
        ({"sweeps": ("rain",)}, "no sweep is called 'rain'"),
        ({"baselines": ("wavelets",)}, "no baseline is called 'wavelets'"),
        ({"batch_size": -1}, "at least 0"),
    ],
)
def test_unknown_options_are_refused(option, message):
    with pytest.raises(OptionError, match=message):
        EvaluationOptions(**option)


def test_cases_are_the_best_the_middle_and_the_worst_by_what_was_gained():
    gains = [3.0, -2.0, 0.5, 7.0, 1.0]
    samples = [SampleFigures(str(g), None, {"input": {"psnr": 20.0}, "restored": {"psnr": 20 + g}}) for g in gains]
    chosen = pick_cases(Measured(tuple(samples), {}, None), 1)
    assert {gains[number]: kind for number, kind in chosen.items()} == {7.0: "best", 1.0: "median", -2.0: "worst"}
    assert len(pick_cases(Measured(tuple(samples), {}, None), 2)) == 5  # none twice
    assert pick_cases(Measured(tuple(samples), {}, None), 0) == {}


def test_a_part_of_the_faces_is_spread_over_all(five, folder):
    assert [face.name for face in spread(five, 2)] == ["0.png", "2.png"]
    assert [face.name for face in spread(open_faces(folder), 2)] == ["0.png", "2.png"]
    assert spread(five, 0) is five and spread(five, 9) is five


def test_names_of_any_kind_are_kept_apart(echo, five):
    faces = [NamedFace("ü\udcff.png", five[0].pixels), five[1]]
    assert len(evaluate(echo(), faces, PLAIN).sections[0].measured.samples) == 2


def test_a_figure_of_the_set_compares_all_faces_with_all_originals(echo, five):
    """FID's arithmetic, over the pictures' mean colors instead of Inception's features, in several batches."""
    fid = Fid(lambda pictures: pictures.mean((2, 3)))
    tools = Tools(echo(), MetricSet((PSNR,), (fid,)), baselines_named(("bicubic", "median3")), 2, silent)
    samples = DegradedFaces(five, tools.sizes, severity(RECIPES["released"], "heavy"), 0)
    section = Section("heavy", measure(samples, tools, "heavy", 5))
    best = section.measured.best_baseline
    assert set(section.measured.of_set) == {"input", "restored", best}
    every = list(samples)
    low, clean = (fid.features(torch.stack([getattr(s, name) for s in every])) for name in ("low", "target"))
    assert section.mean("fid", "input") == pytest.approx(frechet_distance(low, clean), rel=1e-4)
    assert section.mean("fid") == section.mean("fid", "input") and section.summary(best, "fid").deviation is None


def test_degraded_faces_look_less_natural_than_their_originals(echo, faces, shared_weights):
    """Of real faces with NIQE as published: the original looks more natural than what was made of it."""
    chosen = open_faces(faces, limit=2, seed=3)
    options = EvaluationOptions(metrics=("psnr", "niqe"), severities=("heavy",), cases=0, folders=(shared_weights,))
    section = evaluate(echo(256), chosen, options).sections[0]
    assert section.mean("niqe", "original") + 2 < section.mean("niqe", "input")
