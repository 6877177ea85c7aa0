"""Whole runs of tiny networks: what they learn, leave behind and survive."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from gpen_core import load_checkpoint
from gpen_core.errors import OptionError, TrainingError
from gpen_core.training import Places, Watch, read_config, train

PLAIN = """
[[losses]]
kind = "l1"
[[phases]]
size = 16
steps = 6
batch = 4
warmup = 2
schedule = "cosine"
"""
ADVERSARIAL = """
[discriminator]
size = 16
channels = [8, 8, 8]
[adversarial]
weight = 1.0
feature_matching = 0.02
r1_every = 2
path_every = 2
[[losses]]
kind = "smooth_l1"
[[phases]]
size = 16
steps = 6
batch = 4
"""
PATCH = ADVERSARIAL.replace("channels = [8, 8, 8]", 'kind = "patch"\nsmallest = 16\nchannels = [4, 4]')
GROWING = """
[[losses]]
kind = "l1"
[[phases]]
size = 16
steps = 3
batch = 4
[[phases]]
size = 32
steps = 3
batch = 2
"""
PRIOR = """
[discriminator]
size = 16
channels = [8, 8, 8]
[adversarial]
weight = 1.0
r1_every = 2
path_every = 2
[[phases]]
size = 16
steps = 4
batch = 4
"""


def newest_state(out: Path) -> dict:
    return torch.load(sorted((out / "states").glob("state_*.pt"))[-1], weights_only=True)


def differing(first, second, where: str = "state") -> list[str]:
    """The places where two saved states are not the same to the bit."""
    if isinstance(first, dict):
        if first.keys() != second.keys():
            return [where]
        return [place for key in first for place in differing(first[key], second[key], f"{where}.{key}")]
    if isinstance(first, list | tuple):
        return [place for i, (a, b) in enumerate(zip(first, second)) for place in differing(a, b, f"{where}[{i}]")]
    same = torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second
    return [] if same else [where]


class Stop(Exception):
    """Stands for whatever ends a process."""


def stop_after(step: int) -> Watch:
    def progress(done: int, steps: int, losses: dict[str, float]) -> None:
        if done == step:
            raise Stop

    return Watch(progress=progress)


@pytest.mark.parametrize(
    ("stage", "more", "size"),
    [
        ("restore", PLAIN, 16),
        ("restore", ADVERSARIAL, 16),
        ("restore", PATCH, 16),
        ("restore", GROWING, 32),
        ("prior", PRIOR, 16),
    ],
    ids=["plain", "adversarial", "patch", "growing", "prior"],
)
@pytest.mark.parametrize("stopped_at", [1, 3])
def test_a_run_stopped_anywhere_ends_as_if_it_had_never_been(
    stopped_at, stage, more, size, faces_folder, run_text, tmp_path
):
    config = read_config(run_text(stage=stage, more=more, size=size))
    train(config, Places(faces_folder, tmp_path / "straight"))
    with pytest.raises(Stop):
        train(config, Places(faces_folder, tmp_path / "resumed"), stop_after(stopped_at))
    train(config, Places(faces_folder, tmp_path / "resumed"))
    assert differing(newest_state(tmp_path / "straight"), newest_state(tmp_path / "resumed")) == []


def test_a_killed_process_leaves_a_run_that_ends_the_same(faces_folder, run_text, tmp_path, repo_root):
    """SIGKILL at whatever the process does once the first state is there."""
    (tmp_path / "config.toml").write_text(run_text(more=ADVERSARIAL.replace("steps = 6", "steps = 16")))
    config = read_config((tmp_path / "config.toml").read_text())
    train(config, Places(faces_folder, tmp_path / "straight"))
    command = [sys.executable, "-m", "gpen_core", "train", str(tmp_path / "config.toml")]
    command += ["--data", str(faces_folder), "-o", str(tmp_path / "killed")]
    process = subprocess.Popen(command, cwd=repo_root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list((tmp_path / "killed" / "states").glob("state_*.pt")):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = newest_state(tmp_path / "killed")["step"]
    train(config, Places(faces_folder, tmp_path / "killed"))
    assert done < 16, "the process had already finished"
    assert differing(newest_state(tmp_path / "straight"), newest_state(tmp_path / "killed")) == []
    steps = [row["step"] for row in csv.DictReader((tmp_path / "killed" / "log.csv").open())]
    assert steps == [str(step) for step in range(1, 17)]


@pytest.mark.parametrize(
    "more", [PLAIN, ADVERSARIAL.replace("path_every = 2", "path_length = 0.0")], ids=["plain", "gan"]
)
def test_two_processes_learn_what_one_does(more, faces_folder, run_text, tmp_path, repo_root):
    """Through `accelerate launch`. The discriminator's minibatch deviation would see half a batch: one channel in nine."""
    patch = 'size = 16\nkind = "patch"\nsmallest = 16\nchannels = [4, 4]'
    text = run_text(more=more.replace("size = 16\nchannels = [8, 8, 8]", patch))
    (tmp_path / "config.toml").write_text(text)
    train(read_config(text), Places(faces_folder, tmp_path / "one"))
    command = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
    ]
    command += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    command += ["-m", "gpen_core", "train", str(tmp_path / "config.toml")]
    command += ["--data", str(faces_folder), "-o", str(tmp_path / "two")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(command, cwd=repo_root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    one, two = newest_state(tmp_path / "one"), newest_state(tmp_path / "two")
    assert one["step"] == two["step"]
    for key, value in one["g"].items():
        torch.testing.assert_close(two["g"][key], value, rtol=1e-3, atol=1e-4, msg=key)


def test_the_network_that_comes_out_says_what_it_is_and_loads(faces_folder, run_text, tmp_path):
    config = read_config(run_text(more=PLAIN))
    path = train(config, Places(faces_folder, tmp_path))
    assert load_checkpoint(path).config == config.model
    with safe_open(path, "pt") as file:
        assert json.loads(file.metadata()["gpen.config"])["input_size"] == 16
        assert file.metadata()["gpen.step"] == "6"
    average = newest_state(tmp_path)["g_ema"]
    assert all(torch.equal(value, average[key]) for key, value in load_checkpoint(path).module.state_dict().items())


def test_a_training_state_is_itself_a_checkpoint(faces_folder, run_text, tmp_path):
    config = read_config(run_text(more=PLAIN))
    train(config, Places(faces_folder, tmp_path))
    state = sorted((tmp_path / "states").glob("state_*.pt"))[-1]
    assert load_checkpoint(state).config == config.model


def test_only_the_last_states_are_kept(faces_folder, run_text, tmp_path):
    train(read_config(run_text(more=PLAIN, save_every=1)), Places(faces_folder, tmp_path))
    assert [path.name for path in sorted((tmp_path / "states").iterdir())] == ["state_00000005.pt", "state_00000006.pt"]


def test_logs_and_sample_grids_tell_what_happened(faces_folder, run_text, tmp_path):
    train(read_config(run_text(more=PLAIN)), Places(faces_folder, tmp_path))
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [row["step"] for row in rows] == list("123456")
    assert [row["pictures"] for row in rows] == ["4", "8", "12", "16", "20", "24"]
    assert float(rows[0]["rate"]) == 0.5, "half of the warm-up"
    measured = list(csv.DictReader((tmp_path / "validation.csv").open()))
    assert [row["step"] for row in measured] == ["4", "6"]
    assert Image.open(tmp_path / "samples" / "step_00000006.png").size == (3 * 16, 2 * 16), "degraded, restored, target"


def test_held_out_pictures_are_named_and_never_trained_on(faces_folder, run_text, tmp_path):
    folder = tmp_path / "faces"
    shutil.copytree(faces_folder, folder)
    config = read_config(run_text(more=PLAIN))
    train(config, Places(folder, tmp_path / "first"))
    held_out = (tmp_path / "first" / "held_out.txt").read_text().split()
    assert len(held_out) == 3
    pixels = {name: Image.open(folder / name).copy() for name in held_out}
    for name in held_out:  # black now: a run that trained on them would learn something else
        Image.new("RGB", pixels[name].size).save(folder / name)
    train(config, Places(folder, tmp_path / "second"))
    assert (tmp_path / "second" / "held_out.txt").read_text().split() == held_out
    first, second = newest_state(tmp_path / "first"), newest_state(tmp_path / "second")
    assert differing(first["g"], second["g"]) == []


def test_training_that_diverges_stops_and_keeps_the_last_good_state(faces_folder, run_text, tmp_path):
    """A learning rate no network survives."""
    more = PLAIN.replace("warmup = 2", "").replace("steps = 6", "steps = 200").replace('schedule = "cosine"', "")
    text = run_text(more=more, top="") + "[optimizer]\nencoder = 1e30\ndecoder = 1e30\n"
    with pytest.raises(TrainingError, match=r"step \d+: .*(last good state is|No state)"):
        train(read_config(text), Places(faces_folder, tmp_path))
    for path in (tmp_path / "states").glob("state_*.pt"):
        state = torch.load(path, weights_only=True)
        assert all(torch.isfinite(value).all() for value in state["g"].values())


def test_other_settings_need_to_be_accepted_before_a_run_goes_on(faces_folder, run_text, tmp_path):
    train(read_config(run_text(more=PLAIN)), Places(faces_folder, tmp_path))
    longer = read_config(run_text(more=PLAIN.replace("steps = 6", "steps = 8")))
    with pytest.raises(TrainingError, match=r"other settings of: phases.*--accept-changes"):
        train(longer, Places(faces_folder, tmp_path))
    train(longer, Places(faces_folder, tmp_path), accept_changes=True)
    assert newest_state(tmp_path)["step"] == 8


def test_accumulated_parts_give_the_gradient_of_the_whole_batch(faces_folder, run_text, tmp_path):
    for name, accumulate in (("whole", 1), ("parts", 4)):
        more = PLAIN.replace("batch = 4", f"batch = 4\naccumulate = {accumulate}")
        train(read_config(run_text(more=more)), Places(faces_folder, tmp_path / name))
    whole, parts = newest_state(tmp_path / "whole")["g"], newest_state(tmp_path / "parts")["g"]
    for key, value in whole.items():
        torch.testing.assert_close(parts[key], value, rtol=1e-3, atol=1e-4, msg=key)


def test_recomputing_activations_changes_no_result(faces_folder, run_text, tmp_path):
    for name in ("false", "true"):
        text = run_text(more=PLAIN, top=f"checkpointing = {name}")
        train(read_config(text), Places(faces_folder, tmp_path / name))
    kept, recomputed = newest_state(tmp_path / "false")["g"], newest_state(tmp_path / "true")["g"]
    for key, value in kept.items():
        torch.testing.assert_close(recomputed[key], value, rtol=1e-4, atol=1e-5, msg=key)


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
steps = 200
batch = 4
"""
PUBLISHED = "input_size = {size}\noutput_size = {size}\nchannels = {channels}\nstyle_dim = 32\nmapping_layers = 2"
RESNET = "resnet = {size}\nchannels = {channels}\nstyle_dim = 32\nencoder_width = 4\nstart = 8"


@pytest.mark.parametrize(
    ("model", "channels", "size", "rate", "reached"),
    [
        (PUBLISHED, [16, 16, 16], 16, 0.005, 0.1),
        (PUBLISHED, [16, 16, 16, 16, 8], 64, 0.005, 0.1),
        (RESNET, [32, 32], 16, 0.003, 0.1),
        (RESNET, [32, 32, 16, 16], 64, 0.003, 0.15),
    ],
    ids=["published 16", "published 64", "resnet 16", "resnet 64"],
)
def test_both_families_learn_one_batch_of_four_faces_by_heart(
    model, channels, size, rate, reached, faces_folder, tmp_path
):
    """To a mean absolute error of 0.1 or 0.15 in [-1, 1]; the mean of the four everywhere errs by more than 0.35."""
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
    train(read_config(text), Places(folder, tmp_path / "run"))
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").open()))
    assert float(rows[0]["l1"]) > 0.3
    assert float(rows[-1]["l1"]) < reached


def test_a_prior_and_then_a_restoration_that_starts_from_it(faces_folder, run_text, tmp_path):
    prior = train(read_config(run_text(stage="prior", more=PRIOR)), Places(faces_folder, tmp_path / "prior"))
    text = run_text(more=PLAIN.replace("steps = 6", "steps = 1"), top=f'init_from = "{prior.as_posix()}"')
    text += "[optimizer]\nencoder = 0.0\ndecoder = 0.0\n"
    restored = train(read_config(text), Places(faces_folder, tmp_path / "restore"))
    before, after = (load_checkpoint(path).module.state_dict() for path in (prior, restored))
    assert differing(dict(before), dict(after)) == []


def test_a_start_of_another_shape_is_refused(faces_folder, run_text, tmp_path, checkpoint):
    text = run_text(more=PLAIN, top=f'init_from = "{checkpoint.as_posix()}"')
    with pytest.raises(OptionError, match=r"init_from tiny.pth is .*but the first phase trains"):
        train(read_config(text), Places(faces_folder, tmp_path))
