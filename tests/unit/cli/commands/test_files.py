"""What `restore` reads and writes: folders, formats, names, and what files know."""

import os

import pytest
import torch
from PIL import Image

from gpen_core.cli import main
from gpen_core.imaging.files import load_picture


def restore(*arguments):
    return main(["restore", *map(str, arguments)])


def test_folders_globs_formats_and_names(portrait, checkpoint, tmp_path):
    source = Image.open(portrait)
    for name in ("b.jpg", "c.webp", "d.tif", "e.bmp"):
        source.resize((128, 128)).save(portrait.with_name(name))
    portrait.with_name("notes.txt").write_text("no picture")
    assert restore(portrait.parent, "-o", tmp_path / "all", "--model", checkpoint) == 0
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == [
        "astronaut.png",
        "b.jpg",
        "c.webp",
        "d.tif",
        "e.png",
    ]
    assert restore(portrait.parent / "*.jpg", "-o", tmp_path / "some", "--model", checkpoint) == 0
    assert [path.name for path in (tmp_path / "some").iterdir()] == ["b.jpg"]


def test_one_bad_file_does_not_stop_the_rest_and_the_status_says_so(portrait, checkpoint, tmp_path, capsys):
    portrait.with_name("a.png").write_bytes(b"no picture")
    assert restore(portrait.parent, "-o", tmp_path / "out", "--model", checkpoint) == 1
    said = capsys.readouterr()
    assert "failed: " in said.out and "a.png" in said.out and "1 of 2 inputs failed" in said.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["astronaut.png"]


def test_a_typing_error_among_the_inputs_is_reported_and_stops_nothing(portrait, checkpoint, tmp_path, capsys):
    assert restore(portrait, tmp_path / "tpyo.png", "-o", tmp_path / "out", "--model", checkpoint) == 1
    assert "tpyo.png: no image found" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["astronaut.png"]


def test_whatever_one_picture_does_the_others_are_restored(portrait, checkpoint, tmp_path, monkeypatch, capsys):
    portrait.with_name("b.png").write_bytes(portrait.read_bytes())
    from gpen_core.jobs import run as command

    real = command.load_picture

    def too_large(path, **options):
        if path.name == "astronaut.png":
            raise MemoryError
        return real(path, **options)

    monkeypatch.setattr(command, "load_picture", too_large)
    assert restore(portrait.parent, "-o", tmp_path / "out", "--model", checkpoint) == 1
    assert "failed: " in capsys.readouterr().out and [path.name for path in (tmp_path / "out").iterdir()] == ["b.png"]


def test_faces_and_comparison_are_written_beside(portrait, checkpoint, tmp_path):
    arguments = ("--model", checkpoint, "--save-faces", "--side-by-side", "--scale", "1.5")
    assert restore(portrait, "-o", tmp_path / "o.png", *arguments) == 0
    assert load_picture(tmp_path / "o.png-side-by-side.png").pixels.shape == (3, 768, 1536)
    assert load_picture(tmp_path / "o.png-faces" / "00-after.png").pixels.shape == (3, 64, 64)
    assert (tmp_path / "o.png-faces" / "00-before.png").exists()


