"""The contact sheet, and the command that writes it."""

import numpy as np
import pytest
from PIL import Image

from gpen_core.cli import main
from gpen_core.errors import OptionError
from gpen_core.lab.degradation import RECIPES, Degradation, DegradationRecipe
from gpen_core.lab.degradation.sheet import caption, contact_sheet, samples


def faces(count=2, size=32):
    return list(np.random.default_rng(0).random((count, size, size, 3), dtype=np.float32))


@pytest.fixture
def folder(tmp_path, portrait):
    """Two pictures, one of them square."""
    where = tmp_path / "faces"
    where.mkdir()
    with Image.open(portrait) as picture:
        picture.resize((64, 64)).save(where / "a.png")
        picture.resize((90, 60)).save(where / "b.jpg")
    return where


def test_faces_come_in_turn_and_a_sample_depends_on_its_number_alone():
    recipe = DegradationRecipe(gray_probability=0, flip_probability=0)
    some = list(samples(faces(), recipe, seed=1, count=5))
    few = list(samples(faces(), recipe, seed=1, count=2))
    for index, sample in enumerate(some):
        np.testing.assert_array_equal(sample.result.target, faces()[index % 2])
    for one, other in zip(some, few):
        assert one.degradation == other.degradation
        np.testing.assert_array_equal(one.result.low, other.result.low)
    assert len({sample.degradation for sample in some}) == 5


def test_the_sheet_shows_each_target_beside_its_degraded_face():
    shown = list(samples(faces(), RECIPES["released"], seed=0, count=3))
    sheet = contact_sheet(shown, columns=1)
    height = len(sheet) // 3
    for number, sample in enumerate(shown):
        top = number * height + 8
        pair = sheet[top : top + 32, 8:72] / 255
        expected = np.concatenate((sample.result.target, sample.result.low), axis=1)
        np.testing.assert_allclose(pair, expected, atol=0.5 / 255 + 1e-6)
        assert sheet[top + 32 : (number + 1) * height].min() < 128  # the caption


def test_the_caption_names_what_was_drawn_and_nothing_else():
    drawn = Degradation(
        "gaussian", (1.5, 9.5), angle=-0.5, downsample=3.8, noise_sigma=16.6, jpeg_quality=76, gray=True
    )
    assert caption(drawn) == ("blur of sigma 1.5 by 9.5 px at 151°", "shrunk 3.8 times · noise 16.6 · JPEG 76 · gray")
    drawn = Degradation("motion", length=12.34, downsample=0.8, gray=True, gray_target=False, flip=True)
    assert caption(drawn) == ("motion blur, 12.3 px at 0°", "enlarged 1.25 times · gray, target in color · mirrored")
    assert caption(Degradation("gaussian", (2.0, 2.0))) == ("blur of sigma 2.0 px", "nothing else")
    assert caption(Degradation()) == ("no blur", "nothing else")


def test_a_sheet_of_nothing_is_refused():
    for given in ([], faces()):
        with pytest.raises(OptionError, match="at least one face"):
            list(samples(given, RECIPES["released"], 0, 0))
    with pytest.raises(OptionError, match="at least one sample"):
        contact_sheet([])


def test_the_command_writes_the_same_sheet_for_the_same_seed(folder, tmp_path, capsys):
    written = {}
    for name, seed in (("one", "7"), ("same", "7"), ("other", "8")):
        path = tmp_path / f"{name}.png"
        arguments = ["degrade-sheet", str(folder), "--size", "48", "--count", "3", "--seed", seed, "-o", str(path)]
        assert main(arguments) == 0
        written[name] = path.read_bytes()
    assert written["one"] == written["same"] != written["other"]
    assert "3 samples" in capsys.readouterr().err
    with Image.open(tmp_path / "one.png") as sheet:
        assert sheet.width == 2 * 48 + 16


def test_the_command_takes_one_picture_another_recipe_and_a_configuration(folder, tmp_path):
    sheets = set()
    for number, which in enumerate((["--recipe", "paper"], ["--recipe", "released"], ["--config", "paper"])):
        path = tmp_path / f"{number}.png"
        assert (
            main(["degrade-sheet", str(folder / "b.jpg"), *which, "--size", "32", "--count", "1", "-o", str(path)]) == 0
        )
        sheets.add(path.read_bytes())
    assert len(sheets) == 2  # the preset "paper" degrades by the recipe of that name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no image found"),
        (["{folder}", "--count", "0"], "at least 1"),
        (["{folder}", "--size", "8"], "at least 16"),
        (["{folder}", "--config", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_the_command_says_what_is_wrong(folder, tmp_path, capsys, arguments, message):
    arguments = [argument.format(folder=folder) for argument in arguments]
    assert main(["degrade-sheet", *arguments, "-o", str(tmp_path / "sheet.png")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "sheet.png").exists()


def test_the_command_overwrites_none_of_the_faces(folder, capsys):
    before = (folder / "a.png").read_bytes()
    assert main(["degrade-sheet", str(folder), "-o", str(folder / "a.png")]) == 1
    assert "one of the faces" in capsys.readouterr().err
    assert (folder / "a.png").read_bytes() == before
