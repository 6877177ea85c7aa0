"""What ``--engine ray`` settles before anything is spread."""

import argparse
from pathlib import Path

import pytest

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
