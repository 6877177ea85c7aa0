"""Clips from file to file: sound, times, colors and depth are kept, and nothing half is left behind."""

import io
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from unit_harness.sound import mux_tone

from gpen_core.errors import ImageError, OptionError
from gpen_core.video import ClipReader, ClipWriter, EncodeOptions, is_clip
from gpen_core.video.codecs import codec_for
from gpen_core.video.files import converting, writing

av = pytest.importorskip("av", reason="PyAV reads and writes clips: pip install av")
SIZE = (96, 128)


def picture(number, deep=False):
    """[3, 96, 128] uint8 or uint16: smooth colors that drift."""
    rows, columns = np.mgrid[0:96, 0:128]
    channels = [np.sin(rows / 40 + number / 9), np.cos(columns / 50), np.sin((rows + columns) / 70 - number / 9)]
    values = np.stack([0.5 + 0.4 * c for c in channels])
    return torch.from_numpy((values * (65535 if deep else 255)).astype(np.uint16 if deep else np.uint8))


def make_clip(path, *, frames=20, times=None, pix_fmt="yuv420p", codec="libx264", sound=True, deep=False, **context):
    with av.open(str(path), "w") as output:
        video = output.add_stream(codec, rate=25)
        video.height, video.width = SIZE
        video.pix_fmt, video.options = pix_fmt, {"crf": "4"}
        video.codec_context.time_base = Fraction(1, 1000)
        for name, value in context.items():
            setattr(video.codec_context, name, value)
        audio = output.add_stream("aac", rate=44100, layout="mono") if sound else None
        for number in range(frames):
            array = picture(number, deep).permute(1, 2, 0).contiguous().numpy()
            frame = av.VideoFrame.from_ndarray(array, format="rgb48le" if deep else "rgb24")
            frame = frame.reformat(
                format=pix_fmt, src_color_range=2, dst_color_range=context.get("color_range", 1),
                src_colorspace=5, dst_colorspace=5, interpolation=converting(av),
            )  # fmt: skip
            frame.pts = times[number] if times else 40 * number
            frame.time_base = Fraction(1, 1000)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if audio is not None:
            mux_tone(output, audio, frames / 25)
    return path


def copied(source, target, options=EncodeOptions(), start=0.0, end=None):
    """What the stages do, without any faces."""
    with ClipReader(source, start, end) as reader:
        begin = math.ceil(start / reader.info.time_base)
        writer = ClipWriter(target, reader.info, (reader.info.height, reader.info.width), options, reader.sound())
        for frame in reader.frames():
            deep = frame.pixels.dtype == torch.uint16
            writer.write(frame.pixels.float() / (65535 if deep else 255), frame.time - begin)
        writer.close()
    return target


def sound_of(path):
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(audio=0) if p.size], container.streams.audio[0]


def seconds_of(path):
    with av.open(str(path)) as container:
        return [float(frame.time) for frame in container.decode(video=0)]


def test_the_sound_is_copied_packet_by_packet(tmp_path):
    source = make_clip(tmp_path / "in.mp4")
    packets, _ = sound_of(source)
    again, stream = sound_of(copied(source, tmp_path / "out.mp4"))
    assert again == packets and stream.codec_context.name == "aac" and stream.rate == 44100


def test_sound_that_the_file_cannot_hold_is_encoded_anew_and_that_is_said(tmp_path):
    source = make_clip(tmp_path / "in.mp4")
    target = tmp_path / "out.webm"
    with ClipReader(source) as reader:
        sound = reader.sound()
        writer = ClipWriter(target, reader.info, SIZE, EncodeOptions(), sound)
        for frame in reader.frames():
            writer.write(frame.pixels.float() / 255, frame.time)
        writer.close()
    assert "encoded anew" in sound.notes[0]
    _, stream = sound_of(target)
    assert stream.codec_context.name == "opus"
    with av.open(str(target)) as container:
        heard = np.concatenate([f.to_ndarray().ravel() for f in container.decode(audio=0)])
        assert len(heard) / container.streams.audio[0].rate == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize("layout", ["stereo", "5.1(side)"])
