"""A run that was stopped, however, ends as if it had never been."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from gpen_core.errors import TrainingError
from gpen_core.files import temporary_prefix
from gpen_core.lab.training import RunPaths, read_config, run, train
from gpen_core.lab.training.logs import CsvLog
from gpen_core.lab.training.states import States
from gpen_core.weights.reading import read_checkpoint

BF16 = {"top": 'mixed_precision = "bf16"', "changes": {"log_every = 1": "log_every = 4"}}
UPSCALING = {"output_size": 32, "changes": {"smallest = 16": "smallest = 32"}}


@pytest.mark.parametrize(
    ("kind", "settings", "stops"),
    [
        ("plain", {"steps": 4}, [1]),  # before the first state
        ("adversarial", BF16, [3]),
        ("patch", UPSCALING | {"steps": 4}, [3]),
        ("growing", {"steps": 3}, [3, 4]),  # exactly where the first phase ends, and with that state in the second
        ("prior", {"steps": 4}, [3]),
    ],
    ids=["plain", "adversarial bf16", "patch upscaling", "growing", "prior"],
)
def test_a_run_stopped_anywhere_ends_as_if_it_had_never_been(kind, settings, stops, faces_folder, runs, tmp_path):
    config = runs.config(kind, **settings)
    train(config, RunPaths(faces_folder, tmp_path / "straight"))
    for step in stops:
        with pytest.raises(runs.Stop):
            train(config, RunPaths(faces_folder, tmp_path / "resumed"), runs.stop_after(step))
    train(config, RunPaths(faces_folder, tmp_path / "resumed"))
    assert runs.differing(runs.state(tmp_path / "straight"), runs.state(tmp_path / "resumed")) == []
    for name in ("log.csv", "validation.csv"):
        if (tmp_path / "straight" / name).exists():
            assert rows(tmp_path / "resumed" / name) == rows(tmp_path / "straight" / name)


@pytest.fixture
def scaled(monkeypatch):
    """Runs with the gradient scaler that fp16 has on a GPU, here on the CPU, of a scale that soon changes."""
    real = run.accelerator_for

    def scaled(config):
        accelerator = real(config)
        accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127, growth_interval=2)
        return accelerator

    monkeypatch.setattr(run, "accelerator_for", scaled)


@pytest.mark.parametrize(("kind", "steps"), [("adversarial", 4), ("growing", 3)])
def test_the_scale_of_half_precisions_losses_is_resumed_too(kind, steps, scaled, faces_folder, runs, tmp_path):
    """The first gradients overflow: those steps are left out, the scale is halved, and no loss is blamed."""
    config = runs.config(kind, steps=steps, changes={'kind = "l1"': 'kind = "l1"\nweight = 8.0'})
    train(config, RunPaths(faces_folder, tmp_path / "straight"))
    with pytest.raises(runs.Stop):
        train(config, RunPaths(faces_folder, tmp_path / "resumed"), runs.stop_after(3))
    train(config, RunPaths(faces_folder, tmp_path / "resumed"))
    straight, resumed = runs.state(tmp_path / "straight"), runs.state(tmp_path / "resumed")
    assert straight["scaler"]["scale"] < 2.0**127
    assert runs.differing(straight, resumed) == []


def rows(path: Path) -> list[dict[str, str]]:
    """Without the seconds that steps took."""
    with path.open(newline="") as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def test_a_killed_process_leaves_a_run_that_ends_the_same(faces_folder, runs, tmp_path, repo_root):
    """At whatever the process does once the first state is there."""
    (tmp_path / "config.toml").write_text(runs.text("adversarial", steps=8))
    config = read_config((tmp_path / "config.toml").read_text())
    train(config, RunPaths(faces_folder, tmp_path / "straight"))
    command = [sys.executable, "-m", "gpen_core", "train", str(tmp_path / "config.toml")]
    command += ["--data", str(faces_folder), "-o", str(tmp_path / "killed")]
    process = subprocess.Popen(command, cwd=repo_root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list((tmp_path / "killed" / "states").glob("state_*.pt")):
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert runs.state(tmp_path / "killed")["step"] < 8, "the process had already finished"
    train(config, RunPaths(faces_folder, tmp_path / "killed"))
    assert runs.differing(runs.state(tmp_path / "straight"), runs.state(tmp_path / "killed")) == []
    assert rows(tmp_path / "killed" / "log.csv") == rows(tmp_path / "straight" / "log.csv")


def test_only_the_last_states_are_kept(faces_folder, runs, tmp_path):
    train(runs.config("plain", steps=4, save_every=1), RunPaths(faces_folder, tmp_path))
    assert [path.name for path in sorted((tmp_path / "states").iterdir())] == ["state_00000003.pt", "state_00000004.pt"]


KILLED = """
import csv, os, signal, sys
from fnmatch import fnmatch
from pathlib import Path
from gpen_core.lab.training import RunPaths, logs, read_config, train

