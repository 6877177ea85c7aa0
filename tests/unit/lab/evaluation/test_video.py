"""Clips whose truth is known, and what is measured on them."""

import importlib.util
import json

import numpy as np
import pytest
import torch
from PIL import Image

from gpen_core.errors import OptionError
from gpen_core.faces.alignment import crop_transform
from gpen_core.faces.detectors import load_detector
from gpen_core.faces.moving import moved
from gpen_core.faces.registration import motion_between
from gpen_core.geometry import apply_affine, compose, invert_affine
from gpen_core.imaging.files import Picture, save_picture
from gpen_core.imaging.warp import warp
from gpen_core.lab.evaluation.video import VideoMeasures, coded, measure_clip, moving, noisy, smooth_motion
from gpen_core.lab.evaluation.video.clips import smaller
from gpen_core.lab.evaluation.video.evaluate import VideoTest, clean_clip, evaluate_video
from gpen_core.lab.evaluation.video.measure import (
    SIDE,
    TEMPLATE,
    aligned,
    landmark_error,
    landmark_motion_error,
    landmarks_of,
)
from gpen_core.lab.evaluation.video.report import VideoRow, summary, table

pytest.importorskip("av", reason="PyAV codes clips: pip install av")
pytestmark = pytest.mark.skipif(importlib.util.find_spec("mtcnn") is None, reason="the mtcnn package is not installed")
SIZE = (176, 256)


@pytest.fixture(scope="module")
def clip(astronaut, astronaut_face):
    return moving(astronaut, astronaut_face, smooth_motion(16, astronaut_face, SIZE, 80), SIZE)


@pytest.fixture(scope="module")
def detector():
    return load_detector("mtcnn")


def test_a_clean_clip_neither_flickers_nor_errs(clip, detector):
    measured = measure_clip(clip.frames, clip, detector.network)
    assert measured.flicker == measured.tlme == 0 and measured.psnr >= 99
    assert measured.vidd is None and measured.eyes is None


def test_noise_and_jitter_are_seen(clip, detector):
    ruler = detector.network
    noise = measure_clip(noisy(clip.frames, 0.04), clip, ruler)
    assert noise.flicker > 3 and noise.psnr < 30
    shaken = torch.stack([frame.roll(3 * (number % 2), 2) for number, frame in enumerate(clip.frames)])
    jitter = measure_clip(shaken, clip, ruler)
    assert jitter.flicker > 3 and jitter.tlme == pytest.approx(6, rel=0.4)  # 3 px of the clip are 6 of a crop


def test_the_true_motion_is_read_off_the_pixels(clip):
    frames = noisy(clip.frames, 0.02)
    off = []
    for number in range(15):
        before, after = clip.faces[number], clip.faces[number + 1]
        matrix = motion_between(frames[number], before, frames[number + 1], before)
        moved = apply_affine(matrix, torch.tensor(before.landmarks))
        off.append(np.abs(moved.numpy() - np.array(after.landmarks)).mean())
    assert np.mean(off) < 0.15  # pixels, of a face 80 wide


def test_motion_is_the_same_wherever_the_faces_were_thought_to_be(clip):
    """Crops a quarter of a pixel apart: an interpolation that shows things elsewhere would pass for motion."""
    before, after = clip.faces[:2]
    landmarks = torch.tensor(before.landmarks)
    found = []
    for off in (0.2, 0.4, 0.6, 0.8):
        expected = moved(after, torch.tensor([[1.0, 0.0, off], [0.0, 1.0, off / 2]], dtype=torch.float64), SIZE)
        matrix = motion_between(clip.frames[0], before, clip.frames[1], expected)
        found.append(apply_affine(matrix, landmarks))
    apart = torch.stack(found) - torch.stack(found).mean(0)
    assert apart.norm(dim=-1).max() < 0.02  # pixels, of a face 80 wide


