"""Tasks beside restoration on the command line, as a user types them; models go by their published names."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.color import rgb2ycbcr

import gpen_core
from gpen_core.cli import main
from gpen_core.imaging.files import Picture, load_picture, save_picture
from gpen_core.tasks.labels import colored_labels


@pytest.fixture
def models(checkpoint, tmp_path, monkeypatch):
    """A folder in which the small model has each published task's name."""
    folder = tmp_path / "installed"
    folder.mkdir()
    for name in ("GPEN-Colorization-1024", "GPEN-Inpainting-1024", "GPEN-Seg2face-512", "GPEN-BFR-512"):
        (folder / f"{name}.pth").write_bytes(checkpoint.read_bytes())
    monkeypatch.setenv("GPEN_MODELS", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "in"
    path.mkdir()
    return path


def restore(*arguments):
    return main(["restore", *map(str, arguments)])


def luma(pixels):
    return rgb2ycbcr(pixels.double().movedim(0, -1).numpy())[..., 0]


@pytest.mark.parametrize("whole", [(), ("--whole-picture",), ("--aligned",)])
@pytest.mark.parametrize(
    ("name", "bits"), [("old.jpg", 8), ("old.png", 8), ("deep.png", 16), ("old.tif", 8), ("old.webp", 8)]
)
def test_a_gray_file_becomes_a_color_file(models, folder, tmp_path, astronaut, name, bits, whole, capsys):
    gray = astronaut.mul(torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0, keepdim=True).expand(3, -1, -1)
    save_picture(Picture(gray, gray=True, bits=bits), folder / name, 100)
    target = tmp_path / "out" / name
    assert restore(folder / name, "-o", target, "--model", "GPEN-Colorization-1024", *whole) == 0
    said = capsys.readouterr()
    assert "colorization, 64 px" in said.err and ("whole picture, 512×512" in said.out) == ("--whole-picture" in whole)
    before, after = load_picture(folder / name), load_picture(target)
    assert not after.gray and after.bits == before.bits
    colored = (after.pixels.amax(0) - after.pixels.amin(0)) > 0.05
    assert colored[64:188, 175:272].float().mean() > 0.5
    assert colored[:40, :40].any() == bool(whole)
    if name.endswith("png"):
        np.testing.assert_allclose(luma(after.pixels), luma(before.pixels), atol=0.6)
    assert "in color already" not in said.err


def test_a_gray_file_in_which_no_face_is_found_stays_gray(models, folder, tmp_path):
    save_picture(Picture(torch.rand(1, 64, 64).expand(3, -1, -1), gray=True), folder / "wall.png")
    assert restore(folder, "-o", tmp_path / "out", "--model", "GPEN-Colorization-1024") == 0
    assert load_picture(tmp_path / "out" / "wall.png").gray


def test_a_color_picture_is_told_what_happens_to_its_colors(models, portrait, tmp_path, capsys):
    assert restore(portrait, "-o", tmp_path / "o.png", "--model", "GPEN-Colorization-1024") == 0
    assert "in color already" in capsys.readouterr().err


@pytest.fixture
def mask(tmp_path):
    path = tmp_path / "mask.png"
    drawn = np.zeros((512, 512), np.uint8)
    drawn[118:126, 190:262] = 255
    Image.fromarray(drawn).save(path)
    return path


@pytest.mark.parametrize("kind", ["file", "folder", "transparent"])
def test_only_the_inside_of_the_mask_is_filled(models, portrait, mask, tmp_path, kind):
    given, drawn = mask, np.asarray(Image.open(mask))
    if kind == "folder":
        given = tmp_path / "masks"
        given.mkdir()
        mask.rename(given / "astronaut.png")
        (given / "another.png").write_bytes((given / "astronaut.png").read_bytes())
    if kind == "transparent":
        Image.merge("LA", [Image.new("L", (512, 512), 255), Image.fromarray(drawn)]).save(mask)
    target = tmp_path / "o.png"
    assert restore(portrait, "-o", target, "--model", "GPEN-Inpainting-1024", "--mask", given) == 0
    before, after = np.asarray(Image.open(portrait).convert("RGB")), np.asarray(Image.open(target))
    changed = (before != after).any(-1)
    assert not changed[drawn == 0].any() and changed[drawn > 0].mean() > 0.9


@pytest.mark.parametrize("area", [(), ("--whole-picture",)])
@pytest.mark.parametrize("where", [None, (20, 480, 60, 500)])
def test_where_nothing_is_filled_it_is_not_said_that_no_face_was_found(
    models, portrait, tmp_path, capsys, caplog, where, area
):
    drawn = Image.new("L", (512, 512))
    if where:
        drawn.paste(255, where)
    drawn.save(tmp_path / "mask.png")
    asked = ("--model", "GPEN-Inpainting-1024", "--mask", tmp_path / "mask.png", *area)
    assert restore(portrait, "-o", tmp_path / "o.png", *asked) == 0
    said = capsys.readouterr()
    assert "no face" not in said.out
    if not (where and area):
        assert "(nothing filled, image unchanged" in said.out
        assert ("The mask is empty" if where is None else "100% of the mask lies outside of faces") in said.err
        model = gpen_core.load_model("GPEN-Inpainting-1024")
        with Image.open(portrait) as opened:
            same = gpen_core.restore(opened, model, mask=drawn)
            np.testing.assert_array_equal(np.asarray(same.convert("RGB")), np.asarray(opened.convert("RGB")))
        assert "nothing was filled" in caplog.text and "no face found" not in caplog.text


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        ("GPEN-Inpainting-1024", (), "there is no mask"),
        ("GPEN-Inpainting-1024", ("--mask", "{nowhere}"), "no such file or folder"),
        ("GPEN-Inpainting-1024", ("--mask", "{empty}"), "there is none"),
        ("GPEN-Inpainting-1024", ("--mask", "{oblong}"), "512×300"),
        ("GPEN-BFR-512", ("--mask", "{mask}"), "fills nothing"),
        ("GPEN-BFR-512", ("--whole-picture",), "not on whole pictures"),
        ("GPEN-Seg2face-512", (), "no label map"),
        ("GPEN-BFR-512", ("--background", "{oblong}"), "the aspect ratios must match"),
    ],
)
def test_the_wrong_input_for_a_task_is_one_clear_line(
    models, portrait, mask, tmp_path, capsys, model, arguments, message
):
    (tmp_path / "none").mkdir()
    Image.new("RGB", (512, 300)).save(tmp_path / "oblong.png")
    places = {
        "nowhere": tmp_path / "x.png",
        "empty": tmp_path / "none",
        "oblong": tmp_path / "oblong.png",
        "mask": mask,
    }
    arguments = [argument.format(**places) for argument in arguments]
    assert restore(portrait, "-o", tmp_path / "o.png", "--model", model, *arguments) != 0
    said = capsys.readouterr()
    assert message in said.out + said.err and not (tmp_path / "o.png").exists()


