"""Smoothed landmarks are closer to the truth than the detector's, and no later than it."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from gpen_core.faces.carrying import Sight, anchored_at
from gpen_core.faces.places import size_of_face
from gpen_core.faces.smoothing import CARRIED, noise_of, smoothed_at
from gpen_core.types import Face

FACE = Face((0, 0, 100, 120), 0.99, ((30, 40), (70, 40), (50, 62), (34, 86), (66, 86)), (720, 1280), track=1)
REACH = 6


def placed(face, x, y, noise, random):
    """The face at (x, y), its landmarks off by Gaussian noise."""
    landmarks = tuple((u + x + random.normal(0, noise), v + y + random.normal(0, noise)) for u, v in face.landmarks)
    return replace(face, landmarks=landmarks, box=(x, y, x + 100, y + 120))


def clip_of(path, noise, seed=0):
    """Truth and sights of a face on a path: frame → (x, y)."""
    random = np.random.default_rng(seed)
    truth = [replace(placed(FACE, *path(t), 0, random), frame=t) for t in range(80)]
    seen = [Sight.of(replace(placed(FACE, *path(t), noise, random), frame=t)) for t in range(80)]
    return truth, seen


def smoothed(seen):
    return [smoothed_at(t, [s for s in seen if t - 40 <= s.frame <= t + REACH], REACH) for t in range(80)]


def errors(faces, truth):
    return np.array([np.subtract(f.landmarks, t.landmarks) for f, t in zip(faces, truth, strict=True)])


def talking(t):
    return 200 + 30 * math.sin(t / 9), 100 + 12 * math.sin(t / 5)


def running(t):
    return 40 + 14 * t, 200 + 6 * math.sin(t / 4)


def starting(t):
    return 100 + 0.6 * max(t - 30, 0) ** 2 / 2, 100


def still(t):
    return 300, 200


@pytest.mark.parametrize("path", [still, talking, running, starting])
@pytest.mark.parametrize("noise", [0.5, 1.2])
def test_the_error_is_at_most_six_tenths(path, noise):
    truth, seen = clip_of(path, noise)
    raw = errors([s.face for s in seen], truth)
    better = errors(smoothed(seen), truth)
    assert np.sqrt((better**2).mean()) <= 0.6 * np.sqrt((raw**2).mean())


@pytest.mark.parametrize("path", [talking, running, starting])
@pytest.mark.parametrize("noise", [0.0, 0.5, 1.2])
def test_the_lag_is_at_most_a_quarter_of_a_frame_at_any_speed(path, noise):
    truth, seen = clip_of(path, noise)
    off = errors(smoothed(seen), truth).mean(1)
    speed = np.gradient(np.array([path(t) for t in range(80)]), axis=0)
    lag = -(off * speed).sum(1)[5:-5].sum() / (speed**2).sum(1)[5:-5].sum()
    assert abs(lag) <= 0.25


def test_a_frame_in_which_the_face_was_missed_is_filled():
    truth, seen = clip_of(talking, 0.5)
    seen = [s for s in seen if s.frame not in (40, 41, 42)]
    for t in (40, 41, 42):
        found = smoothed_at(t, [s for s in seen if s.frame <= t + REACH], REACH)
        assert found.frame == t and np.abs(np.subtract(found.landmarks, truth[t].landmarks)).max() < 2.5


def test_beyond_its_ends_a_track_has_no_face():
    _, seen = clip_of(still, 0.5)
    assert smoothed_at(5, seen[6:], REACH) is None and smoothed_at(79, seen[:79], REACH) is None


def test_a_glitch_moves_nothing():
    truth, seen = clip_of(talking, 0.4)
    off = [(x + 25, y - 18) for x, y in seen[40].face.landmarks]
    seen[40] = Sight.of(replace(seen[40].face, landmarks=tuple(off)))
    found = smoothed(seen)
    assert np.abs(errors(found[36:45], truth[36:45])).max() < 2


def test_the_noise_of_a_track_is_told_apart_from_its_motion():
    for noise in (0.4, 1.0):
        _, seen = clip_of(talking, noise)
        assert noise_of(seen) == pytest.approx(noise, rel=0.25)


def test_landmarks_carried_along_a_known_motion_jitter_a_quarter_as_much():
    """Their noise is the same for five frames at a time, as a detector's is: few frames tell little."""
    random = np.random.default_rng(3)
    truth, _ = clip_of(talking, 0)
    noise = np.repeat(random.normal(0, 1.0, (16, 5, 2)), 5, axis=0)
    sights = []
    for t in range(80):
        x, y = np.subtract(talking(t), talking(t - 1))
        step = torch.tensor([[1.0, 0.0, x], [0.0, 1.0, y]], dtype=torch.float64)
        landmarks = tuple(map(tuple, (np.array(truth[t].landmarks) + noise[t]).tolist()))
        sights.append(Sight.of(replace(truth[t], landmarks=landmarks), step if t else None))
    found = [anchored_at(t, sights[: t + 9], 8) for t in range(80)]

    def steps(faces):
        return np.abs(np.diff(errors(faces, truth)[20:], axis=0))

    assert steps(found).mean() <= 0.25 * steps([s.face for s in sights]).mean()
    assert steps(found).max() <= 0.1 * steps([s.face for s in sights]).max()


