"""Clips to work on, and what works on them."""

from fractions import Fraction

import pytest
from unit_harness.sound import mux_tone

from gpen_core.faces.detectors import load_detector
from gpen_core.pipeline import ProtectOptions, Settings
from gpen_core.pipeline.clip import VideoOptions
from gpen_core.video import ClipTools, EncodeOptions


def _write(path, frames):
    av = pytest.importorskip("av", reason="PyAV reads and writes clips: pip install av")
    height, width = frames[0].shape[-2:]
    with av.open(str(path), "w") as output:
        video, audio = output.add_stream("libx264", rate=25), output.add_stream("aac", rate=44100, layout="mono")
        video.height, video.width, video.pix_fmt, video.options = height, width, "yuv420p", {"crf": "12"}
        video.codec_context.time_base = Fraction(1, 1000)
        for number, frame in enumerate(frames):
            array = frame.mul(255).round().byte().permute(1, 2, 0).contiguous().numpy()
            shown = av.VideoFrame.from_ndarray(array, format="rgb24")
            shown.pts, shown.time_base = 40 * number + (7 if number % 3 else 0), Fraction(1, 1000)
            output.mux(video.encode(shown))
        output.mux(video.encode(None))
        mux_tone(output, audio, len(frames) / 25)
    return path


@pytest.fixture(scope="session")
def write_clip():
    """(path, frames [3, H, W] RGB in [0, 1]) → the path of an H.264 clip with uneven times and a tone."""
    return _write


@pytest.fixture(scope="module")
def tools(tiny_model):
    settings = Settings(protect=ProtectOptions("off"))
    return ClipTools(
        tiny_model, load_detector("mtcnn"), settings, VideoOptions(detect_every=4), encode=EncodeOptions(crf=8)
    )
