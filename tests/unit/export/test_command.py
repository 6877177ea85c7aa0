"""The `export` command as a user types it."""

import onnx
import pytest

from gpen_core import load_checkpoint
from gpen_core.cli import main
from gpen_core.export import compare


def export(*arguments):
    return main(["export", *map(str, arguments)])


def test_a_checkpoint_becomes_an_onnx_file_that_an_engine_has_run(checkpoint, engine, tmp_path, capsys):
    path = tmp_path / "tiny.onnx"
    assert export("--model", checkpoint, "-o", path, "--check", engine) == 0
    assert all(parity.difference < 1e-4 for parity in compare(path, load_checkpoint(checkpoint), engine))
    said = capsys.readouterr()
    assert f"{path} (float32, opset 17" in said.out
    assert f"{engine}, batch of 1" in said.err and f"{engine}, batch of 3" in said.err


def test_precision_opset_and_task_are_the_users(checkpoint, tmp_path):
    path = tmp_path / "tiny.onnx"
    arguments = ("--precision", "float16", "--opset", 18, "--task", "seg2face")
    assert export("--model", checkpoint, "-o", path, *arguments) == 0
    proto = onnx.load(path)
    facts = {entry.key: entry.value for entry in proto.metadata_props}
    assert proto.opset_import[0].version == 18
    assert (facts["gpen.precision"], facts["gpen.task"]) == ("float16", "seg2face")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(("-o", "face.png"), "must end in .onnx"), (("-o", "face.onnx", "--opset", "99"), "opset: 13")],
)
def test_what_cannot_be_is_said_before_a_model_is_looked_for(arguments, complaint, capsys):
    assert export("--model", "no-such-model", *arguments) == 1
    assert complaint in capsys.readouterr().err
