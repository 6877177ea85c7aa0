"""The command line as a user types it."""

import importlib.util
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from gpen_core.checkpoints.save import save_generator
from gpen_core.cli import main
from gpen_core.commands import gpen
from gpen_core.imaging.files import load_picture
from gpen_core.model import Discriminator, DiscriminatorConfig, Gpen, GpenConfig
from gpen_core.weights import find
from gpen_core.weights.find import bundled_file


@pytest.fixture
def published_name(checkpoint, tmp_path):
    """A folder in which the small model has a published one's name."""
    path = tmp_path / "installed" / "GPEN-BFR-512.pth"
    path.parent.mkdir()
    path.write_bytes(checkpoint.read_bytes())
    return path


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path, monkeypatch):
    """Every test starts on a machine without weights."""
    monkeypatch.setenv("GPEN_MODELS", str(tmp_path / "weights"))


@pytest.fixture
def portrait(portrait, tmp_path):
    """A folder of this test's own with the one picture in it."""
    path = tmp_path / "in" / portrait.name
    path.parent.mkdir()
    path.write_bytes(portrait.read_bytes())
    return path


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


def test_output_to_a_pipe_without_unicode_goes_on(portrait, checkpoint, tmp_path, monkeypatch):
    """As on Windows, where a pipe has no arrow."""
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, encoding="cp1252", write_through=True))
    assert restore(portrait, "-o", tmp_path / "o.png", "--model", checkpoint) == 0
    assert b"o.png (1 face" in pipe.getvalue() and b"\\u2192" in pipe.getvalue()


def test_a_log_has_no_bars_but_a_line_for_each_image(portrait, checkpoint, tmp_path, capsys):
    """Under nohup, cron or a pipe, nobody watches a bar move."""
    assert main(["restore", str(portrait), "-o", str(tmp_path / "out.png"), "--model", str(checkpoint)]) == 0
    printed = capsys.readouterr()
    assert "it/s" not in printed.err and "image/s" not in printed.err and "\r" not in printed.err
    assert len(printed.out.splitlines()) == 1 and "out.png" in printed.out


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


def test_faces_and_comparison_are_written_beside(portrait, checkpoint, tmp_path):
    arguments = ("--model", checkpoint, "--save-faces", "--side-by-side", "--scale", "1.5")
    assert restore(portrait, "-o", tmp_path / "o.png", *arguments) == 0
    assert load_picture(tmp_path / "o.png-side-by-side.png").pixels.shape == (3, 768, 1536)
    assert load_picture(tmp_path / "o.png-faces" / "00-after.png").pixels.shape == (3, 64, 64)
    assert (tmp_path / "o.png-faces" / "00-before.png").exists()


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


def test_strength_zero_gives_the_picture_back(portrait, checkpoint, tmp_path):
    assert restore(portrait, "-o", tmp_path / "o.png", "--model", checkpoint, "--strength", 0) == 0
    assert torch.equal(load_picture(tmp_path / "o.png").pixels, load_picture(portrait).pixels)


def test_a_picture_without_a_face_says_so(checkpoint, tmp_path, capsys):
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "black.png")
    assert restore(tmp_path / "black.png", "-o", tmp_path / "o.png", "--model", checkpoint) == 0
    assert "no face found, image unchanged" in capsys.readouterr().out


NOTICE = f"using the small bundled model. For best quality, download GPEN-BFR-512 ({gpen('download GPEN-BFR-512')})"


def test_where_nothing_is_installed_the_bundled_model_restores_and_that_is_said_once(portrait, tmp_path, capsys):
    assert restore(portrait, "-o", tmp_path / "o.png", "--protect", "off") == 0
    said = capsys.readouterr()
    assert "(1 face, 512×512)" in said.out and said.err.count(NOTICE) == 1 and "non-commercial" in said.err
    assert not torch.equal(load_picture(tmp_path / "o.png").pixels, load_picture(portrait).pixels)
    assert restore(portrait, "-o", tmp_path / "chosen.png", "--model", "bundled", "--protect", "off") == 0
    assert "bundled small model" not in capsys.readouterr().err  # whoever chose it knows
    assert (tmp_path / "chosen.png").read_bytes() == (tmp_path / "o.png").read_bytes()


def test_a_published_model_that_was_asked_for_is_not_replaced_by_another(portrait, tmp_path, capsys):
    assert restore(portrait, "-o", tmp_path / "o.png", "--model", "GPEN-BFR-512") == 1
    said = capsys.readouterr().err
    for part in ("GPEN-BFR-512.pth", "download GPEN-BFR-512", "https://", "non-commercial", "choose 'bundled'"):
        assert part in said
    assert not (tmp_path / "o.png").exists()


