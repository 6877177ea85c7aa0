"""The estimator is learned from faces that the trainer's recipes degrade, the same way each time."""

import numpy as np
import pytest
import torch
from PIL import Image

from gpen_core.cli import main
from gpen_core.errors import OptionError
from gpen_core.faces.quality import load_quality
from gpen_core.lab.quality.train import QualityRecipe, drawn_samples, train_quality


@pytest.fixture(scope="module")
def folder(tmp_path_factory, astronaut):
    """Twelve sharp pictures of 256 px, cut out of a photograph."""
    root = tmp_path_factory.mktemp("faces")
    for number in range(12):
        top, left = 20 * (number % 4), 40 * (number // 4)
        part = astronaut[:, top : top + 256, left : left + 256].movedim(0, -1)
        Image.fromarray((part * 255).round().byte().numpy()).save(root / f"{number:02d}.png")
    return root


@pytest.fixture(scope="module")
def names():
    return [f"{number:02d}.png" for number in range(12)]


def test_the_same_seed_draws_and_learns_the_same(folder, names):
    recipe = QualityRecipe(samples=64, rounds=2, seed=1)
    first, again = (train_quality(folder, names, recipe).state_dict() for _ in range(2))
    assert all(torch.equal(value, again[name]) for name, value in first.items())


def test_learning_finds_what_was_done(folder, names):
    """On pictures it has seen, drawn anew: with so few it cannot know others."""
    network = train_quality(folder, names, QualityRecipe(samples=256, rounds=30))
    figures, qualities = drawn_samples(folder, names, QualityRecipe(samples=64, seed=50), lambda done: None)
    with torch.no_grad():
        found = network.judged(figures)
    assert np.corrcoef(found.numpy(), qualities.numpy())[0, 1] > 0.75


def test_the_command_writes_a_file_that_loads(folder, tmp_path):
    out, held_out = tmp_path / "quality.safetensors", tmp_path / "held_out.txt"
    arguments = ["train-quality", "--data", str(folder), "-o", str(out), "--samples", "64", "--held-out", str(held_out)]
    assert main(arguments) == 0
    assert 0 <= load_quality(out).qualities(torch.rand(1, 3, 128, 128))[0] <= 1
    assert held_out.read_text().split()


@pytest.mark.parametrize("wrong", [{"samples": 3}, {"rounds": 0}, {"rate": 0.0}, {"seed": -1}])
def test_recipes_outside_their_range_are_refused(wrong):
    with pytest.raises(OptionError):
        QualityRecipe(**wrong)
