"""What `restore` does with a picture: which faces, how strongly, with what it says."""

import importlib.util

import numpy as np
import pytest
import torch
from PIL import Image

from gpen_core.cli import main
from gpen_core.imaging.files import load_picture


def restore(*arguments):
    return main(["restore", *map(str, arguments)])


def test_a_picture_is_restored(portrait, checkpoint, tmp_path, capsys, astronaut):
    target = tmp_path / "out.png"
    assert restore(portrait, "-o", target, "--model", checkpoint, "--scale", 2) == 0
    said = capsys.readouterr()
    assert "(1 face, 1024×1024)" in said.out and "detector: mtcnn" in said.err
    found = load_picture(target).pixels
    assert found.shape == (3, 1024, 1024)
    small = load_picture(target).pixels[:, ::2, ::2]
    changed = (small - astronaut).abs().amax(0) > 0.2
    assert changed[60:190, 170:280].float().mean() > 0.2  # an untrained network leaves no face as it was


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--faces", "0"], "(1 face, "),
        (["--faces=-1"], "(1 face, "),
        (["--faces", "1-3"], "(the face is not chosen (not in the list of faces), image unchanged"),
        (["--max-face", "40"], "above 40 px), image unchanged"),
        (["--min-share", "30"], "below 30 %), image unchanged"),
        (["--max-quality", "0.02"], "above 0.02), image unchanged"),
        (["--order", "nearest_to_point", "--point", "1,1", "--max-faces", "1"], "(1 face, "),
    ],
)
def test_faces_are_chosen_by_number_and_limits(portrait, checkpoint, tmp_path, capsys, arguments, says):
    assert restore(portrait, "-o", tmp_path / "out.png", "--model", checkpoint, *arguments) == 0
    assert says in capsys.readouterr().out
    if "unchanged" in says:
        assert torch.equal(load_picture(tmp_path / "out.png").pixels, load_picture(portrait).pixels)


@pytest.mark.parametrize(
    ("arguments", "says"), [(["--faces", "first"], "not a face number"), (["--point", "left"], "--point left")]
)
def test_a_choice_that_cannot_be_read_is_told(portrait, checkpoint, tmp_path, capsys, arguments, says):
    assert restore(portrait, "-o", tmp_path / "out.png", "--model", checkpoint, *arguments) != 0
    assert says in capsys.readouterr().err


def test_only_the_person_of_a_reference_is_restored(portrait, checkpoint, tmp_path, capsys):
    if importlib.util.find_spec("dlib") is None or importlib.util.find_spec("face_recognition_models") is None:
        pytest.skip("dlib's face recognition is not installed: pip install dlib-bin face_recognition_models")
    known = ("--model", checkpoint, "--reference", portrait)
    assert restore(portrait, "-o", tmp_path / "out.png", *known) == 0
    assert "(1 face, " in capsys.readouterr().out
    Image.new("RGB", (64, 64)).save(tmp_path / "nobody.png")
    known = ("--model", checkpoint, "--reference", tmp_path / "nobody.png")
    assert restore(portrait, "-o", tmp_path / "other.png", *known) != 0
    assert "no face was found in the reference" in capsys.readouterr().err


def test_a_reference_without_a_recognition_network_is_told_and_not_guessed(
    portrait, checkpoint, tmp_path, capsys, monkeypatch
):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "dlib" else find_spec(name, *more)
    )
    known = ("--model", checkpoint, "--reference", portrait)
    assert restore(portrait, "-o", tmp_path / "out.png", *known) != 0
    said = capsys.readouterr().err
    assert "recognition_arcface_ir_se50.pth" in said and "dlib" in said and not (tmp_path / "out.png").exists()


def test_an_aligned_picture_is_restored_whole_and_nothing_is_detected(checkpoint, tmp_path, capsys):
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "face.png")
    aligned = ("--model", checkpoint, "--aligned", "--color", "off", "--detector", "nowhere")
    assert restore(tmp_path / "face.png", "-o", tmp_path / "out.png", *aligned) == 0
    said = capsys.readouterr()
    assert "detector: aligned" in said.err and "(1 face, 64×64)" in said.out
    changed = (load_picture(tmp_path / "out.png").pixels - load_picture(tmp_path / "face.png").pixels).abs().amax(0)
    assert (changed > 0.02).float().mean() > 0.9  # up to the edges


def test_regions_and_grain_of_a_picture(portrait, checkpoint, tmp_path, astronaut):
    targets = [tmp_path / f"{name}.png" for name in ("whole", "mouth", "grain", "again")]
    wishes = ((), ("--regions", "rest=0,mouth=1"), ("--grain", 1), ("--grain", 1))
    for target, wish in zip(targets, wishes, strict=True):
        assert restore(portrait, "-o", target, "--model", checkpoint, "--protect", "off", "--color", "off", *wish) == 0
    whole, mouth, grain, again = (load_picture(target).pixels for target in targets)
    forehead, lips = (slice(None), slice(70, 85), slice(215, 235)), (slice(None), slice(138, 144), slice(218, 232))
    assert (mouth[forehead] - astronaut[forehead]).abs().max() < 0.5 / 255
    assert (mouth[lips] - whole[lips]).abs().max() < 0.1 < (mouth[lips] - astronaut[lips]).abs().max()
    assert torch.equal(grain, again) and not torch.equal(grain, whole)


def test_small_faces_are_looked_for_when_asked_for(checkpoint, tmp_path, astronaut, capsys):
    from gpen_core.imaging.files import Picture, save_picture
    from gpen_core.imaging.lanczos import resize_lanczos

    canvas = torch.full((3, 400, 400), 0.5)
    canvas[:, 100:180, 100:180] = resize_lanczos(astronaut, (80, 80))  # a face 16 px wide
    save_picture(Picture(canvas), tmp_path / "tiny.png")
    found = []
    for size in (40, 8):
        assert (
            restore(
                tmp_path / "tiny.png",
                "-o",
                tmp_path / "o.png",
                "--model",
                checkpoint,
                "--min-face",
                size,
                "--overwrite",
            )
            == 0
        )
        found.append("(1 face" in capsys.readouterr().out)
    assert found == [False, True]


def test_strength_zero_gives_the_picture_back(portrait, checkpoint, tmp_path):
    assert restore(portrait, "-o", tmp_path / "o.png", "--model", checkpoint, "--strength", 0) == 0
    assert torch.equal(load_picture(tmp_path / "o.png").pixels, load_picture(portrait).pixels)


def test_a_picture_without_a_face_says_so(checkpoint, tmp_path, capsys):
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "black.png")
    assert restore(tmp_path / "black.png", "-o", tmp_path / "o.png", "--model", checkpoint) == 0
    assert "no face found, image unchanged" in capsys.readouterr().out
