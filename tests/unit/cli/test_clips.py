"""python -m gpen_core restore, with clips among the images."""

import importlib.util

import numpy as np
import pytest
from PIL import Image, ImageCms

from gpen_core.cli import main
from gpen_core.cli.clips import seconds_of
from gpen_core.errors import OptionError

av = pytest.importorskip("av", reason="PyAV reads and writes clips: pip install av")
pytestmark = pytest.mark.skipif(importlib.util.find_spec("mtcnn") is None, reason="the mtcnn package is not installed")


@pytest.fixture(scope="module")
def clip(tmp_path_factory, portrait):
    """8 frames of the portrait, moving sideways."""
    picture = Image.open(portrait).crop((100, 20, 340, 220))
    path = tmp_path_factory.mktemp("clips") / "talk.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 200, 180, "yuv420p"
        for number in range(8):
            view = picture.crop((number, 4, number + 200, 184))
            output.mux(stream.encode(av.VideoFrame.from_image(view)))
        output.mux(stream.encode(None))
    return path


def run(*arguments, checkpoint):
    return main(["restore", *map(str, arguments), "--model", str(checkpoint), "--detector", "mtcnn"])


def frames_of(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_a_clip_is_restored_into_a_clip(clip, checkpoint, tmp_path, capsys):
    assert run(clip, "-o", tmp_path / "out.mp4", checkpoint=checkpoint) == 0
    assert "8 frames; 1 face restored in 8 of them. 200×180" in capsys.readouterr().out
    before, after = frames_of(clip), frames_of(tmp_path / "out.mp4")
    assert len(after) == 8 and after[0].shape == before[0].shape
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_folder_of_images_and_clips_gives_both(clip, portrait, checkpoint, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "talk.mp4").write_bytes(clip.read_bytes())
    Image.open(portrait).crop((100, 20, 340, 220)).save(folder / "face.png")
    assert run(folder, "-o", tmp_path / "out", "--end", "0:00.2", checkpoint=checkpoint) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["face.png", "talk.mp4"]
    assert len(frames_of(tmp_path / "out" / "talk.mp4")) == 5


def test_codec_and_kind_follow_what_is_asked_for(clip, checkpoint, tmp_path):
    options = ["--codec", "vp9", "--crf", "40", "--format", "webm", "--end", "0.2"]
    assert run(clip, "-o", tmp_path / "out", *options, checkpoint=checkpoint) == 0
    with av.open(str(tmp_path / "out" / "talk.webm")) as container:
        assert container.streams.video[0].codec_context.name in ("vp9", "libvpx-vp9")


def test_an_image_is_no_clip_and_a_clip_no_image(clip, portrait, checkpoint, tmp_path, capsys):
    assert run(clip, "-o", tmp_path / "out.png", checkpoint=checkpoint) == 1
    assert "is a clip: name the result like one" in capsys.readouterr().err
    assert run(portrait, "-o", tmp_path / "out.mp4", checkpoint=checkpoint) == 1
    assert "is an image" in capsys.readouterr().err


def test_a_damaged_clip_fails_and_leaves_nothing(clip, checkpoint, tmp_path, capsys):
    (tmp_path / "in.mp4").write_bytes(b"no clip" * 99)
    assert run(tmp_path / "in.mp4", clip, "-o", tmp_path / "out", "--end", "0.1", checkpoint=checkpoint) == 1
    assert "failed: " in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["talk.mp4"]


@pytest.mark.parametrize(("text", "seconds"), [("75.5", 75.5), ("1:15", 75), ("1:00:02.5", 3602.5)])
def test_times_are_seconds_or_clock_times(text, seconds):
    assert seconds_of("--start", text) == seconds


@pytest.mark.parametrize("text", ["", "later", "1:2:3:4", "-5"])
def test_what_is_no_time_is_said(text):
    with pytest.raises(OptionError, match="write seconds"):
        seconds_of("--start", text)


def animation(path, portrait, **options):
    pictures = [Image.open(portrait).convert("RGB").crop((100 + n, 24, 300 + n, 204)) for n in range(6)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], **options)
    return path


