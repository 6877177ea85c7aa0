"""What a clip's file holds beside picture and sound: chapters come along, and the rest is named."""

from fractions import Fraction

import numpy as np
import pytest

from gpen_core.video import ClipReader

av = pytest.importorskip("av", reason="PyAV reads and writes clips: pip install av")
MILLISECONDS = Fraction(1, 1000)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A second of film with two chapters, another picture track and an attached text."""
    path = tmp_path_factory.mktemp("extras") / "film.mkv"
    with av.open(str(path), "w") as output:
        if not hasattr(output, "set_chapters") or not hasattr(output, "add_attachment"):
            pytest.skip("this PyAV writes no chapters or attachments")
        tracks = [output.add_stream("libx264", rate=25) for _ in range(2)]
        for track in tracks:
            track.width, track.height, track.pix_fmt = 64, 64, "yuv420p"
        output.add_attachment("notes.txt", "text/plain", b"shot in May")
        titles = (("one", 0, 400), ("two", 400, 1000))
        output.set_chapters(
            [
                {"id": number, "start": a, "end": b, "time_base": MILLISECONDS, "metadata": {"title": title}}
                for number, (title, a, b) in enumerate(titles, 1)
            ]
        )
        for track in tracks:
            for number in range(25):
                frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 9 * number, np.uint8), format="rgb24")
                output.mux(track.encode(frame))
            output.mux(track.encode(None))
    return path


def seconds(chapter):
    return tuple(float(chapter[key] * chapter["time_base"]) for key in ("start", "end"))


def test_chapters_are_counted_from_the_beginning_of_what_is_restored(film):
    with ClipReader(film, 0.2, 0.7) as reader:
        one, two = reader.extras(".mp4").chapters
    assert (one["metadata"]["title"], *seconds(one)) == ("one", 0.0, pytest.approx(0.2))
    assert (two["metadata"]["title"], *seconds(two)) == ("two", pytest.approx(0.2), pytest.approx(0.5))
    with ClipReader(film, 0.5) as reader:
        assert [chapter["metadata"]["title"] for chapter in reader.extras(".mp4").chapters] == ["two"]


def test_what_is_not_kept_is_named(film):
    with ClipReader(film) as reader:
        note = reader.extras(".mp4").note
        assert note == "Not kept: 1 further picture track, 1 track of data or attachments."
        assert "2 chapters" in reader.extras(".webm").note and not reader.extras(".webm").chapters


def test_chapters_are_in_the_new_file(film, tmp_path):
    with ClipReader(film) as reader:
        extras = reader.extras(".mkv")
    with av.open(str(tmp_path / "new.mkv"), "w") as output:
        extras.add_to(output)
        track = output.add_stream("libx264", rate=25)
        track.width, track.height, track.pix_fmt = 64, 64, "yuv420p"
        output.mux(track.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        output.mux(track.encode(None))
    with av.open(str(tmp_path / "new.mkv")) as container:
        assert [chapter["metadata"]["title"] for chapter in container.chapters()] == ["one", "two"]
