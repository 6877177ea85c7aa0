"""Several processes learn what one does."""

import os
import shutil
import subprocess
import sys
from itertools import chain

import pytest

from gpen_core.errors import OptionError
from gpen_core.lab.training import RunPaths, read_config, train
from gpen_core.lab.training.machine import check_batches
from gpen_core.lab.training.samples import Positions, Share

# --cpu would start one process only, unless there is MPI; "multi_gpu" is for as many as are asked for, of any device.
LAUNCH = "--multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no --main_process_port 0"


def test_two_processes_learn_what_one_does(faces_folder, runs, tmp_path, repo_root):
    """Through `accelerate launch`, adversarially, in parts, with R1. The patch discriminator looks at each picture by itself;
    StyleGAN2's compares those of a process. Path lengths are along random directions, of each process its own."""
    folder = tmp_path / "faces"
    shutil.copytree(faces_folder, folder)
    runs.damage(folder / "07.png")
    changes = {"path_every = 2": "path_length = 0.0", "batch = 4": "batch = 4\naccumulate = 2"}
    text = runs.text("patch", steps=4, held_out=0.0, changes=changes)
    (tmp_path / "config.toml").write_text(text)
    train(read_config(text), RunPaths(folder, tmp_path / "one"))
    command = [sys.executable, "-m", "accelerate.commands.launch", *LAUNCH.split(), "-m", "gpen_core", "train"]
    command += [str(tmp_path / "config.toml"), "--data", str(folder), "-o", str(tmp_path / "two")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(command, cwd=repo_root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "2 processes on cpu" in done.stderr
    assert done.stdout.splitlines() == [str(tmp_path / "two" / "model.safetensors")], "one process speaks"
    one, two = runs.state(tmp_path / "one"), runs.state(tmp_path / "two")
    assert one["step"] == two["step"] and one["corrupt"] == two["corrupt"] == ["07.png"]
    for part in ("g", "g_ema", "d"):
        runs.close(one[part], two[part])


def test_shares_are_the_whole_batch_and_no_sample_twice():
    whole = list(Positions(10, 3, 6, Share()))
    shares = [list(Positions(10, 3, 6, Share(rank, 3))) for rank in range(3)]
    assert whole[0] == list(range(10, 16)) and len(whole) == 3
    assert [sorted(chain(*parts)) for parts in zip(*shares)] == whole


def test_a_batch_that_cannot_be_shared_evenly_is_refused_before_the_first_step(runs):
    config = runs.config("plain", changes={"batch = 4": "batch = 6\naccumulate = 2"})
    check_batches(config, Share(0, 3))
    with pytest.raises(OptionError, match="phase 1: 2 processes cannot each work on its batch of 6 in 2 equal parts"):
        check_batches(config, Share(0, 2))
