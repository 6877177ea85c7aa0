"""The two example clips: what they show, and that they are the same every time."""

import numpy as np
import pytest

from gpen_core.faces.detectors import load_detector
from gpen_core.imaging.files import load_picture
from gpen_core.video import ClipReader
from gpen_core.video.example_names import EXAMPLE_CLIPS, FILM, PHONE
from gpen_core.video.examples import write_example_clip

av = pytest.importorskip("av", reason="PyAV writes clips: pip install av")


@pytest.fixture(scope="module")
def clips(repo_root, tmp_path_factory):
    """Each clip's file."""
    folder = tmp_path_factory.mktemp("clips")
    photograph = load_picture(repo_root / "nodes" / "pictures" / "portrait.jpg").pixels[:3]
    for kind in EXAMPLE_CLIPS:
        write_example_clip(kind, photograph, folder / f"{kind}.mp4")
        write_example_clip(kind, photograph, folder / f"{kind} again.mp4")
    return folder


@pytest.mark.parametrize("kind", EXAMPLE_CLIPS)
def test_an_example_clip_is_the_same_bytes_every_time(clips, kind):
    written = (clips / f"{kind}.mp4").read_bytes()
    assert written == (clips / f"{kind} again.mp4").read_bytes() and len(written) < 2_000_000


@pytest.mark.parametrize(
    ("kind", "size", "rate", "frames", "tracks_of_sound"),
    [(FILM, (360, 480), 18, 45, 0), (PHONE, (640, 360), 25, 50, 1)],
)
def test_an_example_clip_shows_one_face_all_the_time(clips, kind, size, rate, frames, tracks_of_sound):
    with ClipReader(clips / f"{kind}.mp4") as reader:
        shown = [frame.pixels for frame in reader.frames()]
        assert reader.info.frame_rate == rate
    assert len(shown) == frames and {tuple(frame.shape[1:]) for frame in shown} == {size}
    detector = load_detector("mtcnn")
    places = [detector.detect(frame.float() / 255) for frame in shown[:: frames // 5]]
    assert {len(faces) for faces in places} == {1} and {faces[0].width > 80 for faces in places} == {True}
    with av.open(str(clips / f"{kind}.mp4")) as container:
        assert len(container.streams.audio) == tracks_of_sound


def test_the_film_is_gray_and_its_light_flickers(clips):
    with ClipReader(clips / f"{FILM}.mp4") as reader:
        shown = np.stack([frame.pixels.numpy().astype(float) for frame in reader.frames()])
    assert np.abs(shown - shown.mean(1, keepdims=True)).max() <= 2
    assert 2 < np.abs(np.diff(shown.mean((1, 2, 3)))).mean() < 12


def test_the_phones_sound_is_heard_to_the_end(clips):
    with av.open(str(clips / f"{PHONE}.mp4")) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    quarters = np.abs(sound[: 4 * (len(sound) // 4)].reshape(4, -1)).max(1)
    assert len(sound) / 44100 == pytest.approx(2, abs=0.1) and quarters.min() > 0.05 and quarters.max() < 0.5
