"""Whole runs of tiny networks: what they leave behind, start from and refuse."""

import csv
import json
import shutil
from dataclasses import replace

import pytest
import torch
from PIL import Image
from safetensors import safe_open

from gpen_core import load_checkpoint
from gpen_core.checkpoints.discriminators import load_discriminator
from gpen_core.checkpoints.save import save_generator
from gpen_core.cli import main
from gpen_core.errors import MissingWeightsError, OptionError, TrainingError
from gpen_core.lab.training import Observer, RunPaths, dry_run, read_config, train
from gpen_core.lab.training.learner import make_learner
from gpen_core.lab.training.optimizers import halves
from gpen_core.lab.training.start import starting_networks
from gpen_core.model import Gpen, GpenConfig

NO_LEARNING = "[optimizer]\nencoder = 0.0\ndecoder = 0.0\ndiscriminator = 0.0\n"


def weights(path):
    return dict(load_checkpoint(path).module.state_dict())


def test_the_network_that_comes_out_says_what_it_is_and_loads(faces_folder, runs, tmp_path):
    config = runs.config("plain", steps=2)
    path = train(config, RunPaths(faces_folder, tmp_path))
    assert load_checkpoint(path).config == config.model
    with safe_open(path, "pt") as file:
        assert json.loads(file.metadata()["gpen.config"])["input_size"] == 16
        assert file.metadata()["gpen.step"] == "2"
    assert runs.differing(weights(path), dict(runs.state(tmp_path)["g_ema"])) == []


def test_logs_and_sample_grids_tell_what_happened(faces_folder, runs, tmp_path):
    train(runs.config("plain"), RunPaths(faces_folder, tmp_path))
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [row["step"] for row in rows] == list("123456")
    assert [row["pictures"] for row in rows] == ["4", "8", "12", "16", "20", "24"]
    assert float(rows[0]["rate"]) == 0.5, "half of the warm-up"
    measured = list(csv.DictReader((tmp_path / "validation.csv").open()))
    assert [row["step"] for row in measured] == ["4", "6"]
    assert {"psnr", "psnr_input", "ssim", "ssim_input", "l1"} < measured[0].keys()
    assert Image.open(tmp_path / "samples" / "step_00000006.png").size == (3 * 16, 2 * 16), "degraded, restored, target"


def test_a_line_of_the_log_is_the_mean_since_the_last_one(faces_folder, runs, tmp_path):
    """Or a regulariser that comes every other step would never meet a line that comes every third."""
    train(runs.config("adversarial"), RunPaths(faces_folder, tmp_path / "fine"))
    coarse = runs.config("adversarial", changes={"log_every = 1": "log_every = 3"})
    train(coarse, RunPaths(faces_folder, tmp_path / "coarse"))
    fine = list(csv.DictReader((tmp_path / "fine" / "log.csv").open()))
    first, second = csv.DictReader((tmp_path / "coarse" / "log.csv").open())
    assert (first["step"], second["step"]) == ("3", "6")
    for name in ("l1", "r1", "path_length", "discriminator", "feature_matching", "adversarial"):
        for row, since in ((first, fine[:3]), (second, fine[3:])):
            values = [float(one[name]) for one in since if one[name]]
            assert float(row[name]) == pytest.approx(sum(values) / len(values), rel=1e-4), name


def test_held_out_pictures_are_named_and_never_trained_on(faces_folder, runs, tmp_path):
    folder = tmp_path / "faces"
    shutil.copytree(faces_folder, folder)
    config = runs.config("plain", steps=4)
    train(config, RunPaths(folder, tmp_path / "first"))
    held_out = (tmp_path / "first" / "held_out.txt").read_text().split()
    assert len(held_out) == 3
    for name in held_out:  # black now: a run that trained on them would learn something else
        Image.new("RGB", Image.open(folder / name).size).save(folder / name)
    train(config, RunPaths(folder, tmp_path / "second"))
    assert (tmp_path / "second" / "held_out.txt").read_text().split() == held_out
    first, second = runs.state(tmp_path / "first"), runs.state(tmp_path / "second")
    assert runs.differing(first["g"], second["g"]) == []


