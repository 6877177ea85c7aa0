"""A machine without weights, and a folder with one picture."""

import pytest


@pytest.fixture
def published_name(checkpoint, tmp_path):
    """A folder in which the small model has a published one's name."""
    path = tmp_path / "installed" / "GPEN-BFR-512.pth"
    path.parent.mkdir()
    path.write_bytes(checkpoint.read_bytes())
    return path


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path, monkeypatch):
    """Every test starts on a machine without weights."""
    monkeypatch.setenv("GPEN_MODELS", str(tmp_path / "weights"))


@pytest.fixture
def portrait(portrait, tmp_path):
    """A folder of this test's own with the one picture in it."""
    path = tmp_path / "in" / portrait.name
    path.parent.mkdir()
    path.write_bytes(portrait.read_bytes())
    return path