def test_no_other_programs_format_is_opened_as_an_animation(tmp_path, checkpoint, monkeypatch, capsys):
    """Pillow would give the first of these to Ghostscript, whatever it is called."""
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *given, **named: pytest.fail("Ghostscript was started"))
    Image.new("RGB", (64, 64), "gray").save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "a.gif")
    assert run(tmp_path / "a.gif", "-o", tmp_path / "out.gif", checkpoint=checkpoint) == 1
    assert "a.gif: not an image file" in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["png", "webp", "tif"])
def test_whether_a_large_picture_moves_is_asked_without_pillows_limit(ending, tmp_path, monkeypatch):
    from gpen_core.video.animated import is_animation

    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    still, moving = tmp_path / f"still.{ending}", tmp_path / f"moving.{ending}"
    pictures = [Image.new("RGB", (64, 64), color) for color in ("gray", "red")]
    pictures[0].save(still)
    pictures[0].save(moving, save_all=True, append_images=pictures[1:])
    assert is_animation(moving) and not is_animation(still)


@pytest.mark.parametrize("ending", ["gif", "webp", "png", "tif"])
def test_an_animation_stays_one_with_its_timing(ending, portrait, checkpoint, tmp_path, capsys):
    durations = [80, 120, 40, 200, 80, 300]
    timing = {} if ending == "tif" else {"duration": durations, "loop": 3}
    source = animation(tmp_path / f"in.{ending}", portrait, **timing)
    target = tmp_path / f"out.{ending}"
    assert run(source, "-o", target, "--protect", "off", checkpoint=checkpoint) == 0
    assert "6 frames; 1 face restored in 6 of them." in capsys.readouterr().out
    with Image.open(target) as picture:
        assert picture.n_frames == 6 and picture.size == (200, 180)
        found = []
        for number in range(6):
            picture.seek(number)
            picture.load()
            found.append(picture.info.get("duration"))
        if timing:
            assert found == durations and picture.info["loop"] == 3


@pytest.mark.parametrize("ending", ["gif", "apng"])
def test_a_gif_that_is_shown_once_is_shown_once_when_it_is_restored(ending, portrait, checkpoint, tmp_path):
    source, target = animation(tmp_path / "in.gif", portrait), tmp_path / f"out.{ending}"
    with Image.open(source) as picture:
        assert "loop" not in picture.info
    assert run(source, "-o", target, "--protect", "off", checkpoint=checkpoint) == 0
    with Image.open(target) as picture:
        assert picture.n_frames == 6 and picture.info.get("loop") == (None if ending == "gif" else 1)


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_a_part_of_an_animation_is_restored_with_the_timing_of_its_frames(ending, portrait, checkpoint, tmp_path):
    durations = [80, 120, 40, 200, 80, 300]  # the frames appear at 0, 80, 200, 240, 440 and 520 ms
    source, target = animation(tmp_path / f"in.{ending}", portrait, duration=durations), tmp_path / f"out.{ending}"
    part = ("--start", "0.1", "--end", "0.44")
    assert run(source, "-o", target, "--protect", "off", *part, checkpoint=checkpoint) == 0
    with Image.open(target) as picture:
        assert picture.n_frames == 2
        found = []
        for number in range(2):
            picture.seek(number)
            picture.load()
            found.append(picture.info["duration"])
    assert found == [40, 200]


def test_a_part_without_frames_or_times_is_an_error(portrait, checkpoint, tmp_path, capsys):
    late = animation(tmp_path / "late.gif", portrait, duration=100)
    assert run(late, "-o", tmp_path / "out.gif", "--start", "9", checkpoint=checkpoint) == 1
    assert "late.gif: there is no frame between 9.0 and the end s" in capsys.readouterr().out
    pages = animation(tmp_path / "pages.tif", portrait)
    assert run(pages, "-o", tmp_path / "out.tif", "--end", "1", checkpoint=checkpoint) == 1
    assert "the pages of a TIFF file have no times" in capsys.readouterr().out
    assert not list(tmp_path.glob("out*"))


