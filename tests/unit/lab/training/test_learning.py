"""That networks of both families learn."""

import csv

import numpy as np
import pytest
import torch
from PIL import Image

from gpen_core import load_checkpoint
from gpen_core.lab.training import RunPaths, read_config, train

BY_HEART = """
seed = 1
ema_half_life = 0.1
[model]
{model}
[data]
held_out = 0.0
workers = 0
[validation]
every = 1000
[saving]
every = 1000
log_every = 1
tensorboard = false
[degradation]
blur_probability = 0.0
downsample = [2, 2]
noise_sigma = [0, 0]
gray_probability = 0.0
flip_probability = 0.0
[optimizer]
encoder = {rate}
decoder = {rate}
betas = [0.9, 0.99]
[[losses]]
kind = "l1"
[[phases]]
size = {size}
steps = 60
batch = 4
"""
PUBLISHED = "input_size = {size}\noutput_size = {size}\nchannels = {channels}\nstyle_dim = 32\nmapping_layers = 2"
RESNET = "resnet = {size}\nchannels = {channels}\nstyle_dim = 32\nencoder_width = 4\nstart = 8"


@pytest.mark.parametrize(
    ("model", "channels", "size", "rate", "reached"),
    [
        (PUBLISHED, [16, 16, 16], 16, 0.02, 0.13),
        (PUBLISHED, [16, 16, 16, 8], 32, 0.02, 0.12),
        (RESNET, [32, 32], 16, 0.01, 0.18),
        (RESNET, [16, 16, 8], 32, 0.01, 0.24),
    ],
    ids=["published 16", "published 32", "resnet 16", "resnet 32"],
)
def test_both_families_learn_one_batch_of_four_faces_by_heart(
    model, channels, size, rate, reached, faces_folder, tmp_path
):
    """In sixty steps, to a mean absolute error in [-1, 1]; the mean of the four everywhere errs by more than 0.35."""
    folder = tmp_path / "four"
    folder.mkdir()
    targets = []
    for path in sorted(faces_folder.iterdir())[::3]:
        with Image.open(path) as picture:
            face = picture.resize((size, size), Image.Resampling.BOX)
        face.save(folder / path.name)
        targets.append(torch.from_numpy(np.asarray(face).copy()) / 127.5 - 1)
    faces = torch.stack(targets)
    assert (faces - faces.mean(0)).abs().mean() > 0.35, "the four are not alike"
    text = BY_HEART.format(model=model.format(size=size, channels=channels), size=size, rate=rate)
    train(read_config(text), RunPaths(folder, tmp_path / "run"))
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").open()))
    assert float(rows[0]["l1"]) > 0.5
    assert float(rows[-1]["l1"]) < reached


@pytest.mark.parametrize("kind", ["patch", "prior"])
def test_the_resnet_family_learns_against_a_discriminator_in_both_stages(kind, faces_folder, runs, tmp_path):
    model = "input_size = 16\noutput_size = 16\nchannels = [8, 8, 8]"
    resnet = "resnet = 16\nchannels = [8, 8]\nencoder_width = 2"
    config = runs.config(kind, steps=3, changes={model: resnet})
    path = train(config, RunPaths(faces_folder, tmp_path))
    assert load_checkpoint(path).config == config.model
    (state,) = (path for path in (tmp_path / "states").iterdir() if path.name.endswith("3.pt"))
    assert load_checkpoint(state).config == config.model, "the state says what no weight of this family tells"


def test_a_run_can_begin_as_a_copy_of_its_input(faces_folder, tmp_path):
    """One step at no learning rate: what is saved yields what it is given."""
    text = BY_HEART.format(model=PUBLISHED.format(size=16, channels=[8, 8, 8]), size=16, rate=0.0)
    text = "copy_input = true\n" + text.replace("steps = 60", "steps = 1")
    path = train(read_config(text), RunPaths(faces_folder, tmp_path))
    crops = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(load_checkpoint(path)(crops), crops, rtol=0, atol=1e-5)