def test_landmarks_are_not_carried_where_nobody_knows_the_motion():
    _, sights = clip_of(talking, 0.5)
    assert anchored_at(40, sights, 8) is None


@pytest.fixture(scope="module")
def detected(repo_root):
    """By clip: what real detectors were off, [80, 5, 2], and what motion read off the pixels was, [79, 2], in faces' sizes."""
    series = json.loads((repo_root / "tests" / "data" / "detector_noise.json").read_text())
    return {
        one["clip"]: (np.array(one["noise"]).reshape(-1, 5, 2), np.array(one["steps"]).reshape(-1, 5, 2).mean(1))
        for one in series
    }


def seen_by(detector, path, turning=0.0):
    """Truth and sights of a face on a path, with a real detector's noise. ``turning``: how far its nose goes, in its size."""
    noise, misses = detector
    size, truth, sights = size_of_face(FACE), [], []
    for t in range(80):
        face = replace(placed(FACE, *path(t), 0, np.random.default_rng(0)), frame=t)
        points = np.array(face.landmarks)
        points[2, 0] += size * turning * math.sin(2 * math.pi * t / 60)
        truth.append(replace(face, landmarks=tuple(map(tuple, points.tolist()))))
        found = tuple(map(tuple, (points + size * noise[t]).tolist()))
        x, y = np.subtract(path(t), path(max(t - 1, 0))) + size * misses[(t - 1) % len(misses)]
        step = torch.tensor([[1.0, 0.0, x], [0.0, 1.0, y]], dtype=torch.float64)
        sights.append(Sight.of(replace(face, landmarks=found), step if t else None))
    return truth, sights


def carried_and_smoothed(sights):
    """Both passes, as over a clip with a look-ahead of 12 frames."""
    carried = [Sight.of(anchored_at(t, sights[max(0, t - 48) : t + 10], 9)) for t in range(80)]
    return [smoothed_at(t, carried[max(0, t - 48) : t + 4], 3, CARRIED) for t in range(80)]


@pytest.mark.parametrize("path", [still, talking, running, starting])
def test_of_a_real_detectors_noise_at_most_six_tenths_are_left_without_lag(path, detected):
    assert len(detected) == 4
    for clip, detector in detected.items():
        truth, sights = seen_by(detector, path)
        off = errors(carried_and_smoothed(sights), truth)
        assert np.sqrt((off**2).mean()) <= 0.6 * np.sqrt((errors([s.face for s in sights], truth) ** 2).mean()), clip
        speed = np.gradient(np.array([path(t) for t in range(80)]), axis=0)
        lag = -(off.mean(1) * speed).sum(1)[5:-5].sum() / max((speed**2).sum(1)[5:-5].sum(), 1.0)
        assert abs(lag) <= 0.25, clip


def test_a_head_that_turns_is_followed_although_its_picture_only_moves(detected):
    """The nose goes to and fro by a tenth of the face: a mean over a second would be three and a half frames late."""
    for clip, detector in detected.items():
        truth, sights = seen_by(detector, talking, turning=0.1)
        off = errors(carried_and_smoothed(sights), truth)[:, 2, 0]
        nose = np.array([face.landmarks[2][0] - talking(t)[0] for t, face in enumerate(truth)])
        speed = np.gradient(nose)
        lag = -(off * speed)[5:-5].sum() / (speed**2)[5:-5].sum()
        assert abs(lag) <= 1.1 and np.sqrt((off**2).mean()) <= 0.015 * size_of_face(FACE), clip
