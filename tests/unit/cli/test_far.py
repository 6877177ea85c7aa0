"""What ``--engine ray`` settles before anything is spread."""

import argparse
from pathlib import Path

import pytest

from gpen_core.cli import main
from gpen_core.cli.far import _manifest


@pytest.mark.parametrize(
    ("output", "folder"),
    [
        ("out", "out"),
        ("results.v2", "results.v2"),
        ("results.png/", "results.png"),
        ("out/one.png", "out"),
        ("one.jpg", "."),
        ("memory://bucket/results.v2", "memory://bucket/results.v2"),
    ],
)
def test_the_manifest_lies_beside_the_results_before_they_are_there_and_after(output, folder, tmp_path, monkeypatch):
    if "://" in output:
        pytest.importorskip("fsspec")
    monkeypatch.chdir(tmp_path)
    options = argparse.Namespace(output=output, manifest=None)
    wanted = f"{folder}/.gpen-manifest".removeprefix("./")
    assert str(_manifest(options).folder) == wanted
    if "://" not in output:
        Path(folder).mkdir(exist_ok=True)
        assert str(_manifest(options).folder) == wanted


def test_the_plain_command_takes_its_model_from_an_address_too(checkpoint, portrait, tmp_path, monkeypatch, capsys):
    fsspec = pytest.importorskip("fsspec")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    store = fsspec.filesystem("memory")
    store.pipe("/weights/GPEN-BFR-512.pth", checkpoint.read_bytes())
    asked = ["restore", str(portrait), "-o", str(tmp_path / "out.png"), "--detector", "mtcnn", "--model"]
    try:
        assert main([*asked, "memory://weights/GPEN-BFR-512.pth"]) == 0
        assert "GPEN-BFR-512.pth: restoration, 64 px" in capsys.readouterr().err and (tmp_path / "out.png").exists()
        assert main([*asked, "memory://weights/none.pth", "--overwrite"]) == 1
        assert "memory://weights/none.pth: no such file" in capsys.readouterr().err
    finally:
        store.rm("/weights", recursive=True)


@pytest.fixture
def silent(monkeypatch):
    """Addresses silent://… of a store that answers nobody, with errors of its own."""
    fsspec = pytest.importorskip("fsspec")

    class Silent(fsspec.AbstractFileSystem):
        protocol = "silent"

        def __getattribute__(self, name):
            if name in ("exists", "isfile", "isdir", "find", "open", "info", "cat_file", "makedirs", "pipe_file"):
                raise NoCredentials("Unable to locate credentials")
            return super().__getattribute__(name)

    from fsspec.registry import _registry

    monkeypatch.setitem(_registry, "silent", Silent)


class NoCredentials(Exception):
    """As botocore's: none of ours, and no OSError."""


@pytest.mark.parametrize("place", ["input", "-o", "--model"])
def test_a_store_that_cannot_be_asked_is_one_line(silent, portrait, checkpoint, tmp_path, capsys, place):
    asked = {"input": str(portrait), "-o": str(tmp_path / "out"), "--model": str(checkpoint)}
    asked[place] = "silent://bucket/what"
    assert main(["restore", asked.pop("input"), *(part for option in asked.items() for part in option)]) == 1
    said = capsys.readouterr().err
    assert "error: silent://bucket/what" in said and "Unable to locate credentials" in said and said.count("\n") <= 2
