"""The `demo` command as a user types it."""

import sys

import pytest
import torch
from PIL import Image

from gpen_core.cli import main
from gpen_core.cli.demo import degrade_photo
from gpen_core.imaging.files import Picture, load_picture, save_picture
from gpen_core.imaging.lanczos import resize_lanczos

CAPTION, PANEL, GAP = 34, 512, 8


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path, monkeypatch):
    """Every test starts on a machine without weights, in a folder of its own."""
    monkeypatch.setenv("GPEN_MODELS", str(tmp_path / "weights"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def demo(*arguments):
    return main(["demo", *map(str, arguments)])


def panels(path, height=PANEL):
    """Degraded, restored, original: the whole pictures of the first row, and the faces of the second."""
    sheet = load_picture(path).pixels
    assert sheet.shape == (3, CAPTION + height + GAP + PANEL, 3 * PANEL + 2 * GAP)
    columns = [sheet[:, :, left : left + PANEL] for left in (0, PANEL + GAP, 2 * (PANEL + GAP))]
    whole = [column[:, CAPTION : CAPTION + height] for column in columns]
    return whole, [column[:, CAPTION + height + GAP :] for column in columns]


def detail(picture):
    """How much changes from pixel to pixel."""
    return (picture[:, :, 1:] - picture[:, :, :-1]).abs().mean()


def test_the_command_alone_restores_the_astronaut_with_the_bundled_model(tmp_path, astronaut, capsys):
    assert demo() == 0
    path = tmp_path / "here" / "gpen-demo.png"
    said = capsys.readouterr()
    assert str(path) in said.out and "gpen-bundled-256.safetensors: restoration-ffhq, 256 px" in said.err
    assert "-m gpen_core restore PHOTO.jpg" in said.err and "download GPEN-BFR-512" in said.err
    (degraded, restored, original), faces = panels(path)
    assert (original - astronaut).abs().max() < 1.1 / 255
    assert detail(degraded[:, 64:188, 175:272]) < 0.7 * detail(original[:, 64:188, 175:272])  # visibly degraded
    changed = (restored - degraded).abs().amax(0)
    assert changed[64:188, 175:272].max() > 0.05  # the face is another
    assert changed[300:].mean() < 0.01  # and the rest is as it was, up to resizing
    assert (faces[1] - faces[0]).abs().mean() > 2 * changed[300:].mean()


def test_a_seed_is_a_picture(portrait, checkpoint, tmp_path, astronaut, astronaut_face):
    for name in ("a.png", "b.png"):
        assert demo(portrait, "--model", checkpoint, "--seed", 3, "-o", name) == 0
    a, b = ((tmp_path / "here" / name).read_bytes() for name in ("a.png", "b.png"))
    assert a == b
    assert not torch.equal(*(degrade_photo(astronaut, astronaut_face, seed) for seed in (3, 4)))


def test_photographs_of_any_size_shape_and_alpha(astronaut, checkpoint, tmp_path):
    wide = torch.full((4, 360, 1080), 0.5)
    wide[:3, :, 360:720] = resize_lanczos(astronaut, (360, 360))
    wide[3, :, :10] = 0
    save_picture(Picture(wide), tmp_path / "wide.png")
    assert demo(tmp_path / "wide.png", "--model", checkpoint, "-o", "wide.png") == 0
    (_, _, original), _ = panels("wide.png", 170)
    assert original[:, :, :2].min() > 0.99  # what was transparent lies on white
    large = resize_lanczos(astronaut[:, 20:260, 100:340], (700, 700))  # the face fills the frame
    save_picture(Picture(large), tmp_path / "large.jpg")
    assert demo(tmp_path / "large.jpg", "--model", checkpoint, "-o", tmp_path) == 0
    (degraded, _, original), _ = panels(tmp_path / "gpen-demo.png")  # a folder gets a file of that name
    assert detail(degraded) < 0.8 * detail(original)


def test_a_face_is_degraded_alike_at_any_size(astronaut, astronaut_face):
    """The photograph enlarged and its face with it: what is left of the face is the same, at twice the size."""
    from dataclasses import replace

    twice = replace(
        astronaut_face, landmarks=tuple((2 * x + 0.5, 2 * y + 0.5) for x, y in astronaut_face.landmarks),
        image_size=(1024, 1024),
    )  # fmt: skip
    small = degrade_photo(astronaut, astronaut_face, 0)
    large = degrade_photo(resize_lanczos(astronaut, (1024, 1024)), twice, 0)
    torch.testing.assert_close(detail(large) * 2, detail(small), rtol=0.1, atol=0)
    assert (resize_lanczos(large, (512, 512)) - small).abs().mean() < 0.03


@pytest.mark.parametrize("shape", [(512, 300), (300, 512)])
def test_degrading_keeps_size_and_place(astronaut, astronaut_face, shape):
    photo = astronaut[:, : shape[0], : shape[1]]
    found = degrade_photo(photo, astronaut_face, 0)
    assert found.shape == photo.shape and found.min() >= 0 and found.max() <= 1
    assert (found - photo).abs().mean() < 0.06


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing.png",), "missing.png: cannot be read"),
        (("black.png",), "black.png: no face found (mtcnn)"),
        (("black.png", "-o", "black.png"), "is the photograph itself"),
        (("black.png", "-o", "out.gif"), "cannot write '.gif' files"),
        (("black.png", "--seed", "-1"), "--seed must be at least 0"),
        (("black.png", "--model", "GPEN-BFR-512"), "GPEN-BFR-512.pth is not installed"),
    ],
)
def test_wrong_usage_ends_in_one_clear_line(checkpoint, tmp_path, capsys, arguments, message):
    Image.new("RGB", (64, 64)).save("black.png")
    before = (tmp_path / "here" / "black.png").read_bytes()
    assert demo("--model", checkpoint, *arguments) == 1
    assert message in capsys.readouterr().err
    files = list((tmp_path / "here").iterdir())
    assert [file.name for file in files] == ["black.png"] and files[0].read_bytes() == before


def test_a_face_that_degrading_hides_is_an_error(astronaut, checkpoint, tmp_path, capsys):
    save_picture(Picture(0.5 + 0.05 * (astronaut - 0.5)), tmp_path / "faint.png")
    assert demo(tmp_path / "faint.png", "--model", checkpoint) == 1
    assert "no face was found after degrading it" in capsys.readouterr().err
    assert list((tmp_path / "here").iterdir()) == []


def test_without_scikit_image_the_astronaut_is_asked_for(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "skimage", None)
    assert demo() == 1
    assert "pip install scikit-image, or name a photograph" in capsys.readouterr().err
