"""The `evaluate` command as a user types it."""

import json

import pytest

from gpen_core.cli import main


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path, monkeypatch):
    """Every test starts on a machine without weights."""
    monkeypatch.setenv("GPEN_MODELS", str(tmp_path / "weights"))


def run(*arguments):
    return main(["evaluate", *map(str, arguments)])


def test_a_model_is_evaluated_and_the_report_says_how_good_it_is(checkpoint, folder, tmp_path, capsys):
    (folder / "corrupt.png").write_bytes(b"no picture")
    out = tmp_path / "report"
    assert run("--model", checkpoint, "--data", folder, "--out", out, "--severity", "light", "--sweep", "noise",
               "--sweep-faces", 1, "--metrics", "psnr", "ssim", "niqe") == 0  # fmt: skip
    assert sorted(path.name for path in out.iterdir()) == ["index.html", "report.json", "samples.csv"]
    said = capsys.readouterr()
    assert "light, 5 faces" in said.out and "best baseline: " in said.out and str(out / "index.html") in said.out
    assert "not measured: niqe: " in said.err and "skipped: corrupt.png: " in said.err
    found = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert found["model"]["name"] == "tiny.pth" and len(found["model"]["file_sha256"]) == 64
    assert list(found["sections"]) == ["light"] and list(found["sweeps"]) == ["noise"]


def test_pairs_a_list_and_a_limit(checkpoint, folder, tmp_path):
    (tmp_path / "held-out.txt").write_text("1.png\n2.png\n4.png\n")
    common = ("--model", checkpoint, "--metrics", "psnr", "--sweep", "--cases", 0)
    assert run(*common, "--data", folder, "--list", tmp_path / "held-out.txt", "--limit", 2, "--seed", 1,
               "--pairs", folder, folder, "--severity", "recipe", "--out", tmp_path / "r") == 0  # fmt: skip
    found = json.loads((tmp_path / "r" / "report.json").read_text(encoding="utf-8"))
    assert {name: section["count"] for name, section in found["sections"].items()} == {"recipe": 2, "pairs": 2}
    assert found["sections"]["pairs"]["figures"]["input"]["psnr"]["mean"] < 100  # the model's 64 px lose detail
    assert found["sweeps"] == {}


def test_niqe_is_fitted_to_pristine_pictures_and_kept(folder, tmp_path, capsys, portrait):
    """In a report that says what it was fitted to; and read from there by the next."""
    import torch
    from PIL import Image

    from gpen_core import Gpen, GpenConfig
    from gpen_core.lab.evaluation.metrics import read_niqe_model

    torch.manual_seed(0)
    config = GpenConfig.published(256, narrow=1 / 64, style_dim=16, mapping_layers=1)
    torch.save(Gpen(config).state_dict(), tmp_path / "small.pth")
    pristine = tmp_path / "pristine"
    pristine.mkdir()
    for shift in range(14):
        whole = Image.open(portrait)
        whole.crop((9 * shift, 5 * shift, 512, 512)).save(pristine / f"{shift}.png")
    common = ("--model", tmp_path / "small.pth", "--data", folder, "--limit", 1, "--sweep", "--severity", "light",
              "--metrics", "niqe", "--cases", 0)  # fmt: skip
    assert run(*common, "--niqe-fit", pristine, "--out", tmp_path / "a") == 0
    fitted = read_niqe_model(tmp_path / "a" / "niqe_pris_params.npz")
    assert fitted.mean.shape == (36,)
    assert run(*common, "--niqe-params", tmp_path / "a" / "niqe_pris_params.npz", "--out", tmp_path / "b") == 0
    assert "clean: originals of 128 px and more were enlarged to the model's 256 px" in capsys.readouterr().err
    first, second = (json.loads((tmp_path / name / "report.json").read_text(encoding="utf-8")) for name in "ab")
    assert first["sections"] == second["sections"]
    assert "14 pictures of pristine" in first["metrics"]["niqe"]["convention"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to evaluate"),
        (("--list", "names.txt", "--pairs", "{in}", "{in}"), "--list names files in --data"),
        (("--data", "absent"), "no such folder"),
        (("--pairs", "absent", "{in}"), "no such folder"),
        (("--data", "{in}", "--limit", "-1"), "limit is a number of faces"),
        (("--data", "{in}", "--niqe-params", "absent.npz"), "no NIQE parameters can be read"),
        (("--data", "{in}", "--niqe-fit", "{in}"), "too few to estimate"),
        (("--data", "{in}", "--device", "tpu"), "device 'tpu' cannot be used"),
        (("--data", "{in}", "--model", "GPEN-9000"), "'GPEN-9000' is neither a file"),
    ],
)
def test_wrong_usage_ends_in_one_clear_line(checkpoint, folder, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    filled = [argument.replace("{in}", str(folder)) for argument in arguments]
    model = () if "--model" in arguments else ("--model", checkpoint)
    assert run(*filled, *model, "--out", tmp_path / "out") == 1
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_interrupting_leaves_no_half_written_report(checkpoint, folder, tmp_path, monkeypatch, capsys):
    from gpen_core.cli import evaluate as command

    def interrupt(self, stage, done, total, preview=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(command.StageBar, "__call__", interrupt)
    assert run("--model", checkpoint, "--data", folder, "--out", tmp_path / "out", "--metrics", "psnr") == 130
    assert not (tmp_path / "out").exists()
