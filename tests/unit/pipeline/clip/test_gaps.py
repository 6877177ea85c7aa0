"""Frames in which a face was missed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gpen_core.faces.places import shifted
from gpen_core.pipeline.clip.moment import Moment
from gpen_core.pipeline.clip.options import VideoOptions
from gpen_core.pipeline.clip.smooth import smoothed
from gpen_core.types import Face

FACE = Face((40, 20, 100, 95), 0.99, ((55, 50), (85, 50), (70, 64), (58, 78), (82, 78)), (120, 160), track=1)


def found_in(missed):
    """60 frames through which a face moves, without those in which it was missed."""
    frame = torch.full((3, 120, 160), 0.5)
    for number in range(60):
        face = replace(shifted(FACE, 0.5 * number, 8 * np.sin(number / 9)), frame=number)
        yield Moment(number, frame, () if number in missed else (face,)), face


@pytest.mark.parametrize(("length", "filled"), [(1, True), (5, True), (12, True), (16, False)])
def test_a_gap_as_long_as_a_track_waits_is_filled_along_the_path(length, filled):
    missed = range(25, 25 + length)
    truth = [face for _, face in found_in(missed)]
    moments = list(smoothed((moment for moment, _ in found_in(missed)), VideoOptions().look_ahead))
    assert all(moments[number].faces for number in range(60) if number not in missed)
    assert all(moments[number].faces for number in missed) is filled
    for number in missed if filled else ():
        (face,) = moments[number].faces
        assert face.track == 1 and np.abs(np.subtract(face.landmarks, truth[number].landmarks)).max() < 1.0
