"""A face of a clip is chosen in all of its frames, or in none."""

from dataclasses import replace

from gpen_core.faces.selection import Picks, SelectOptions, choose_faces, pick_of
from gpen_core.types import Face

POINTS = ((0.0, 0.0),) * 5
ANNA = [Face((60 + 4 * t, 100, 140 + 4 * t, 200), 0.9, POINTS, (600, 800), t, track=1) for t in range(5)]
BERT = [Face((400 - 4 * t, 120, 500 - 4 * t, 240), 0.9, POINTS, (600, 800), t, track=2) for t in range(5)]
FACES = [*ANNA, *BERT]


def chosen(selection):
    return {(face.track, face.frame) for face in selection.chosen}


def test_picking_a_face_in_one_frame_picks_its_whole_track():
    picked = choose_faces(FACES, picks=Picks(include=(pick_of(ANNA[2]),), others="none"))
    assert chosen(picked) == {(1, t) for t in range(5)}


def test_a_face_that_is_excluded_in_one_frame_is_excluded_in_all():
    assert chosen(choose_faces(FACES, picks=Picks(exclude=(pick_of(BERT[4]),)))) == {(1, t) for t in range(5)}


def test_most_of_a_tracks_frames_decide_about_a_limit():
    grows = [replace(face, box=(0.0, 0.0, 40.0 + 5 * face.frame, 60.0)) for face in ANNA]  # 40, 45, 50, 55, 60 px wide
    assert len(choose_faces(grows, SelectOptions(min_size=48)).chosen) == 5
    assert len(choose_faces(grows, SelectOptions(min_size=53)).chosen) == 0


def test_faces_without_tracks_are_decided_about_one_by_one():
    loose = [replace(face, track=0) for face in FACES]
    assert len(choose_faces(loose, picks=Picks(include=(pick_of(loose[2]),), others="none")).chosen) == 1