@pytest.mark.parametrize(
    "stopped_at", ["astronaut.png", "00-after.png", "00-before.png", "astronaut.png-side-by-side.png"]
)
def test_a_run_stopped_between_a_result_and_what_is_beside_it_goes_on_with_all_of_it(
    portrait, checkpoint, tmp_path, monkeypatch, stopped_at
):
    from gpen_core.imaging.files import writing
    from gpen_core.jobs import beside, run

    real, options = writing.save_picture, ("--model", checkpoint, "--save-faces", "--side-by-side")

    def stopping(picture, path, quality=None):
        if path.name == stopped_at:
            raise KeyboardInterrupt
        return real(picture, path, quality)

    for module in (run, beside):
        monkeypatch.setattr(module, "save_picture", stopping)
    assert restore(portrait.parent, "-o", tmp_path / "out", *options) == 130
    monkeypatch.undo()
    assert not (tmp_path / "out" / "astronaut.png").exists()
    left = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")}
    assert restore(portrait.parent, "-o", tmp_path / "out", "--skip-existing", *options) == 0
    assert restore(portrait.parent, "-o", tmp_path / "whole", *options) == 0
    files = [path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*") if path.is_file()]
    assert len(files) == 4
    for path in files:
        assert (tmp_path / "out" / path).read_bytes() == (tmp_path / "whole" / path).read_bytes()
    assert all(path.stat().st_mtime_ns == time for path, time in left.items())
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_what_is_missing_beside_a_result_is_made_and_the_result_is_not_touched(portrait, checkpoint, tmp_path, capsys):
    assert restore(portrait, "-o", tmp_path / "out.png", "--model", checkpoint) == 0
    before = (tmp_path / "out.png").stat()
    asked = ("-o", tmp_path / "out.png", "--model", checkpoint, "--save-faces", "--side-by-side", "--skip-existing")
    Image.new("RGB", (2, 2)).save(tmp_path / "out.png-side-by-side.png")
    capsys.readouterr()
    assert restore(portrait, *asked) == 0
    assert f"{portrait} → {tmp_path / 'out.png-faces'} (1 face" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "out.png-faces").iterdir()) == ["00-after.png", "00-before.png"]
    after = (tmp_path / "out.png").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    assert Image.open(tmp_path / "out.png-side-by-side.png").size == (2, 2)
    assert restore(portrait, *asked) == 0
    assert "1 left out: all that was asked for is already there" in capsys.readouterr().err


def test_a_picture_without_a_face_gets_an_empty_folder_of_faces_so_that_it_counts_as_done(checkpoint, tmp_path, capsys):
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "wall.png")
    asked = (
        tmp_path / "wall.png",
        "-o",
        tmp_path / "out.png",
        "--model",
        checkpoint,
        "--save-faces",
        "--skip-existing",
    )
    assert restore(*asked) == 0 and list((tmp_path / "out.png-faces").iterdir()) == []
    capsys.readouterr()
    assert restore(*asked) == 0 and "1 left out" in capsys.readouterr().err


def test_faces_of_an_earlier_run_are_replaced_and_other_files_in_their_folder_stay(portrait, checkpoint, tmp_path):
    folder = tmp_path / "out.png-faces"
    folder.mkdir()
    for name in ("00-after.png", "07-after.png", "mine.txt"):
        (folder / name).write_bytes(b"old")
    asked = ("-o", tmp_path / "out.png", "--model", checkpoint, "--save-faces")
    assert restore(portrait, *asked, "--overwrite") == 0
    assert sorted(path.name for path in folder.iterdir()) == ["00-after.png", "00-before.png", "mine.txt"]
    assert (folder / "00-after.png").read_bytes() != b"old"


def test_orientation_profile_alpha_depth_and_gray_are_kept(checkpoint, tmp_path, astronaut):
    from PIL import ImageCms

    from gpen_core.imaging.files import Picture, save_picture

    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6
    folder = tmp_path / "in"
    folder.mkdir()
    save_picture(Picture(torch.cat((astronaut, astronaut[:1])), icc, bits=16), folder / "deep.png")
    save_picture(Picture(astronaut, gray=True), folder / "gray.png")
    turned = Image.fromarray(astronaut.mul(255).byte().movedim(0, -1).numpy()).transpose(Image.Transpose.ROTATE_90)
    turned.save(folder / "turned.jpg", exif=exif.tobytes(), icc_profile=icc)
    assert restore(folder, "-o", tmp_path / "out", "--model", checkpoint) == 0
    deep, gray, turned = (load_picture(tmp_path / "out" / name) for name in ("deep.png", "gray.png", "turned.jpg"))
    assert deep.bits == 16 and deep.icc == icc and deep.pixels.shape[0] == 4
    torch.testing.assert_close(deep.pixels[3], astronaut[0], atol=1e-4, rtol=0)
    assert gray.gray and turned.icc == icc
    assert (turned.pixels[:, 300:] - astronaut[:, 300:]).abs().mean() < 0.03
    read = Image.open(tmp_path / "out" / "turned.jpg").getexif()
    assert read[0x0112] == 1


