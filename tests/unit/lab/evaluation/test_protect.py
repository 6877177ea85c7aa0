"""`evaluate --protect`: what is taken of restorations, and how well faces are ordered by their quality."""

import json

import pytest
import torch
from PIL import Image

from gpen_core.cli import main
from gpen_core.faces.quality import load_quality
from gpen_core.lab.evaluation.faces import NamedFace
from gpen_core.lab.evaluation.protect import LEVELS, ProtectTest
from gpen_core.lab.evaluation.protect_tables import tables
from gpen_core.pipeline.hooks import silent


@pytest.fixture(scope="module")
def cut(astronaut):
    """Three sharp pictures of 256 px."""
    return [NamedFace(str(left), astronaut[:, 10:266, left : left + 256]) for left in (60, 90, 120)]


def test_taking_any_share_of_an_unchanged_face_changes_no_figure(cut, echo):
    report = ProtectTest(echo(256), load_quality(), None, silent).run(cut)
    assert [row.level for row in report.rows] == list(LEVELS)
    for row in report.rows:
        before, restored, taken = row.psnr
        assert before == restored == taken and row.identity == (None, None, None)
    strengths = [row.strength for row in report.rows]
    assert strengths == sorted(strengths)
    assert (
        report.ranks["severity"] > 0.5 and report.ranks["noise"] > 0.9 and set(report.ranks) >= {"defocus", "low light"}
    )
    text = tables(report)
    assert all(f"| {level} |" in text for level in LEVELS) and "| motion blur |" in text


def test_what_is_taken_lies_between_the_input_and_what_the_model_makes(cut, tiny_model):
    report = ProtectTest(tiny_model, load_quality(), None, silent).run(cut[:1])
    for row in report.rows:
        before, restored, taken = row.psnr
        assert min(before, restored) - 1e-4 <= taken
        assert restored <= before  # random weights restore nothing


def test_the_command_writes_both_files(tmp_path, cut, checkpoint, capsys):
    for face in cut[:1]:
        Image.fromarray((face.pixels.movedim(0, -1) * 255).byte().numpy()).save(tmp_path / f"{face.name}.png")
    out = tmp_path / "report"
    arguments = ["evaluate", "--protect", "--data", str(tmp_path), "--model", str(checkpoint), "--device", "cpu"]
    assert main([*arguments, "-o", str(out)]) == 0
    written = json.loads((out / "protect.json").read_text(encoding="utf-8"))
    assert written["faces"] == 1 and len(written["rows"]) == 4
    assert (out / "protect.md").read_text(encoding="utf-8") in capsys.readouterr().out
    assert torch.tensor([row["strength"] for row in written["rows"]]).diff().min() >= 0
