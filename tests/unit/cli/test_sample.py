"""The `sample` command as a user types it."""

import pytest
import torch

from gpen_core import load_checkpoint
from gpen_core.cli import main
from gpen_core.faces.alignment import align_face
from gpen_core.faces.detectors import load_detector
from gpen_core.imaging.files import Picture, load_picture, save_picture
from gpen_core.pipeline import detect_faces
from gpen_core.sampling import SampleOptions, sample_faces


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path, monkeypatch):
    """Every test starts on a machine without weights."""
    monkeypatch.setenv("GPEN_MODELS", str(tmp_path / "weights"))


@pytest.fixture
def living(checkpoint, tmp_path):
    """The shared checkpoint, but with noise weights as after training: at first they are 0 and features count nothing."""
    state = torch.load(checkpoint, weights_only=True)["g_ema"]
    path = tmp_path / "living.pth"
    torch.save({name: value + 0.7 * name.endswith("noise.weight") for name, value in state.items()}, path)
    return path


def sample(*arguments):
    return main(["sample", *map(str, arguments)])


def expected(checkpoint, face=None, **options):
    return torch.stack(list(sample_faces(load_checkpoint(checkpoint), SampleOptions(**options), face=face)))


def written(*paths):
    return torch.stack([load_picture(path).pixels for path in paths])


def same_files(found, wanted):
    """Up to one step of 8 bits: both may be rounded."""
    torch.testing.assert_close(found, wanted, atol=1.1 / 255, rtol=0)


def test_a_folder_gets_a_file_for_each_seed(checkpoint, tmp_path, capsys):
    out = tmp_path / "out"
    assert sample("--model", checkpoint, "--seed", 41, "--count", 3, "--truncation", 0.5, "-o", out) == 0
    assert sorted(path.name for path in out.iterdir()) == ["seed-41.png", "seed-42.png", "seed-43.png"]
    files = [out / f"seed-{seed}.png" for seed in (41, 42, 43)]
    same_files(written(*files), expected(checkpoint, seed=41, count=3, truncation=0.5))
    said = capsys.readouterr()
    assert f"{files[1]} (64×64)" in said.out and "tiny.pth: restoration, 64 px" in said.err


def test_the_same_seed_gives_the_same_file(checkpoint, tmp_path):
    for name, count in (("a", 3), ("b", 1)):
        assert sample("--model", checkpoint, "--seed", 5, "--count", count, "-o", tmp_path / name) == 0
    same_files(written(tmp_path / "a" / "seed-5.png"), written(tmp_path / "b" / "seed-5.png"))


def test_a_picture_gets_all_in_rows(checkpoint, tmp_path):
    assert sample("--model", checkpoint, "--count", 3, "-o", tmp_path / "sheet.png") == 0
    sheet = load_picture(tmp_path / "sheet.png").pixels
    assert sheet.shape == (3, 128, 128)
    wanted = expected(checkpoint, count=3)
    same_files(torch.stack([sheet[:, :64, :64], sheet[:, :64, 64:], sheet[:, 64:, :64]]), wanted)


def test_a_strip_is_one_row_or_numbered_files(checkpoint, tmp_path):
    ends = ("--model", checkpoint, "--seed", 1, "--interpolate", 9)
    assert sample(*ends, "-o", tmp_path / "strip.png") == 0
    strip = load_picture(tmp_path / "strip.png").pixels
    assert strip.shape == (3, 64, 8 * 64)
    assert sample(*ends, "--count", 3, "-o", tmp_path / "steps") == 0
    files = sorted((tmp_path / "steps").iterdir())
    assert [file.name for file in files] == [f"seed-1-to-9-{step:02d}.png" for step in range(3)]
    same_files(written(files[0], files[-1]), torch.stack([strip[:, :, :64], strip[:, :, -64:]]))
    same_files(written(*files), expected(checkpoint, seed=1, to_seed=9, count=3))


def test_a_photographs_face_is_found_aligned_and_gives_its_structure(living, portrait, tmp_path, capsys):
    assert sample("--model", living, "--face", portrait, "-o", tmp_path / "out") == 0
    frame = load_picture(portrait).pixels
    face = detect_faces(frame[None], load_detector("mtcnn"))[0]
    found = written(tmp_path / "out" / "seed-0.png")
    same_files(found, expected(living, align_face(frame, face, 64, "gpen").pixels))
    assert (found - expected(living)).abs().mean() > 0.02
    assert "1 face (mtcnn)" in capsys.readouterr().err


def test_an_aligned_face_is_taken_as_it_is(living, portrait, tmp_path):
    square = tmp_path / "square.png"
    save_picture(Picture(load_picture(portrait).pixels[:, :300, 50:350]), square)
    assert sample("--model", living, "--face", square, "--aligned", "-o", tmp_path / "out") == 0
    found = written(tmp_path / "out" / "seed-0.png")
    same_files(found, expected(living, load_picture(square).pixels))


def test_one_seeds_features_can_serve_all(living, tmp_path):
    assert sample("--model", living, "--count", 2, "--noise-seed", 8, "-o", tmp_path / "out") == 0
    files = [tmp_path / "out" / f"seed-{seed}.png" for seed in (0, 1)]
    same_files(written(*files), expected(living, count=2, noise_seed=8))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--count", "0"), "count must be at least 1"),
        (("--interpolate", "3", "--count", "1"), "count of at least 2"),
        (("--truncation", "2"), "truncation must be from 0"),
        (("--seed", "-1"), "seed must be from 0"),
        (("--aligned",), "--aligned describes --face"),
        (("--face", "missing.png"), "missing.png: cannot be read"),
        (("--face", "{flat}"), "no face found"),
        (("--face", "{flat}", "--aligned"), "90×80 is not square"),
        (("-o", "o.gif"), "cannot write '.gif' files"),
        (("-o", "{flat}", "--face", "{flat}"), "is the --face image itself"),
        (("--device", "tpu"), "device 'tpu' cannot be used"),
        (("--model", "gpen-bfr-1024"), "GPEN-BFR-1024.pth is not installed"),
    ],
)
def test_wrong_usage_ends_in_one_clear_line(checkpoint, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    save_picture(Picture(torch.full((3, 80, 90), 0.5)), tmp_path / "flat.png")
    before = (tmp_path / "flat.png").read_bytes()
    filled = [argument.replace("{flat}", "flat.png") for argument in arguments]
    assert sample("--model", checkpoint, "-o", "out", *filled) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists() and (tmp_path / "flat.png").read_bytes() == before


def test_a_face_in_the_folder_that_is_written_to_is_kept(checkpoint, tmp_path, capsys):
    face = tmp_path / "seed-0.png"
    save_picture(Picture(torch.full((3, 64, 64), 0.5)), face)
    assert sample("--model", checkpoint, "--face", face, "--aligned", "-o", tmp_path) == 1
    assert "is the --face image itself" in capsys.readouterr().err
    assert load_picture(face).pixels.std() < 0.01