def test_pages_of_16_bits_are_read_as_they_are_and_their_loss_is_said(portrait, checkpoint, tmp_path, capsys):
    gray = [Image.open(portrait).convert("L").crop((100 + n, 24, 300 + n, 204)) for n in range(3)]
    deep = [Image.fromarray(np.asarray(page).astype(np.uint16) * 257) for page in gray]
    source, target = tmp_path / "in.tif", tmp_path / "out.tif"
    deep[0].save(source, save_all=True, append_images=deep[1:])
    assert run(source, "-o", target, "--protect", "off", checkpoint=checkpoint) == 0
    assert "out.tif has 8 bits a color where in.tif has 16." in capsys.readouterr().out
    with Image.open(target) as picture:
        assert picture.n_frames == 3
        beside = np.asarray(picture.convert("L"))[-20:, -20:].astype(int)  # of the face
    assert np.abs(beside - np.asarray(gray[0])[-20:, -20:]).max() <= 2


def test_an_animation_is_opened_once_to_be_restored(portrait, checkpoint, tmp_path, monkeypatch):
    from gpen_core.video import animated

    source, opened = animation(tmp_path / "in.webp", portrait, duration=80), []

    def counted(path, *, before=animated.opened):
        opened.append(path)
        return before(path)

    monkeypatch.setattr(animated, "opened", counted)
    monkeypatch.setattr("gpen_core.jobs.job.is_animation", lambda path: True)
    assert run(source, "-o", tmp_path / "out.webp", "--protect", "off", checkpoint=checkpoint) == 0
    assert opened == [source]


@pytest.mark.parametrize("ending", ["gif", "webp", "png", "tif"])
def test_a_damaged_animation_is_an_error_that_names_it(ending, portrait, checkpoint, tmp_path, capsys):
    source = animation(tmp_path / f"in.{ending}", portrait, **({} if ending == "tif" else {"duration": 80}))
    data = source.read_bytes()
    for share in (0.3, 0.6, 0.9):
        source.write_bytes(data[: int(len(data) * share)])
        assert run(source, "-o", tmp_path / f"out.{ending}", "--protect", "off", checkpoint=checkpoint) == 1
        assert f"in.{ending}: " in capsys.readouterr().out
    assert not list(tmp_path.glob("out*"))


def test_a_png_for_programs_without_animations_shows_its_first_frame_to_them(portrait, checkpoint, tmp_path):
    hidden = Image.new("RGB", (200, 180), "red")
    frames = [Image.open(portrait).convert("RGB").crop((100 + n, 24, 300 + n, 204)) for n in range(4)]
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    hidden.save(source, save_all=True, default_image=True, append_images=frames, duration=[40, 80, 120, 160])
    assert run(source, "-o", target, "--protect", "off", checkpoint=checkpoint) == 0
    with Image.open(target) as picture:
        assert picture.n_frames == 4 and not picture.info.get("default_image")
        assert np.abs(np.asarray(picture).astype(int) - np.asarray(frames[0]))[-20:, -20:].max() <= 2  # beside the face
        picture.seek(3)
        assert picture.info["duration"] == 160


def test_pages_of_other_sizes_are_an_error_that_says_which(portrait, checkpoint, tmp_path, capsys):
    pages = [Image.open(portrait).convert("RGB").crop((100, 24, 300, 204)) for _ in range(3)]
    pages.append(pages[0].crop((0, 0, 150, 180)))
    pages[0].save(tmp_path / "in.tif", save_all=True, append_images=pages[1:])
    assert run(tmp_path / "in.tif", "-o", tmp_path / "out.tif", checkpoint=checkpoint) == 1
    assert "in.tif: page 4 is 150×180 px, but the first one is 200×180" in capsys.readouterr().out