def test_without_held_out_pictures_there_are_samples_and_no_measures(faces_folder, runs, tmp_path):
    train(runs.config("plain", steps=2, held_out=0.0), RunPaths(faces_folder, tmp_path))
    assert (tmp_path / "samples" / "step_00000002.png").exists() and (tmp_path / "model.safetensors").exists()
    assert not (tmp_path / "validation.csv").exists() and not (tmp_path / "best.safetensors").exists()


def test_training_that_diverges_stops_and_keeps_the_last_good_state(faces_folder, runs, tmp_path):
    """A learning rate no network survives."""
    more = "[optimizer]\nencoder = 1e30\ndecoder = 1e30\n"
    text = runs.text("plain", steps=200, more=more, changes={"warmup = 2": "", 'schedule = "cosine"': ""})
    with pytest.raises(TrainingError, match=r"step \d+: .*(last good state is|No state)"):
        train(read_config(text), RunPaths(faces_folder, tmp_path))
    for path in (tmp_path / "states").glob("state_*.pt"):
        state = torch.load(path, weights_only=True)
        assert all(torch.isfinite(value).all() for value in state["g"].values())


def test_a_corrupt_picture_is_left_out_and_counted_also_by_the_resumed_run(faces_folder, runs, tmp_path):
    """Found by a worker process; nothing is held out, so that nobody looks at the pictures before."""
    folder = tmp_path / "faces"
    shutil.copytree(faces_folder, folder)
    runs.damage(folder / "05.png")
    config = runs.config("plain", held_out=0.0, changes={"workers = 0": "workers = 1"})
    lines = []
    observer = Observer(lines.append, runs.stop_after(4).progress)
    with pytest.raises(runs.Stop):
        train(config, RunPaths(folder, tmp_path / "run"), observer)
    assert [line for line in lines if "unreadable" in line] == ["left out as unreadable: 05.png (1 pictures so far)"]
    lines.clear()
    train(runs.config("plain", held_out=0.0), RunPaths(folder, tmp_path / "run"), Observer(lines.append))
    assert lines[-1] == "1 pictures could not be read: 05.png"
    assert runs.state(tmp_path / "run")["corrupt"] == ["05.png"]


def test_a_data_folder_that_holds_the_run_is_refused(faces_folder):
    with pytest.raises(OptionError, match="sample grids would be taken for faces"):
        RunPaths(faces_folder, faces_folder / "runs" / "first")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this device has it")
def test_half_precision_is_refused_where_the_device_has_none(faces_folder, runs, tmp_path):
    with pytest.raises(OptionError, match=r"mixed_precision fp16: not on this device \(cpu\)"):
        train(runs.config("plain", top='mixed_precision = "fp16"'), RunPaths(faces_folder, tmp_path))


def test_mixed_precision_learns_nearly_the_same_and_keeps_float32_weights(faces_folder, runs, tmp_path):
    for name in ("no", "bf16"):
        config = runs.config("plain", steps=2, top=f'mixed_precision = "{name}"')
        train(config, RunPaths(faces_folder, tmp_path / name))
    single, half = (runs.state(tmp_path / name)["g"] for name in ("no", "bf16"))
    assert all(value.dtype == torch.float32 for value in half.values())
    assert runs.differing(dict(single), dict(half)) != []
    runs.close(single, half, atol=0.02)


# --- what a run starts from ---


def test_a_prior_and_then_a_restoration_that_starts_from_it(faces_folder, runs, tmp_path):
    prior = train(runs.config("prior", steps=2), RunPaths(faces_folder, tmp_path / "prior"))
    text = runs.text("plain", steps=1, top=f'init_from = "{prior.as_posix()}"', more=NO_LEARNING)
    restored = train(read_config(text), RunPaths(faces_folder, tmp_path / "restore"))
    assert runs.differing(weights(prior), weights(restored)) == []