def test_a_model_is_found_by_its_name_in_the_users_folder(portrait, published_name, tmp_path, capsys):
    for number, name in enumerate(("gpen-bfr-512", "GPEN-BFR-512.pth", None)):
        chosen = () if name is None else ("--model", name)
        assert restore(portrait, "-o", tmp_path / f"{number}.png", "--models", published_name.parent, *chosen) == 0
        said = capsys.readouterr().err
        assert "GPEN-BFR-512.pth: restoration, 64 px" in said and "bundled" not in said
    assert (
        restore(portrait, "-o", tmp_path / "o.png", "--models", published_name.parent, "--model", "gpen-bfr-1024") == 1
    )
    assert "GPEN-BFR-1024.pth is not installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing.png", "-o", "o.png"), "'missing.png': no image found"),
        (("{in}", "{in}", "-o", "{in}"), "is the input itself"),
        (("{in}", "-o", "o.png", "--strength", "2"), "strength must be from 0 to 1"),
        (("{in}", "-o", "o.png", "--scale", "99"), "scale must be"),
        (("{in}", "-o", "o.gif"), "is an image: name the result like one"),
        (("{in}", "-o", "o.bmp"), "cannot write '.bmp' files"),
        (("{in}", "-o", "o.png", "--detector", "yolo"), "yolo: neither a file nor a detector"),
        (("{in}", "-o", "o.png", "--device", "tpu"), "device 'tpu' cannot be used"),
        (("{in}", "-o", "o.png", "--mask", "parsing"), "parsing_parsenet.pth is not installed"),
        (("{in}", "-o", "o.png", "--task", "magic"), "unknown task 'magic'"),
        (("{in}", "-o", "o.png", "--regions", "elbow=1"), "no region of a face is called 'elbow'"),
        (("{in}", "-o", "o.png", "--regions", "eyes"), "Write them as eyes=1,skin=0.5,rest=0"),
        (("{in}", "-o", "o.png", "--grain", "2"), "grain must be from 0 to 1"),
    ],
)
def test_wrong_usage_ends_in_one_clear_line(portrait, checkpoint, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    filled = [argument.replace("{in}", str(portrait)) for argument in arguments]
    assert restore(*filled, "--model", checkpoint) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "o.png").exists()


def test_two_images_of_one_name_get_two_names_and_never_one_file(portrait, checkpoint, tmp_path, capsys):
    twin = tmp_path / "other" / "astronaut.png"
    twin.parent.mkdir()
    twin.write_bytes(portrait.read_bytes())
    assert restore(portrait, twin, "-o", tmp_path / "out", "--model", checkpoint) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["astronaut-2.png", "astronaut.png"]
    assert restore(portrait, twin, "-o", tmp_path / "out.png", "--model", checkpoint) == 1
    assert "is one file, but there are" in capsys.readouterr().err


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


def test_no_command_is_wrong_usage():
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--scale", "big"), "'big'"),
        (("--strength", "much"), "'much'"),
        (("--memory", "1.5"), "'1.5'"),
        (("--quality", "500"), "'500'"),
        (("--max-input-megapixels", "inf"), "'inf'"),
        (("--color", "blue"), "'blue'"),
        (("--modle", "x"), "--modle x"),
        (("--max-faces", "-3"), "-3"),
        (("--min-face", "nan"), "nan"),
        (("--device", "cude"), "'cude'"),
    ],
)
def test_a_wrong_option_is_one_line_that_names_what_was_typed(portrait, checkpoint, tmp_path, capsys, arguments, words):
    try:
        assert restore(portrait, "-o", tmp_path / "out.png", "--model", checkpoint, *arguments) == 1
    except SystemExit as ended:
        assert ended.code == 2
    said = capsys.readouterr()
    assert not said.out and said.err.startswith("error: ") and said.err.count("\n") == 1 and words in said.err


@pytest.mark.skipif(os.name != "posix", reason="streams are closed by a POSIX shell")
@pytest.mark.parametrize(
    ("streams", "environment"),
    [
        ("<&- >&- 2>&-", {}),
        (">&-", {}),
        ("2>&-", {}),
        ("", {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}),
        ("", {"HOME": "/nowhere at all"}),
    ],
)
def test_it_works_without_a_terminal_and_in_any_encoding(
    portrait, checkpoint, tmp_path, repo_root, streams, environment
):
    command = f'exec "$0" -m gpen_core restore "$1" -o "$2" --model "$3" {streams}'
    target = tmp_path / "größe → 写真.png"
    ran = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, portrait, target, checkpoint],
        env={**{k: v for k, v in os.environ.items() if k != "HOME"}, **environment}, cwd=repo_root, capture_output=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert load_picture(target).pixels.shape == (3, 512, 512) and b"Traceback" not in ran.stderr