config, faces, out, pattern, count, moment = sys.argv[1:]
replace, left = Path.replace, int(count)

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def replaced(self, target):
    global left
    left -= fnmatch(Path(target).name, pattern)
    if left == 0 and moment == "half":
        os.truncate(self, self.stat().st_size // 2)
    if left == 0 and moment != "after":
        kill()
    done = replace(self, target)
    if left == 0:
        kill()
    return done

class CutOff(csv.DictWriter):
    def __init__(self, file, columns, **more):
        super().__init__(file, columns, **more)
        self.file = file

    def writerow(self, row):
        if pattern == "a row" and row["step"] == left:
            self.file.write(f"{left},16,0.")
            self.file.flush()
            kill()
        return super().writerow(row)

Path.replace, csv.DictWriter = replaced, CutOff
train(read_config(Path(config).read_text()), RunPaths(Path(faces), Path(out)))
"""
KILLS = [
    ("held_out.txt", 1, "half"),
    ("a row", 3, ""),
    ("step_*.png", 1, "half"),
    ("model.safetensors", 1, "half"),
    ("model.safetensors", 2, "before"),
    ("best.safetensors", 1, "half"),
    ("state_*.pt", 2, "half"),
    ("state_*.pt", 1, "after"),
]


@pytest.fixture(scope="module")
def straight(faces_folder, runs, tmp_path_factory):
    """The text of a run's configuration, and the folder of that run, which nothing stopped."""
    changes = {"[validation]\nevery = 4": "[validation]\nevery = 2"}
    text, out = runs.text("plain", steps=4, changes=changes), tmp_path_factory.mktemp("straight")
    train(read_config(text), RunPaths(faces_folder, out))
    return text, out


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
@pytest.mark.parametrize(("pattern", "count", "moment"), KILLS)
def test_killed_while_it_writes_anything_a_run_leaves_whole_files_and_ends_the_same(
    straight, faces_folder, runs, forks, tmp_path, repo_root, pattern, count, moment
):
    text, whole = straight
    (tmp_path / "run.toml").write_text(text)
    out = tmp_path / "out"
    done = forks.run(KILLED, tmp_path / "run.toml", faces_folder, out, pattern, count, moment, folder=repo_root)
    assert done.returncode == -signal.SIGKILL, done.stderr
    for path in (path for path in out.rglob("*") if path.is_file() and not path.name.startswith(".")):
        if path.suffix in (".pt", ".safetensors"):
            read_checkpoint(path)
    train(read_config(text), RunPaths(faces_folder, out))
    assert runs.differing(runs.state(whole), runs.state(out)) == []
    assert rows(out / "log.csv") == rows(whole / "log.csv")
    assert rows(out / "validation.csv") == rows(whole / "validation.csv")
    names = {path.relative_to(whole) for path in whole.rglob("*")}
    assert {path.relative_to(out) for path in out.rglob("*")} == names
    for name in ("model.safetensors", "best.safetensors"):
        one, other = read_checkpoint(out / name), read_checkpoint(whole / name)
        assert same(one.content, other.content) and one.metadata == other.metadata
    for name in ("held_out.txt", "samples/step_00000004.png"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()


def test_other_settings_need_to_be_accepted_before_a_run_goes_on(faces_folder, runs, tmp_path):
    run_paths = RunPaths(faces_folder, tmp_path)
    train(runs.config("plain", steps=2), run_paths)
    longer = runs.config("plain", steps=3)
    with pytest.raises(TrainingError, match=r"other settings of: phases\. .*--accept-changes"):
        train(longer, run_paths)
    train(longer, run_paths, accept_changes=True)
    assert runs.state(tmp_path)["step"] == 3


def test_accepted_learning_rates_are_those_used(faces_folder, runs, tmp_path):
    run_paths = RunPaths(faces_folder, tmp_path)
    train(runs.config("plain", steps=2), run_paths)
    before = runs.state(tmp_path)["g"]
    still = runs.config("plain", steps=3, more="[optimizer]\nencoder = 0.0\ndecoder = 0.0\n")
    train(still, run_paths, accept_changes=True)
    assert runs.differing(dict(before), dict(runs.state(tmp_path)["g"])) == []


def test_other_pictures_need_to_be_accepted(faces_folder, runs, tmp_path):
    folder = tmp_path / "faces"
    shutil.copytree(faces_folder, folder)
    config = runs.config("plain", steps=2)
    train(config, RunPaths(folder, tmp_path / "run"))
    shutil.copy(folder / "00.png", folder / "zz.png")
    with pytest.raises(TrainingError, match="the pictures"):
        train(config, RunPaths(folder, tmp_path / "run"))


def test_phases_may_change_under_a_run_as_long_as_its_network_can_follow(faces_folder, runs, tmp_path):
    """The saved network's size is that of the phase it was in, whatever the phases are called now."""
    run_paths = RunPaths(faces_folder, tmp_path)
    with pytest.raises(runs.Stop):
        train(runs.config("growing", steps=4), run_paths, runs.stop_after(2))
    train(runs.config("growing", steps=1), run_paths, accept_changes=True)  # step 2 is now the second phase's last
    assert runs.state(tmp_path)["step"] == 2
    train(runs.config("growing", steps=2), run_paths, accept_changes=True)
    assert runs.state(tmp_path)["g"]["generator.convs.5.conv.weight"].shape[1] == 8, "grown to 32 px"
    with pytest.raises(TrainingError, match="4 steps are done already"):
        train(runs.config("growing", steps=1), run_paths, accept_changes=True)
    with pytest.raises(TrainingError, match="grown to 32 px: it cannot go on at 16 px"):
        train(runs.config("growing", steps=9), run_paths, accept_changes=True)


def test_a_state_of_another_network_is_refused_in_words(faces_folder, runs, tmp_path):
    run_paths = RunPaths(faces_folder, tmp_path)
    train(runs.config("plain", steps=2), run_paths)
    wider = runs.config("plain", steps=3, changes={"channels = [8, 8, 8]": "channels = [8, 8, 4]"})
    with pytest.raises(TrainingError, match=r"of another network: its 'g' does not fit"):
        train(wider, run_paths, accept_changes=True)


def test_a_state_from_before_there_were_more_settings_is_read(faces_folder, runs, tmp_path):
    config = runs.config("plain", steps=4)
    with pytest.raises(runs.Stop):
        train(config, RunPaths(faces_folder, tmp_path), runs.stop_after(2))
    state = runs.state(tmp_path)
    first = {key: state[key] for key in ("g", "g_ema", "g_optim", "step", "best", "corrupt")}
    settings = json.loads(state["config"])
    del settings["encoder_weights"], settings["optimizer"]["clip_norm"]
    torch.save({**first, "config": json.dumps(settings)}, tmp_path / "states" / "state_00000002.pt")
    train(config, RunPaths(faces_folder, tmp_path))
    assert runs.state(tmp_path)["step"] == 4


def test_a_state_is_read_by_our_own_reader_as_torch_reads_it(faces_folder, runs, tmp_path):
    config = runs.config("adversarial", steps=2)
    train(config, RunPaths(faces_folder, tmp_path))
    own, torchs = States(tmp_path, config).newest("", accept_changes=True), runs.state(tmp_path)
    torchs = {key: value for key, value in torchs.items() if not key.startswith("gpen.")}
    assert own.keys() == torchs.keys() and same(own, torchs)


def same(one, other):
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return one == other


def test_a_state_that_runs_code_is_refused(tmp_path, runs):
    class Harm:
        def __reduce__(self):
            return (exec, ("raise SystemExit('run')",))

    (tmp_path / "states").mkdir()
    torch.save({"config": "{}", "step": 1, "g": Harm()}, tmp_path / "states" / "state_00000001.pt")
    with pytest.raises(TrainingError, match="nothing of it was run"):
        States(tmp_path, runs.config("plain")).newest("")


def test_a_full_disk_is_an_error_that_names_the_state_and_the_last_good_one(tmp_path, runs):
    resource = pytest.importorskip("resource")  # not on Windows
    states = States(tmp_path, runs.config("plain"))
    states.save(1, {"g": torch.zeros(4)})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(
            TrainingError, match=r"state_00000002\.pt could not be written \(File too large\)"
        ) as caught:
            states.save(2, {"g": torch.zeros(40_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "state_00000001.pt" in str(caught.value)
    assert [path.name for path in (tmp_path / "states").iterdir()] == ["state_00000001.pt"]


def test_a_run_in_a_new_container_removes_what_the_killed_one_left(tmp_path, runs):
    """Where it has the same number on the same host, or the host has another name."""
    parts = [f"{temporary_prefix()}abc.pt", ".gpen-part-0a0a0a0a-1-abc.png", "mine.pt", ".gpen-participants"]
    places = (tmp_path, tmp_path / "states", tmp_path / "samples")
    for place in places:
        place.mkdir(exist_ok=True)
        for name in parts:
            (place / name).touch()
    States(tmp_path, runs.config("plain")).sweep()
    for place in places:
        assert {file.name for file in place.iterdir() if file.is_file()} == set(parts[2:])


def test_a_damaged_state_says_what_to_do(tmp_path, runs):
    (tmp_path / "states").mkdir()
    (tmp_path / "states" / "state_00000002.pt").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(
        TrainingError, match=r"state_00000002\.pt cannot be read .*Delete it to go on from the one before"
    ):
        States(tmp_path, runs.config("plain")).newest("")


def test_a_log_opened_again_forgets_later_rows_and_one_cut_off(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("step,l1\n1,0.5\n2,0.4\n3,0.3\n4")
    log = CsvLog(path, 2)
    log.add({"step": 3, "l1": 0.25, "r1": 1.5})
    assert path.read_text().splitlines() == ["step,l1,r1", "1,0.5,", "2,0.4,", "3,0.25,1.5"]


def test_tensorboard_too_has_each_step_once(faces_folder, runs, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    config = runs.config("plain", steps=4, changes={"tensorboard = false": "tensorboard = true"})
    with pytest.raises(runs.Stop):
        train(config, RunPaths(faces_folder, tmp_path), runs.stop_after(3))
    train(config, RunPaths(faces_folder, tmp_path))
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("log/l1")] == [1, 2, 3, 4]
    assert {"validation/psnr", "validation/ssim"} <= set(events.Tags()["scalars"])
