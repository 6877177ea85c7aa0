"""`inspect`, `convert`, `doctor` and `download`."""

import json

import torch

from gpen_core.checkpoints.save import save_generator
from gpen_core.cli import main
from gpen_core.model import Discriminator, DiscriminatorConfig, Gpen, GpenConfig
from gpen_core.weights import find
from gpen_core.weights.find import bundled_file


def test_inspect_says_what_a_checkpoint_is(checkpoint, tmp_path, capsys):
    assert main(["inspect", str(checkpoint)]) == 0
    said = capsys.readouterr().out
    for part in (
        "64 px in, 64 px out",
        "restoration",
        "published: encoder fir,",
        "32 dimensions, 2 mapping layers",
        "concatenated",
        "4:16",
    ):
        assert part in said
    assert main(["inspect", "--json", str(checkpoint)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["config"]["input_size"] == 64 and said["task"]["name"] == "restoration"
    torch.save(Discriminator(DiscriminatorConfig(16, (4, 4, 4))).state_dict(), tmp_path / "d.pth")
    assert main(["inspect", str(tmp_path / "d.pth")]) == 1
    assert "discriminator" in capsys.readouterr().err


def test_inspect_names_the_parts_of_another_family(tmp_path, capsys):
    config = GpenConfig.resnet(64, narrow=1 / 64, style_dim=8, encoder_width=4)
    save_generator(Gpen(config), tmp_path / "r.safetensors")
    assert main(["inspect", str(tmp_path / "r.safetensors")]) == 0
    said = capsys.readouterr().out
    for part in (
        "resnet: encoder resnet50 (4 wide), mapping plain, injection adain, upsampling nearest",
        "channels    8:8 16:8 32:8 64:8",
        "features    none",
    ):
        assert part in said
    assert main(["inspect", "--json", str(tmp_path / "r.safetensors")]) == 0
    assert json.loads(capsys.readouterr().out)["family"] == "resnet"


def test_inspect_knows_the_bundled_model_by_its_content(tmp_path, capsys):
    (tmp_path / "renamed.safetensors").write_bytes(bundled_file().read_bytes())
    assert main(["inspect", str(tmp_path / "renamed.safetensors")]) == 0
    said = capsys.readouterr().out
    assert "bundled with this package" in said and "Apache License 2.0" in said and "256 px in, 256 px out" in said


def test_convert_writes_safetensors_beside_the_source(checkpoint, tmp_path, capsys):
    source = tmp_path / "model.pth"
    source.write_bytes(checkpoint.read_bytes())
    assert main(["convert", str(source), "--dtype", "bfloat16"]) == 0
    assert "bfloat16" in capsys.readouterr().out and (tmp_path / "model.safetensors").exists()
    assert main(["convert", str(tmp_path / "model.safetensors")]) == 1
    assert "is the source file itself" in capsys.readouterr().err


def test_inspect_and_convert_take_the_name_of_an_installed_model(checkpoint, tmp_path, monkeypatch, capsys):
    path = tmp_path / "models" / "GPEN-BFR-512.pth"
    path.parent.mkdir()
    path.write_bytes(checkpoint.read_bytes())
    monkeypatch.setenv("GPEN_MODELS", str(path.parent))
    monkeypatch.chdir(tmp_path)
    for name in ("GPEN-BFR-512", "gpen-bfr-512.onnx", "GPEN-BFR-512.pth"):
        assert main(["inspect", name]) == 0
        said = capsys.readouterr()
        assert "GPEN-BFR-512.pth: GPEN generator" in said.out and str(path) in said.err
    assert main(["convert", "GPEN-BFR-512.onnx", "-o", str(tmp_path / "c.safetensors")]) == 0
    assert (tmp_path / "c.safetensors").exists()
    assert main(["inspect", "bundled"]) == 0
    capsys.readouterr()
    assert main(["inspect", "GPEN-BFR-2048.onnx"]) == 1
    assert "GPEN-BFR-2048.pth is not installed" in capsys.readouterr().err
    assert main(["inspect", "elsewhere/GPEN-BFR-512.pth"]) == 1  # another file's path is not a name
    assert "(No such file or directory). The published file is at https://" in capsys.readouterr().err


def test_convert_replaces_nothing_that_is_not_named(checkpoint, tmp_path, monkeypatch, capsys):
    models, here = tmp_path / "models", tmp_path / "here"
    models.mkdir()
    here.mkdir()
    (models / "GPEN-BFR-512.pth").write_bytes(checkpoint.read_bytes())
    (models / "GPEN-BFR-512.safetensors").write_bytes(b"mine")
    monkeypatch.setenv("GPEN_MODELS", str(models))
    monkeypatch.chdir(here)
    assert main(["convert", "GPEN-BFR-512.pth"]) == 0  # of the installed model, into this folder
    assert [path.name for path in here.iterdir()] == ["GPEN-BFR-512.safetensors"]
    (here / "GPEN-BFR-512.safetensors").write_bytes(b"mine, too")
    capsys.readouterr()
    for given in ("GPEN-BFR-512.pth", str(models / "GPEN-BFR-512.pth")):
        assert main(["convert", given]) == 1
        said = capsys.readouterr().err
        assert "GPEN-BFR-512.safetensors is there already: say -o, or remove it" in said and said.count("\n") <= 2
    assert (here / "GPEN-BFR-512.safetensors").read_bytes() == b"mine, too"
    assert (models / "GPEN-BFR-512.safetensors").read_bytes() == b"mine"
    assert main(["convert", "GPEN-BFR-512.pth", "-o", "GPEN-BFR-512.safetensors"]) == 0
    assert (here / "GPEN-BFR-512.safetensors").stat().st_size > 9


def test_a_path_to_this_folder_is_no_installed_model(checkpoint, tmp_path, monkeypatch, capsys):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.pth").write_bytes(checkpoint.read_bytes())
    monkeypatch.setenv("GPEN_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", "mine.pth"]) == 0
    for given in ("./mine.pth", ".\\mine.pth", "models/../mine.pth"):
        for command in ("inspect", "convert"):
            capsys.readouterr()
            assert main([command, given]) == 1
            assert "mine.pth: cannot be read" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*.safetensors")] == []


def test_doctor_says_what_is_missing_and_what_to_do(published_name, tmp_path, capsys):
    assert main(["doctor"]) == 0  # the bundled model does the main job
    said = capsys.readouterr().out
    assert "torch" in said and "face detector: mtcnn" in said and "download GPEN-BFR-512" in said
    assert f"bundled: {bundled_file()}" in said and "no published GPEN model" in said
    assert main(["doctor", "--models", str(published_name.parent)]) == 0
    said = capsys.readouterr().out
    assert f"GPEN-BFR-512: {published_name}" in said and "no published GPEN model" not in said
    assert main(["doctor", "--models", str(published_name.parent), "--verify"]) == 1
    said = capsys.readouterr().out
    assert "sha256" in said  # ours is not the published file
    assert f"bundled: {bundled_file()} (loads" in said


def test_doctor_notices_that_the_bundled_model_has_been_taken_out(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(find, "ASSETS", tmp_path)
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "missing bundled" in said and "gpen-bundled-256.safetensors is part of this package but missing" in said


def test_downloading_the_bundled_model_says_that_it_is_here(tmp_path, capsys):
    assert main(["download", "bundled", "-o", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.out.strip() == str(bundled_file()) and "nothing to download" in said.err
    assert list(tmp_path.iterdir()) == []


def test_download_refuses_an_unknown_name_and_lists_the_known(capsys):
    assert main(["download", "GPEN-9000"]) == 1
    said = capsys.readouterr().err
    assert "GPEN-BFR-2048" in said and "retinaface_resnet50" in said and "non-commercial" in said and "bundled" in said