@pytest.mark.parametrize("apart", [1, 4])
def test_landmarks_move_as_far_as_the_picture(clip, detector, apart):
    ruler = detector.network
    crops = aligned(clip.frames[:4], clip.faces[:4])
    off = landmarks_of(crops.roll(apart, 3), ruler) - landmarks_of(crops, ruler)
    assert off.nanmean((0, 1, 2)).tolist() == pytest.approx([apart, 0], abs=0.2 * apart)


def test_a_restoration_that_stands_still_shows_next_to_no_motion_of_landmarks(astronaut, astronaut_face, detector):
    """What the measure itself brings in: one blurred picture of the face, in every frame at its true place."""
    size = (360, 640)
    clip = moving(astronaut, astronaut_face, smooth_motion(12, astronaut_face, size, 150), size)
    spoilt = smaller(clip.frames[:1], 2.0)[0]
    to_crop = [crop_transform(face, SIDE, TEMPLATE) for face in clip.faces]
    still = torch.stack([warp(spoilt, compose(to_crop[0], invert_affine(there)), size) for there in to_crop])
    shaken = torch.stack([noisy(smaller(frame[None], 2.0), 0.06, seed)[0] for seed, frame in enumerate(clip.frames)])
    ruler = detector.network
    found = measure_clip(still, clip, ruler)
    assert found.tlme < 0.05 and found.tlme < measure_clip(shaken, clip, ruler).tlme / 4 and found.tlme_steps == 1


def test_steps_are_compared_in_the_squares_that_show_the_face_in_both_clips():
    """Two squares that see it in places of their own: where one of them loses it, nothing has moved."""
    places = torch.tensor([100.0, 104.0]).double()[:, None, None].expand(4, 2, 5, 2).clone()
    found, lost = places.clone(), places.clone()
    found[1, 1] = torch.nan
    assert landmark_motion_error(found, places) == (0.0, 1.0)
    found[2:] += 3
    assert landmark_motion_error(found, places) == (pytest.approx(3 * 2**0.5 / 3), 1.0)
    lost[2] = torch.nan
    assert landmark_motion_error(lost, places) == (0.0, pytest.approx(1 / 3))
    assert landmark_motion_error(lost, places, changed=[0]) == (None, 0.0)


def test_what_could_not_be_measured_is_null_in_json():
    measures = VideoMeasures(0.1, None, float("nan"), 30.0, None, 0.0)
    assert json.dumps(measures.as_dict(), allow_nan=False).count("null") == 3
    alone = VideoMeasures(0.1, 0.2, None, 30.0, None)
    row = VideoRow("a.png", "h264", "good", {"one by one": alone, "steady": measures})
    assert "tlme" not in row.verdicts() and "| – | 0% |" in table([row])


def test_other_pictures_have_no_motion_in_common(clip):
    face = clip.faces[0]
    assert motion_between(clip.frames[0], face, torch.rand(3, *SIZE), face) is None
    assert motion_between(clip.frames[0], face, torch.full((3, *SIZE), 0.5), face) is None


def test_a_codec_costs_more_at_a_worse_quality(clip):
    errors = [(coded(clip.frames, crf=crf) - clip.frames).abs().mean() for crf in (18, 28, 38)]
    assert errors == sorted(errors) and errors[0] < 0.02