@pytest.mark.parametrize("kind", ["adversarial", "patch"])
def test_a_training_state_hands_on_its_average_and_its_discriminator(kind, faces_folder, runs, tmp_path):
    train(runs.config(kind, steps=2), RunPaths(faces_folder, tmp_path / "first"))
    (state,) = (tmp_path / "first" / "states").iterdir()
    text = runs.text(kind, steps=1, top=f'init_from = "{state.as_posix()}"', more=NO_LEARNING)
    train(read_config(text), RunPaths(faces_folder, tmp_path / "second"))
    first, second = runs.state(tmp_path / "first"), runs.state(tmp_path / "second")
    assert runs.differing(dict(first["g_ema"]), dict(second["g"])) == []
    assert runs.differing(dict(first["d"]), dict(second["d"])) == []
    assert load_checkpoint(state).config == read_config(text).model
    assert load_discriminator(state).config == read_config(text).discriminator


def test_an_inference_checkpoint_gets_a_fresh_discriminator(runs, tmp_path):
    torch.manual_seed(3)
    config = runs.config("adversarial", top='init_from = "given.safetensors"')
    given = Gpen(config.model)
    save_generator(given, tmp_path / "given.safetensors", dtype=torch.float16)
    network, discriminator = starting_networks(config, (tmp_path,))
    _, other = starting_networks(config, (tmp_path,))
    runs.close(dict(given.state_dict()), dict(network.state_dict()), atol=1e-3)
    assert (
        discriminator is not None and runs.differing(dict(discriminator.state_dict()), dict(other.state_dict())) == []
    )


def test_a_narrower_checkpoint_is_widened(runs, tmp_path):
    torch.manual_seed(3)
    small = Gpen(GpenConfig(16, 16, (6, 6, 4), 16, 2))
    save_generator(small, tmp_path / "small.safetensors")
    config = runs.config("plain", top='init_from = "small.safetensors"')
    pictures = torch.randn(2, 3, 16, 16)
    wide, _ = starting_networks(config, (tmp_path,))
    assert wide.config == config.model
    torch.testing.assert_close(wide(pictures), small(pictures), rtol=1e-4, atol=1e-4)


def test_a_start_of_another_shape_is_refused(faces_folder, runs, tmp_path, checkpoint):
    config = runs.config("plain", top=f'init_from = "{checkpoint.as_posix()}"')
    with pytest.raises(OptionError, match=r"init_from tiny.pth is .*but the first phase trains"):
        train(config, RunPaths(faces_folder, tmp_path))


def test_a_discriminator_of_another_shape_is_refused(faces_folder, runs, tmp_path):
    train(runs.config("adversarial", steps=1), RunPaths(faces_folder, tmp_path))
    (state,) = (tmp_path / "states").iterdir()
    config = runs.config("patch", top=f'init_from = "{state.as_posix()}"')
    with pytest.raises(
        OptionError, match=r"the discriminator in init_from state_\d+\.pt is .*Change \[discriminator\]"
    ):
        starting_networks(config, ())


RESNET = {
    "input_size = 16\noutput_size = 16\nchannels = [8, 8, 8]": "resnet = 16\nchannels = [8, 8]\nencoder_width = 2",
}


def test_imagenet_weights_are_the_users_and_missed_with_their_address(runs, tmp_path):
    config = runs.config("plain", top='encoder_weights = "resnet50.pth"', changes=RESNET)
    with pytest.raises(MissingWeightsError, match=r"resnet50\.pth is not there.*download\.pytorch\.org"):
        starting_networks(config, (tmp_path,))