@pytest.mark.parametrize(("before", "after"), [("webp", "webp"), ("png", "png"), ("tif", "tif"), ("apng", "gif")])
def test_an_animation_keeps_the_profile_of_its_colors_where_the_file_can_hold_it(
    before, after, portrait, checkpoint, tmp_path, capsys
):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source, target = animation(tmp_path / f"in.{before}", portrait, icc_profile=profile), tmp_path / f"out.{after}"
    assert run(source, "-o", target, "--protect", "off", checkpoint=checkpoint) == 0
    with Image.open(target) as picture:
        assert picture.info.get("icc_profile") == (None if after == "gif" else profile)
    assert ("out.gif cannot hold the color profile of in.apng." in capsys.readouterr().out) == (after == "gif")


def test_a_film_as_an_animation_is_an_error_that_says_what_it_can_be(clip, checkpoint, tmp_path, capsys):
    assert run(clip, "-o", tmp_path / "out.gif", checkpoint=checkpoint) == 1
    assert "talk.mp4' is a clip: name the result like one (.mp4, .mov, .mkv" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("before", "after", "said", "then"),
    [
        ("gif", "webp", 3, 4),
        ("webp", "gif", 3, 2),
        ("gif", "png", 0, 0),
        ("png", "webp", 3, 3),
        ("webp", "gif", 1, None),
    ],
)
def test_animations_become_others_with_their_timing(before, after, said, then, portrait, checkpoint, tmp_path):
    """A GIF says how often it is shown again, or nothing; the others, how often it is shown."""
    source, durations = tmp_path / f"in.{before}", [80, 120, 40, 200, 80, 300]
    animation(source, portrait, duration=durations, loop=said)
    assert run(source, "-o", tmp_path / f"out.{after}", "--protect", "off", checkpoint=checkpoint) == 0
    with Image.open(tmp_path / f"out.{after}") as picture:
        assert picture.format.lower() == after and picture.n_frames == 6
        found = []
        for number in range(6):
            picture.seek(number)
            picture.load()
            found.append(picture.info["duration"])
        assert found == durations and picture.info.get("loop") == then


def test_what_a_format_cannot_say_of_times_is_said(portrait, checkpoint, tmp_path, capsys):
    source = animation(tmp_path / "in.webp", portrait, duration=33)
    assert run(source, "-o", tmp_path / "out.gif", "--protect", "off", checkpoint=checkpoint) == 0
    assert "out.gif counts in hundredths of a second: its frames' times were rounded" in capsys.readouterr().out
    with Image.open(tmp_path / "out.gif") as picture:
        found = []
        for number in range(6):
            picture.seek(number)
            picture.load()
            found.append(picture.info["duration"])
    assert found == [30, 40, 30, 30, 30, 40]  # 200 ms, as the six of 33 have 198
    assert run(source, "-o", tmp_path / "out.tif", "--protect", "off", checkpoint=checkpoint) == 0
    assert "out.tif cannot hold how long its frames are shown" in capsys.readouterr().out


def test_a_gif_of_one_picture_is_a_picture_with_all_that_is_beside_one(portrait, checkpoint, tmp_path, capsys):
    Image.open(portrait).crop((100, 24, 300, 204)).save(tmp_path / "still.gif", comment=b"from 1931")
    options = ("--side-by-side", "--save-faces", "--protect", "off")
    assert run(tmp_path / "still.gif", "-o", tmp_path / "out", *options, checkpoint=checkpoint) == 0
    assert "1 face" in capsys.readouterr().out
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert made == ["still.png", "still.png-faces", "still.png-side-by-side.png"]
    with Image.open(tmp_path / "out" / "still.png") as picture:
        assert picture.text["Comment"] == "from 1931"
    assert run(tmp_path / "still.gif", "-o", tmp_path / "out.jpg", checkpoint=checkpoint) == 0
    assert run(tmp_path / "still.gif", "-o", tmp_path / "out.gif", checkpoint=checkpoint) == 0
    assert "(1 frame; " in capsys.readouterr().out


def test_a_picture_of_one_frame_is_no_animation(portrait, checkpoint, tmp_path, capsys):
    assert run(portrait, "-o", tmp_path / "out.png", checkpoint=checkpoint) == 0
    assert "frames;" not in capsys.readouterr().out
