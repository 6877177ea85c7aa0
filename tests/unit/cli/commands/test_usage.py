"""The command line as a user types it: mistakes, streams and encodings."""

import argparse
import io
import os
import subprocess
import sys

import pytest
import torch
from PIL import Image

import gpen_core
from gpen_core.cli import _parser, main
from gpen_core.devices import device_names
from gpen_core.imaging.files import load_picture


def restore(*arguments):
    return main(["restore", *map(str, arguments)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing.png", "-o", "o.png"), "'missing.png': no image found"),
        (("{in}", "{in}", "-o", "{in}"), "is the input itself"),
        (("{in}", "-o", "o.png", "--strength", "2"), "strength must be from 0 to 1"),
        (("{in}", "-o", "o.png", "--scale", "99"), "scale must be"),
        (("{in}", "-o", "o.gif"), "is an image: name the result like one"),
        (("{in}", "-o", "o.bmp"), "cannot write '.bmp' files"),
        (("{in}", "-o", "o.png", "--detector", "yolo"), "yolo: neither a file nor a detector"),
        (("{in}", "-o", "o.png", "--device", "tpu"), "device 'tpu' cannot be used"),
        (("{in}", "-o", "o.png", "--mask", "parsing"), "parsing_parsenet.pth is not installed"),
        (("{in}", "-o", "o.png", "--task", "magic"), "unknown task 'magic'"),
        (("{in}", "-o", "o.png", "--regions", "elbow=1"), "no region of a face is called 'elbow'"),
        (("{in}", "-o", "o.png", "--regions", "eyes"), "Write them as eyes=1,skin=0.5,rest=0"),
        (("{in}", "-o", "o.png", "--grain", "2"), "grain must be from 0 to 1"),
    ],
)
def test_wrong_usage_ends_in_one_clear_line(portrait, checkpoint, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    filled = [argument.replace("{in}", str(portrait)) for argument in arguments]
    assert restore(*filled, "--model", checkpoint) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "o.png").exists()


def test_no_command_is_wrong_usage():
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--scale", "big"), "'big'"),
        (("--strength", "much"), "'much'"),
        (("--memory", "1.5"), "'1.5'"),
        (("--quality", "500"), "'500'"),
        (("--max-input-megapixels", "inf"), "'inf'"),
        (("--color", "blue"), "'blue'"),
        (("--modle", "x"), "There is no --modle: did you mean --model"),
        (("--upscale", "2"), "There is no --upscale: did you mean --upscaler or --scale"),
        (("--over",), "There is no --over: did you mean --overwrite"),
        (("--max-faces", "-3"), "-3"),
        (("--min-face", "nan"), "nan"),
        (("--device", "cude"), "'cude'"),
        (("--model", ""), "--model: it is empty"),
        (("--detector", " "), "--detector: it is empty"),
        (("-o", ""), "--output: it is empty"),
    ],
)
def test_a_wrong_option_is_one_line_that_names_what_was_typed(portrait, checkpoint, tmp_path, capsys, arguments, words):
    try:
        assert restore(portrait, "-o", tmp_path / "out.png", "--model", checkpoint, *arguments) == 1
    except SystemExit as ended:
        assert ended.code == 2
    said = capsys.readouterr()
    assert not said.out and said.err.startswith("error: ") and said.err.count("\n") == 1 and words in said.err


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("x.png", "-o", "o", "--a\nb"), r"--a\nb"),
        (("x\n\x1b[2J.png", "-o", "o"), r"x\n\x1b[2J.png"),
        (("n" * 300 + ".png", "-o", "o"), "is longer than a file's name can be"),
        (("{in}", "-o", "n" * 300 + ".png"), "is longer than a file's name can be"),
        (("{in}", "-o", "o", "--report", "n" * 300 + ".html"), "is longer than a file's name can be"),
        (("{in}", "-o", "o", "--background", "n" * 300), "no such file or folder"),
    ],
)
def test_line_breaks_and_endless_names_leave_errors_one_line(portrait, tmp_path, monkeypatch, capsys, arguments, shown):
    monkeypatch.chdir(tmp_path)
    try:
        assert restore(*(argument.replace("{in}", str(portrait)) for argument in arguments)) == 1
    except SystemExit as ended:
        assert ended.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1 and shown in said


def commands_of(parser):
    found = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return [parser, *found.choices.values()]


def actions(parser):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from actions(command)
        elif action.nargs != 0 and action.choices is None:
            yield pytest.param(action.type, id=f"{parser.prog.split()[-1]} {action.option_strings or action.dest}")


