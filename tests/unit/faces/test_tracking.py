"""Tracks: the same number for the same face, whatever happens in between."""

from dataclasses import replace

import pytest
import torch

from gpen_core.errors import OptionError
from gpen_core.faces.cuts import CutFinder
from gpen_core.faces.identity import Embedder
from gpen_core.faces.places import shifted
from gpen_core.faces.track_options import TrackOptions
from gpen_core.faces.tracking import Tracker
from gpen_core.types import Face

SIZE = (200, 400)
HERE = Face((30, 60, 90, 140), 0.99, ((45, 90), (75, 90), (60, 105), (48, 120), (72, 120)), SIZE)


def scene(*places, seed=0):
    """A frame with a face, each of another texture, at each of these (x, y) and the faces themselves."""
    frame = torch.full((3, *SIZE), 0.5)
    faces = []
    for number, (x, y) in enumerate(places):
        texture = torch.rand(3, 8, 6, generator=torch.Generator().manual_seed(seed + number))
        patch = torch.nn.functional.interpolate(texture[None], (80, 60), mode="bilinear")[0]
        left, top = 30 + x, 60 + y
        frame[:, top : top + 80, left : left + 60] = patch
        faces.append(shifted(HERE, x, y))
    return frame, faces


def tracks_of(tracker, number, *places, order=None):
    frame, faces = scene(*places)
    shown = faces if order is None else [faces[i] for i in order]
    found = [face.track for face in tracker.update(number, frame, shown)]
    return found if order is None else [found[order.index(i)] for i in range(len(faces))]


def test_a_face_that_moves_keeps_its_number_and_a_new_one_gets_the_next():
    tracker = Tracker()
    assert tracks_of(tracker, 0, (0, 0)) == [1]
    assert tracks_of(tracker, 1, (5, 2)) == [1]
    assert tracks_of(tracker, 2, (10, 4), (200, 0)) == [1, 2]
    assert tracks_of(tracker, 3, (15, 6), (201, 0), order=[1, 0]) == [1, 2]


def test_a_face_that_is_missed_for_a_few_frames_is_the_same_when_it_is_back():
    tracker = Tracker(TrackOptions(patience=6))
    for number in range(4):
        tracks_of(tracker, number, (4 * number, 0))
    for number in range(4, 8):
        assert tracker.update(number, scene()[0], []) == ()
    assert tracks_of(tracker, 8, (32, 0)) == [1]


def test_a_face_that_is_missed_for_longer_is_another():
    tracker = Tracker(TrackOptions(patience=3))
    tracks_of(tracker, 0, (0, 0))
    assert tracks_of(tracker, 5, (0, 0)) == [2]


def test_faces_that_pass_each_other_keep_their_numbers():
    tracker = Tracker()
    for number in range(21):
        x = 12 * number
        assert tracks_of(tracker, number, (x, 0), (240 - x, 10), order=[0, 1] if number % 2 else [1, 0]) in (
            [1, 2],
            [2, 1],
        )
        if number == 0:
            first = tracker.tracks[0].face.box[0] > 100
    expected = [2, 1] if first else [1, 2]
    assert tracks_of(tracker, 21, (252, 0), (-12, 10)) == expected


def test_faces_that_hide_each_other_are_told_apart_by_their_looks():
    """One is hidden while they pass: place alone would give it the other's number."""
    tracker = Tracker()
    for number in range(8):
        tracks_of(tracker, number, (10 * number, 0), (150 - 10 * number, 6))
    frame, faces = scene((75, 0), (72, 6))
    tracker.update(8, frame, [faces[1]])
    assert tracks_of(tracker, 9, (90, 0), (60, 6)) == [1, 2]


def test_nothing_far_away_or_of_another_size_is_taken_for_the_face():
    tracker = Tracker()
    tracks_of(tracker, 0, (0, 0))
    assert tracks_of(tracker, 1, (120, 0)) == [2]
    frame, (face,) = scene((0, 0))
    x, y = 30, 60
    small = replace(
        face,
        box=(x, y, x + 20, y + 27),
        landmarks=tuple((x + (u - x) / 3, y + (v - y) / 3) for u, v in face.landmarks),
    )
    assert tracker.update(2, frame, [small])[0].track == 3