def test_label_maps_become_faces_of_the_models_size(models, folder, tmp_path, capsys):
    for number in range(3):
        numbers = torch.randint(0, 19, (8, 8), generator=torch.Generator().manual_seed(number)).repeat_interleave(16, 0)
        save_picture(Picture(colored_labels(numbers.repeat_interleave(16, 1))), folder / f"{number}.png")
    Image.open(folder / "2.png").convert("P", palette=Image.Palette.ADAPTIVE, colors=32).save(
        folder / "2.png"
    )  # maps are often palettes
    assert restore(folder, "-o", tmp_path / "out", "--model", "GPEN-Seg2face-512") == 0
    assert "no face" not in capsys.readouterr().out
    faces = [load_picture(tmp_path / "out" / f"{number}.png").pixels for number in range(3)]
    assert all(face.shape == (3, 64, 64) for face in faces) and not torch.equal(faces[0], faces[1])


def test_faces_go_into_a_background_that_another_program_enlarged(models, portrait, tmp_path):
    (tmp_path / "large").mkdir()
    large = torch.zeros(3, 1536, 1536)
    large[1] = 0.25
    save_picture(Picture(large), tmp_path / "large" / "astronaut.png")
    target = tmp_path / "o.png"
    assert restore(portrait, "-o", target, "--model", "GPEN-BFR-512", "--background", tmp_path / "large") == 0
    pixels = load_picture(target).pixels
    assert pixels.shape == (3, 1536, 1536) and (pixels[:, :100, :100] - large[:, :100, :100]).abs().max() < 1 / 255
    assert (pixels - large)[:, 300:400, 650:700].abs().mean() > 0.05


def test_the_shape_of_the_blend_mask_has_a_name_of_its_own_and_the_old_one_still_works(
    models, portrait, tmp_path, capsys
):
    for number, option in enumerate(("--mask", "--mask-shape")):
        assert restore(portrait, "-o", tmp_path / f"{number}.png", "--model", "GPEN-BFR-512", option, "ellipse") == 0
        assert "mask: ellipse" in capsys.readouterr().err
        assert restore(portrait, "-o", tmp_path / "no.png", "--model", "GPEN-BFR-512", option, "parsing") != 0
        assert "parsing_parsenet.pth is not installed" in capsys.readouterr().err
