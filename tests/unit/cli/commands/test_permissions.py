"""What may not be read or written is one line that names it, before any work is done."""

import pytest
from unit_harness.privileges import permissions_count

from gpen_core.cli import main


@pytest.fixture
def places(tmp_path, portrait, checkpoint):
    """Files and folders of each kind; unlocked again at the end."""
    for name in ("readonly", "hidden", "closed", "free"):
        (tmp_path / name).mkdir()
    (tmp_path / "readonly/old.png").write_bytes(portrait.read_bytes())
    (tmp_path / "hidden/a.jpg").write_bytes(portrait.read_bytes())
    (tmp_path / "locked.jpg").write_bytes(portrait.read_bytes())
    (tmp_path / "locked.pth").write_bytes(checkpoint.read_bytes())
    modes = {"readonly": 0o555, "hidden": 0, "closed": 0o600, "locked.jpg": 0, "locked.pth": 0}
    for name, mode in modes.items():
        (tmp_path / name).chmod(mode)
    yield tmp_path
    for name in modes:
        (tmp_path / name).chmod(0o700)


RESTORE = ("restore", "{in}", "--model", "{model}", "--detector", "mtcnn", "-o")
CASES = {
    "a new file": ((*RESTORE, "{at}/readonly/new.png"), "readonly' may not be written to"),
    "a file that is replaced": ((*RESTORE, "{at}/readonly/old.png", "--overwrite"), "readonly' may not be written to"),
    "a folder within": ((*RESTORE, "{at}/readonly/a/b/"), "readonly' may not be written to"),
    "a folder that nobody may look into": ((*RESTORE, "{at}/closed/x.png"), "closed/x.png: Permission denied"),
    "a report": ((*RESTORE, "{at}/free/x.png", "--report", "{at}/readonly/r.html"), "readonly' may not be written to"),
    "a report in a file": ((*RESTORE, "{at}/free/x.png", "--report", "{in}/r.json"), "is a file, not a folder"),
    "a report that is a folder": ((*RESTORE, "{at}/free/x.png", "--report", "{at}/free"), "this is a folder"),
    "a folder of images": (
        ("restore", "{at}/hidden", "--model", "{model}", "-o", "{at}/free/"),
        "hidden: Permission denied",
    ),
    "a model": (
        ("restore", "{in}", "--model", "{at}/locked.pth", "-o", "{at}/free/x.png"),
        "locked.pth: cannot be read",
    ),
    "a folder of weights": ((*RESTORE, "{at}/free/x.png", "--models", "{at}/hidden"), "hidden cannot be read"),
    "a converted file": (
        ("convert", "{model}", "-o", "{at}/readonly/m.safetensors"),
        "readonly/m.safetensors could not be",
    ),
    "a download": (("download", "parsenet", "-o", "{at}/readonly"), "could not be written to"),
    "a sheet": (("degrade-sheet", "{in}", "-o", "{at}/readonly/s.png"), "readonly' may not be written to"),
    "samples": (("sample", "--model", "{model}", "-o", "{at}/readonly/s"), "readonly' may not be written to"),
}


@pytest.mark.parametrize("kind", CASES)
def test_it_is_said_in_one_line_and_nothing_is_left(places, portrait, checkpoint, capsys, kind):
    given, words = CASES[kind]
    filled = [part.format(at=places, model=checkpoint, **{"in": portrait}) for part in given]
    before = sorted((places / "free").iterdir())
    with permissions_count():
        assert main(filled) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("error: ") and words in said and "Errno" not in said and ".gpen-part" not in said
    assert sorted((places / "free").iterdir()) == before


def test_an_image_that_may_not_be_read_does_not_stop_the_others(places, portrait, checkpoint, capsys):
    with permissions_count():
        status = main(
            [
                "restore",
                str(places / "locked.jpg"),
                str(portrait),
                "--model",
                str(checkpoint),
                "-o",
                str(places / "free"),
            ]
        )
    assert status == 1 and len(list((places / "free").iterdir())) == 1
    assert "locked.jpg: cannot be read (Permission denied)" in capsys.readouterr().out