def test_a_cut_ends_all_tracks():
    tracker = Tracker()
    tracks_of(tracker, 0, (0, 0))
    tracker.cut()
    assert tracks_of(tracker, 1, (0, 0)) == [2]


def test_options_out_of_range_are_refused():
    with pytest.raises(OptionError, match="patience"):
        TrackOptions(patience=-1)


def test_a_cut_is_seen_and_neither_motion_nor_a_flash_is_one(astronaut):
    finder = CutFinder()
    view = [astronaut[:, 0:288, x : x + 400] for x in range(0, 60, 6)]
    other = astronaut.flip(1)[:, 100:388, 50:450]
    assert [finder.is_cut(frame) for frame in view] == [False] * 10
    assert not finder.is_cut((view[-1] * 0.5 + 0.5).clamp(0, 1))  # a flash
    assert not finder.is_cut(view[-1])
    assert finder.is_cut(other)
    assert not finder.is_cut(other)


def by_color():
    """Knows a person by the mean color of the chip, as a recognition network knows one by the face."""

    def embed(chips):
        even = chips.mean((2, 3)) - chips.mean((1, 2, 3))[:, None]
        return torch.nn.functional.normalize(even, dim=1).double()

    return Embedder(16, ((4, 5), (11, 5), (7.5, 8), (5, 11), (10, 11)), embed, True, "1 − cosine of colors")


def people(*places, swapped=False):
    """A red and a blue face of equal shading, so that small pictures of them are alike but for a tint."""
    frame = torch.full((3, *SIZE), 0.5)
    for number, (x, y) in enumerate(places):
        left, top = 30 + x, 60 + y
        frame[:, top : top + 80, left : left + 60] = torch.rand(3, 80, 60, generator=torch.Generator().manual_seed(9))
        frame[2 if number ^ swapped else 0, top : top + 80, left : left + 60] += 0.05
    return frame, [shifted(HERE, x, y) for x, y in places]


@pytest.mark.parametrize(("embedder", "numbers"), [(by_color(), [2, 1]), (None, [1, 2])])
def test_a_recognition_network_decides_where_two_tracks_might_go_on(embedder, numbers):
    """Two faces that have changed places while both were out of sight: place says one thing, the network another."""
    tracker = Tracker(TrackOptions(reach=0.9), embedder)
    near = ((0, 0), (70, 0))
    assert [face.track for face in tracker.update(0, *people(*near))] == [1, 2]
    tracker.update(1, torch.full((3, *SIZE), 0.5), [])
    assert [face.track for face in tracker.update(2, *people(*near, swapped=True))] == numbers


ONE_FACE = """
import sys
import torch
from gpen_core.faces.tracking import Tracker
from gpen_core.types import Face
face = Face((30, 60, 90, 140), 0.99, ((45, 90), (75, 90), (60, 105), (48, 120), (72, 120)), (200, 400))
tracker = Tracker()
print([tracker.update(number, torch.zeros(3, 200, 400), [face])[0].track for number in range(3)], "scipy" in sys.modules)
"""


def test_following_one_face_takes_no_scipy_whose_import_takes_a_second(forks, repo_root):
    ran = forks.run(ONE_FACE, folder=repo_root)
    assert ran.stdout.strip() == "[1, 1, 1] False", ran.stderr


def test_of_several_tracks_a_lone_face_goes_to_the_one_it_belongs_to():
    tracker = Tracker()
    assert tracks_of(tracker, 0, (0, 0), (200, 0)) == [1, 2]
    frame, faces = scene((0, 0), (202, 0))
    assert [face.track for face in tracker.update(1, frame, faces[1:])] == [2]
    assert tracks_of(tracker, 2, (0, 0), (204, 0), order=[1, 0]) == [1, 2]