def test_held_features_stay_at_their_strength_and_all_else_learns(faces_folder, runs, tmp_path):
    train(runs.config("plain", steps=2, top="hold_features = true"), RunPaths(faces_folder, tmp_path))
    found = runs.state(tmp_path)["g"]
    strengths = [value for key, value in found.items() if key.endswith("noise.weight")]
    assert len(strengths) == 5 and all(value.item() == 1 for value in strengths)


@pytest.mark.parametrize(("still", "moved"), [("encoder", "decoder"), ("decoder", "encoder")])
def test_a_half_whose_rate_is_0_stays_as_it_was_and_costs_no_gradients(faces_folder, runs, tmp_path, still, moved):
    config = runs.config("plain", steps=2)
    config = replace(config, optimizer=replace(config.optimizer, **{still: 0.0}))
    begun, _ = starting_networks(config, ())
    before = {key: value.clone() for key, value in begun.state_dict().items()}
    learner = make_learner(config, begun, None, torch.device("cpu"))
    halves_of = dict(zip(("encoder", "decoder"), halves(learner.network)))
    assert not any(parameter.requires_grad for parameter in halves_of[still])
    assert all(parameter.requires_grad for parameter in halves_of[moved])
    train(config, RunPaths(faces_folder, tmp_path))
    found = runs.state(tmp_path)["g"]
    changed = {key.startswith("generator.") for key in before if not torch.equal(before[key], found[key])}
    assert changed == {moved == "decoder"}


def test_in_the_prior_s_stage_no_half_that_learns_is_missing(faces_folder, runs, tmp_path):
    """There only the decoder learns, whatever the encoder's rate."""
    config = runs.config("prior", steps=1)
    train(replace(config, optimizer=replace(config.optimizer, decoder=0.0)), RunPaths(faces_folder, tmp_path / "0"))
    train(replace(config, optimizer=replace(config.optimizer, encoder=0.0)), RunPaths(faces_folder, tmp_path / "1"))
    kept, learned = (runs.state(tmp_path / name)["g"] for name in "01")
    assert any(not torch.equal(kept[key], learned[key]) for key in kept)


# --- without training ---


def test_a_rehearsal_tells_what_a_run_needs_and_writes_nothing(faces_folder, runs, tmp_path):
    lines = []
    dry_run(runs.config("growing"), RunPaths(faces_folder, tmp_path / "run"), lines.append)
    text = "\n".join(lines)
    assert "9 pictures to train on, 3 held out" in text and "12 steps, 36 pictures" in text
    assert "memory at 16 px" in text and "memory at 32 px" in text
    assert not (tmp_path / "run").exists()


# --- the command ---


def test_the_command_trains_and_goes_on(faces_folder, runs, tmp_path, capsys):
    (tmp_path / "mine.toml").write_text(runs.text("growing", steps=2))
    command = ["train", str(tmp_path / "mine.toml"), "--data", str(faces_folder), "-o", str(tmp_path / "run")]
    assert main([*command, "--dry-run"]) == 0
    assert not (tmp_path / "run").exists()
    for _ in range(2):
        assert main(command) == 0
        shown = capsys.readouterr()
        assert shown.out == f"{tmp_path / 'run' / 'model.safetensors'}\n"
    assert "going on at step 4 of 4" in shown.err


def test_the_command_starts_from_any_checkpoint(faces_folder, runs, tmp_path, capsys):
    torch.manual_seed(0)
    (tmp_path / "mine.toml").write_text(runs.text("plain", steps=1, more=NO_LEARNING))
    given = Gpen(runs.config("plain").model)
    save_generator(given, tmp_path / "given.safetensors")
    command = ["train", str(tmp_path / "mine.toml"), "--data", str(faces_folder), "-o", str(tmp_path / "run")]
    assert main([*command, "--init-from", "given", "--models", str(tmp_path)]) == 0
    assert runs.differing(dict(given.state_dict()), weights(tmp_path / "run" / "model.safetensors")) == []
    assert main([*command, "--models", str(tmp_path)]) == 1
    assert "error: " in capsys.readouterr().err.splitlines()[-1], "another start is another run"