def test_surround_sound_of_films_is_heard_in_webm(layout, tmp_path):
    channels, source = av.AudioLayout(layout).nb_channels, make_clip(tmp_path / "in.mp4", sound=False)
    with av.open(str(source)) as container, av.open(str(tmp_path / "in.mkv"), "w") as output:
        stream = output.add_stream_from_template(container.streams.video[0])
        audio = output.add_stream("ac3", rate=48000, layout=layout)
        for packet in container.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
        for first in range(0, 38400, 1536):
            tone = np.sin(np.arange(first, first + 1536) / 17).astype(np.float32)[None].repeat(channels, 0)
            part = av.AudioFrame.from_ndarray(tone, format="fltp", layout=layout)
            part.sample_rate, part.pts, part.time_base = 48000, first, Fraction(1, 48000)
            output.mux(audio.encode(part))
        output.mux(audio.encode(None))
    _, heard = sound_of(copied(tmp_path / "in.mkv", tmp_path / "out.webm"))
    assert heard.codec_context.name == "opus" and heard.codec_context.layout.nb_channels == channels


def test_what_ffmpeg_refuses_names_the_file_and_a_full_disk_stays_one():
    with pytest.raises(ImageError, match=r"out\.webm: cannot be written"), writing("out.webm"):
        raise av.error.ArgumentError(22, "Invalid argument")
    with pytest.raises(OSError, match="No space left"), writing("out.webm"):
        raise av.error.OSError(28, "No space left on device")


def test_what_is_opened_for_a_clip_is_closed_when_it_cannot_be_read(tmp_path, monkeypatch):
    source, opened = make_clip(tmp_path / "in.mp4"), []
    original = ClipReader._opened
    monkeypatch.setattr(ClipReader, "_opened", lambda self: opened.append(original(self)) or opened[-1])
    monkeypatch.setattr("gpen_core.video.read.info_of", lambda *given: (_ for _ in ()).throw(ImageError("damaged")))
    with pytest.raises(ImageError, match="damaged"):
        ClipReader(source)
    for container in opened:
        with pytest.raises(AssertionError, match="not open"):
            container.seek(0)


def test_frames_keep_their_times_however_uneven(tmp_path):
    times = [0, 33, 67, 150, 183, 400, 433, 467, 500, 900]
    source = make_clip(tmp_path / "in.mp4", frames=10, times=times)
    found = seconds_of(copied(source, tmp_path / "out.mp4"))
    assert found == pytest.approx([t / 1000 for t in times], abs=0.0015)


def test_a_part_begins_at_zero_with_its_own_sound(tmp_path):
    source = make_clip(tmp_path / "in.mp4", frames=50)
    target = copied(source, tmp_path / "out.mp4", start=0.8, end=1.6)
    found = seconds_of(target)
    assert len(found) == 20 and found[0] == pytest.approx(0, abs=0.002)
    with av.open(str(target)) as container, ClipReader(target) as reader:
        audio = container.streams.audio[0]
        assert float(audio.duration * audio.time_base) == pytest.approx(0.8, abs=0.06)
        first = next(iter(reader.frames())).pixels
    assert (first.float() - picture(20).float()).abs().mean() < 2


@pytest.mark.parametrize("color_range", [1, 2])
def test_colors_survive_in_either_range(tmp_path, color_range):
    source = make_clip(tmp_path / "in.mp4", color_range=color_range)
    target = copied(source, tmp_path / "out.mp4", EncodeOptions(crf=2))
    for path in (source, target):
        with ClipReader(path) as reader:
            assert reader.info.is_full_range == (color_range == 2)
            for number, frame in enumerate(reader.frames()):
                off = frame.pixels.float() - picture(number).float()
                assert off.abs().mean() < 2 and abs(off.mean()) < 1  # a wrong range or matrix is off by 6 and more


