"""Commands in messages are for the Python that runs: in a portable ComfyUI, "pip" is another one's, or none."""

import ast
import re
import subprocess
import sys

import pytest

from gpen_core.cli import main
from gpen_core.commands import gpen, pip_install
from gpen_core.errors import GpenError
from gpen_core.imaging.files.heif import open_heif
from gpen_core.video.files import pyav
from gpen_core.weights.catalog import entry_named
from gpen_core.weights.find import missing_message

COMMANDS = re.compile(
    r"\bpip3? (install|uninstall)\b|\bgpen (convert|download|doctor|inspect|models|restore|train)\b|-m gpen_core \w"
)
NOT_FOR_THIS_PYTHON = {"accelerate launch -m gpen_core train"}


def test_commands_in_messages_run_this_python():
    done = subprocess.run(gpen("--help"), shell=True, capture_output=True, text=True)  # noqa: S602
    assert done.returncode == 0 and "restore" in done.stdout
    assert sys.executable in pip_install("x") and sys.executable in missing_message(entry_named("parsenet"), [])


def test_no_text_spells_such_a_command_itself(repo_root):
    found = {}
    for path in [
        repo_root / "install.py",
        *(repo_root / "gpen_core").rglob("*.py"),
        *(repo_root / "nodes").rglob("*.py"),
    ]:
        texts = [text for text in texts_of(ast.parse(path.read_text(encoding="utf-8"))) if COMMANDS.search(text)]
        if path.name != "commands.py" and texts:
            found[path.name] = [text for text in texts if not any(known in text for known in NOT_FOR_THIS_PYTHON)]
    assert {name: texts for name, texts in found.items() if texts} == {}


def texts_of(tree):
    """All texts but docstrings."""
    said = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said
    ]


@pytest.mark.parametrize(("module", "call"), [("pillow_heif", lambda: open_heif("a.heic", None)), ("av", pyav)])
def test_a_missing_package_is_asked_for_with_this_python(module, call, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(GpenError, match="pip install") as caught:
        call()
    assert pip_install(module.replace("_", "-")) in str(caught.value)


def test_a_wrong_option_is_answered_with_a_command_that_works(capsys):
    with pytest.raises(SystemExit):
        main(["restore"])
    assert gpen("restore --help") in capsys.readouterr().err