@pytest.mark.parametrize("read", list(actions(_parser([]))))
@pytest.mark.parametrize("text", ["", " "])
def test_nothing_is_no_value_of_any_argument(read, text):
    """Neither this folder nor the usual: a script hands over nothing for a variable that is not set."""
    assert read is not None
    with pytest.raises((argparse.ArgumentTypeError, ValueError)):
        read(text)


def test_an_empty_input_is_not_this_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save("a.png")
    with pytest.raises(SystemExit):
        restore("", "-o", "out")
    assert "INPUT: it is empty" in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name != "posix", reason="streams are closed by a POSIX shell")
@pytest.mark.parametrize(
    ("streams", "environment"),
    [
        ("<&- >&- 2>&-", {}),
        (">&-", {}),
        ("2>&-", {}),
        ("", {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}),
        ("", {"HOME": "/nowhere at all"}),
    ],
)
def test_it_works_without_a_terminal_and_in_any_encoding(checkpoint, tmp_path, repo_root, streams, environment):
    Image.radial_gradient("L").resize((64, 64)).save(tmp_path / "face.png")
    command = f'exec "$0" -m gpen_core restore "$1" -o "$2" --model "$3" --aligned {streams}'
    target = tmp_path / "größe → 写真.png"
    ran = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, tmp_path / "face.png", target, checkpoint],
        env={**{k: v for k, v in os.environ.items() if k != "HOME"}, **environment}, cwd=repo_root, capture_output=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert load_picture(target).pixels.shape == (3, 64, 64) and b"Traceback" not in ran.stderr


def test_output_to_a_pipe_without_unicode_goes_on(portrait, checkpoint, tmp_path, monkeypatch):
    """As on Windows, where a pipe has no arrow."""
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, encoding="cp1252", write_through=True))
    assert restore(portrait, "-o", tmp_path / "o.png", "--model", checkpoint) == 0
    assert b"o.png (1 face" in pipe.getvalue() and b"\\u2192" in pipe.getvalue()


def test_a_log_has_no_bars_but_a_line_for_each_image(portrait, checkpoint, tmp_path, capsys):
    """Under nohup, cron or a pipe, nobody watches a bar move."""
    assert main(["restore", str(portrait), "-o", str(tmp_path / "out.png"), "--model", str(checkpoint)]) == 0
    printed = capsys.readouterr()
    assert "it/s" not in printed.err and "image/s" not in printed.err and "\r" not in printed.err
    assert len(printed.out.splitlines()) == 1 and "out.png" in printed.out


def test_too_much_is_answered_by_the_command_s_own_help(capsys):
    for given in (["export", "model.pth", "-o", "m.onnx"], ["doctor", "--fast"], ["inspect", "a.pth", "b.pth"]):
        with pytest.raises(SystemExit) as ended:
            main(given)
        said = capsys.readouterr().err
        assert ended.value.code == 2 and said.count("\n") == 1 and f"gpen_core {given[0]} --help" in said


@pytest.mark.parametrize("parser", [pytest.param(one, id=one.prog) for one in commands_of(_parser([]))])
def test_no_beginning_of_an_option_is_taken_for_it(parser, capsys):
    known = parser._option_string_actions
    for option in [name for name in known if name.startswith("--") and name[:-1] not in known]:
        with pytest.raises(SystemExit):
            parser.parse_args([option[:-1]])
        assert f"There is no {option[:-1]}: did you mean {option}" in capsys.readouterr().err


def test_a_file_whose_name_begins_with_a_dash_is_told_from_an_option(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save(tmp_path / "-photo.png")
    with pytest.raises(SystemExit):
        restore("-photo.png", "-o", "out")
    assert f"For the file '-photo.png', write .{os.sep}-photo.png." in capsys.readouterr().err


def test_the_version_says_what_runs_in_one_line(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    said = capsys.readouterr().out
    assert ended.value.code == 0 and said.count("\n") == 1
    assert said.startswith(f"gpen {gpen_core.__version__}, torch {torch.__version__}, {device_names()[0]}")


CTRL_C = """
import sys

class AtImport:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            raise KeyboardInterrupt

sys.meta_path.insert(0, AtImport())
sys.argv = ["gpen", "doctor"]
from gpen_core.__main__ import run
sys.exit(run())
"""


@pytest.mark.parametrize("module", ["gpen_core.cli", "gpen_core.commands", "gpen_core.cli.doctor"])
def test_ctrl_c_while_packages_are_imported_is_one_line(forks, repo_root, module):
    ended = forks.run(CTRL_C.replace("sys.argv[1]", repr(module)), folder=repo_root)
    assert ended.returncode == 130 and ended.stderr.startswith("interrupted") and ended.stderr.count("\n") == 1
