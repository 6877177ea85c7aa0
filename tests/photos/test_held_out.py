"""What the bundled preset holds out of the shared faces is what the bundled model's card says was never trained on."""

import re

import pytest

from gpen_core.lab.training import config_text, read_config
from gpen_core.lab.training.pictures import pictures_of
from gpen_core.lab.training.run_paths import RunPaths


def test_a_run_that_goes_on_from_the_bundled_model_holds_out_what_its_card_says(repo_root, faces, tmp_path):
    folders = faces, faces.with_name("faces_real")
    if not folders[1].is_dir():
        pytest.skip(f"{folders[1]} is not there")
    config = read_config(config_text("bundled"))
    parts = pictures_of(config, RunPaths(folders[0], tmp_path, (), folders[1:]), lambda text: None)
    card = " ".join((repo_root / "gpen_core" / "assets" / "README.md").read_text().split())
    made, real, dropped, trained = re.search(
        r"Held out: (\d+) and (\d+) faces.*?; (\d+) training faces .*? ([\d,]+) trained", card
    ).groups()
    of = [sum(name.startswith(f"{folder.name}/") for name in parts.held_out) for folder in folders]
    assert of == [int(made), int(real)]
    assert (len(parts.dropped), len(parts.train)) == (int(dropped), int(trained.replace(",", "")))