def test_the_report_has_every_clip_and_a_contact_sheet(photograph_path, tiny_model, detector, tmp_path):
    test = VideoTest(frames=12, size=SIZE, face_width=80, qualities=("poor",), codecs=("h264", "vp9"))
    rows = evaluate_video([photograph_path], tiny_model, detector, test, tmp_path)
    assert [row.name for row in rows] == ["astronaut.jpg, h264, poor", "astronaut.jpg, vp9, poor"]
    assert set(rows[0].verdicts()) == {"flicker", "psnr", "eyes"}  # what this network makes is no face to MTCNN
    written = json.loads((tmp_path / "video.json").read_text(), parse_constant=pytest.fail)
    assert written[0]["measures"]["steady"]["tlme"] is None and written[0]["measures"]["clean"]["tlme"] == 0
    assert [one["codec"] for one in written] == ["h264", "vp9"]
    assert list(written[0]["measures"]) == ["input", "one by one", "steady", "clean"]
    assert written[0]["measures"]["input"] != written[1]["measures"]["input"]
    assert {one["tlme_detector"] for one in written} == {"mtcnn"}
    assert written[0]["measures"]["clean"] == written[1]["measures"]["clean"]
    assert (tmp_path / "video.md").read_text().count(
        "\n"
    ) == 10 + 2 + 6  # the measures, by which detector, and the verdicts
    with Image.open(tmp_path / "astronaut.jpg-vp9-poor.png") as sheet:
        assert sheet.size == (2 * 320, 4 * 180)  # every tenth of 12 frames, a row for each of four clips


def test_pictures_without_a_face_are_left_out_and_only_such_are_an_error(
    photograph_path, tiny_model, detector, tmp_path
):
    Image.new("RGB", (200, 160), "gray").save(tmp_path / "wall.png")
    (tmp_path / "text.png").write_text("no picture")
    test, said = VideoTest(frames=12, size=SIZE, face_width=80, qualities=("good",)), []
    rows = evaluate_video(
        [tmp_path / "wall.png", tmp_path / "text.png", photograph_path, photograph_path], tiny_model, detector, test,
        tmp_path, say=said.append,
    )  # fmt: skip
    assert [row.picture for row in rows] == ["astronaut.jpg", "astronaut.jpg (2)"]
    assert {path.name for path in tmp_path.glob("astronaut*")} == {
        "astronaut.jpg-h264-good.png", "astronaut.jpg (2)-h264-good.png"
    }  # fmt: skip
    assert said[0].endswith("wall.png: no face is found in it, so no clip is made of it")
    assert "text.png: not an image file" in said[1]
    with pytest.raises(OptionError, match="no face is found in any picture"):
        evaluate_video([tmp_path / "wall.png"], tiny_model, detector, test, tmp_path)


def test_a_clip_of_an_aligned_crop_shows_its_face_once(astronaut, astronaut_face, detector, tmp_path):
    x0, y0, x1, y1 = map(round, astronaut_face.box)
    crop = tmp_path / "face.png"
    save_picture(Picture(astronaut[:, y0 - 30 : y1 + 26, x0 - 41 : x1 + 42]), crop)
    clean = clean_clip(crop, detector, VideoTest(frames=12, size=SIZE, face_width=60))
    assert [len(detector.detect(clean.frames[number])) for number in (0, 11)] == [1, 1]
    assert landmark_error([detector.detect(clean.frames[0])[0]], clean.faces[:1]) < 8  # px, of 256


def test_several_clips_are_summed_up_by_mean_and_worst():
    def row(flicker, psnr):
        alone, steady = VideoMeasures(2.0, 0.2, None, 30.0, None), VideoMeasures(flicker, 0.1, None, psnr, None)
        return VideoRow("a.png", "h264", "good", {"one by one": alone, "steady": steady})

    text = summary([row(0.2, 30.5), row(1.0, 29.5)])
    assert "| flicker | × 0.30 | × 0.50 | 1 of 2 |" in text and "| tlme | × 0.50 | × 0.50 | 2 of 2 |" in text
    assert "| psnr | +0.00 dB | -0.50 dB | 1 of 2 |" in text


@pytest.fixture
def photograph_path(repo_root):
    return repo_root / "tests" / "data" / "astronaut.jpg"


@pytest.mark.parametrize("wrong", [{"frames": 3}, {"qualities": ("awful",)}, {"codecs": ("mpeg1",)}])
def test_wrong_options_are_refused(wrong):
    with pytest.raises(OptionError):
        VideoTest(**wrong)