def test_what_the_file_says_of_its_colors_and_texts_is_kept(tmp_path):
    source = make_clip(tmp_path / "in.mp4", colorspace=9, color_primaries=9, color_trc=16)
    with ClipReader(copied(source, tmp_path / "out.mp4")) as reader:
        info = reader.info
    assert (info.matrix, info.primaries, info.transfer) == (9, 9, 16)


def test_ten_bits_stay_ten(tmp_path):
    source = make_clip(tmp_path / "in.mkv", pix_fmt="yuv420p10le", codec="libx265", deep=True, sound=False)
    target = copied(source, tmp_path / "out.mkv", EncodeOptions(crf=4))
    with ClipReader(target) as reader:
        assert reader.info.bits == 10 and reader.info.codec == "hevc"
        frame = next(iter(reader.frames())).pixels
    assert frame.dtype == torch.uint16
    steps = torch.unique(frame.float().flatten()).numel()
    assert steps > 300  # more than 8 bits can tell apart
    assert (frame.float() - picture(0, deep=True).float()).abs().mean() / 65535 < 0.006


def test_a_turned_clip_is_read_upright(tmp_path):
    path = tmp_path / "phone.mp4"
    source = make_clip(tmp_path / "in.mp4", sound=False)
    with av.open(str(source)) as container, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(container.streams.video[0])
        if not hasattr(stream, "set_display_rotation"):
            pytest.skip("this PyAV cannot write a turned clip")
        stream.set_display_rotation(90)
        for packet in container.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    with ClipReader(path) as reader:
        upright = next(iter(reader.frames())).pixels
        assert (reader.info.width, reader.info.height) == (96, 128) and tuple(upright.shape) == (3, 128, 96)
        with av.open(str(path)) as container:
            frame = next(iter(container.decode(video=0)))
            expected = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))
    assert np.abs(upright.permute(1, 2, 0).numpy().astype(int) - expected).mean() < 3
    with ClipReader(copied(path, tmp_path / "out.mp4")) as reader:
        assert reader.info.rotation == 0 and (reader.info.width, reader.info.height) == (96, 128)


def test_odd_sizes_are_written(tmp_path):
    source = make_clip(tmp_path / "in.mp4", frames=3, sound=False)
    with ClipReader(source) as reader:
        writer = ClipWriter(tmp_path / "odd.mp4", reader.info, (95, 127))
        for number in range(3):
            writer.write(torch.rand(3, 95, 127), 40 * number)
        writer.close()
    assert len(seconds_of(tmp_path / "odd.mp4")) == 3


def test_a_clip_can_be_read_from_memory(tmp_path):
    content = io.BytesIO(make_clip(tmp_path / "in.mp4", frames=4).read_bytes())
    with ClipReader(content) as reader:
        assert len(list(reader.frames())) == 4


def test_what_is_no_clip_is_said(tmp_path):
    (tmp_path / "no.mp4").write_bytes(b"not a clip at all" * 50)
    with pytest.raises(ImageError, match=r"no\.mp4.*no clip"):
        ClipReader(tmp_path / "no.mp4")
    with pytest.raises(OptionError, match="cannot run from"):
        ClipReader(tmp_path / "no.mp4", 5, 2)


def test_the_codec_is_the_sources_where_the_file_takes_it(tmp_path):
    with ClipReader(make_clip(tmp_path / "in.mkv", codec="libx265", frames=8, sound=False)) as reader:
        info = reader.info
    assert codec_for(EncodeOptions(), info, ".mp4") == "hevc" and codec_for(EncodeOptions(), info, ".webm") == "vp9"
    with pytest.raises(OptionError, match=r"\.mp4 files do not take ffv1"):
        codec_for(EncodeOptions("ffv1"), info, ".mp4")


@pytest.mark.parametrize("wrong", [{"codec": "divx"}, {"crf": 99}])
def test_wrong_options_are_refused(wrong):
    with pytest.raises(OptionError):
        EncodeOptions(**wrong)


def test_clips_are_known_by_their_names():
    assert is_clip("holiday.MP4") and is_clip("a/b.mkv") and not is_clip("photo.jpg")