def test_two_images_of_one_name_get_two_names_and_never_one_file(portrait, checkpoint, tmp_path, capsys):
    twin = tmp_path / "other" / "astronaut.png"
    twin.parent.mkdir()
    twin.write_bytes(portrait.read_bytes())
    assert restore(portrait, twin, "-o", tmp_path / "out", "--model", checkpoint) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["astronaut-2.png", "astronaut.png"]
    assert restore(portrait, twin, "-o", tmp_path / "out.png", "--model", checkpoint) == 1
    assert "is one file, but there are" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_files_name_cannot_write_to_the_terminal(portrait, checkpoint, tmp_path, capsys):
    names = ["\x1b[31mred.png", "two\nlines.png", "\u202egnp.png", "a [1] %s{}.png", "می\u200cخواهم 👩\u200d🚀.png"]
    for name in names:
        Image.new("RGB", (32, 32)).save(portrait.with_name(name))
    portrait.with_name("\x1b]0;title\x07.png").write_bytes(b"no picture")
    assert restore(portrait.parent, "-o", tmp_path / "out", "--model", checkpoint) == 1
    said = capsys.readouterr().out.splitlines()
    assert len(said) == len(names) + 2 and "\x1b" not in "".join(said)
    for shown in (r"\x1b[31mred.png", r"two\nlines.png", r"\u202egnp.png", r"\x1b]0;title\x07.png", *names[3:]):
        assert any(shown in line for line in said)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted([portrait.name, *names])
    assert restore(tmp_path / "\x1b[2Jnone.png", "-o", tmp_path / "out", "--model", checkpoint, "--overwrite") == 1
    said = capsys.readouterr()
    assert r"\x1b[2Jnone.png" in said.out + said.err and "\x1b" not in said.out + said.err


def test_a_size_that_webp_does_not_have_is_said_before_any_work(checkpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("gpen_core.jobs.run.restore_image", lambda *_, **__: pytest.fail("work was done"))
    Image.new("RGB", (16_384, 8)).save(tmp_path / "scan.png")
    assert restore(tmp_path / "scan.png", "-o", tmp_path / "out.webp", "--model", checkpoint) == 1
    assert capsys.readouterr().out == (
        f"failed: {tmp_path / 'scan.png'}: out.webp: 16384×8 pixels are too many for this format, whose sides have at most "
        "16383. Write a PNG or TIFF file.\n"
    )
    assert not (tmp_path / "out.webp").exists()
    Image.new("RGB", (8192, 8)).save(tmp_path / "half.webp")
    monkeypatch.undo()
    monkeypatch.setenv("GPEN_MODELS", str(tmp_path / "weights"))
    assert restore(tmp_path / "half.webp", "-o", tmp_path / "out.webp", "--model", checkpoint, "--scale", 2) == 1
    assert "16384×16 pixels are too many" in capsys.readouterr().out


def test_a_folder_is_restored_into_a_folder_within_it_and_again(portrait, checkpoint, tmp_path, capsys):
    asked = (portrait.parent, "-o", portrait.parent / "done", "--model", checkpoint, "--recursive", "--skip-existing")
    assert restore(*asked) == 0
    Image.open(portrait).resize((96, 96)).save(portrait.with_name("new.png"))
    capsys.readouterr()
    assert restore(*asked) == 0
    said = capsys.readouterr()
    assert f"{portrait.parent / 'done'}: 1 image in it left out, since results go there" in said.err
    assert len(said.out.splitlines()) == 1 and "new.png → " in said.out
    assert sorted(path.name for path in (portrait.parent / "done").iterdir()) == ["astronaut.png", "new.png"]
