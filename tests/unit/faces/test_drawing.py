"""Previews of found faces."""

from dataclasses import replace

import torch

from gpen_core.faces.drawing import draw_faces, label_of


def test_a_label_says_which_face_and_how_sure(astronaut_face):
    assert label_of(replace(astronaut_face, id=1, score=1.0)) == "#1 · 100 %"
    assert label_of(replace(astronaut_face, id=12, score=0.876)) == "#12 · 88 %"


def test_a_faces_label_is_its_own_whatever_is_drawn_beside_it(astronaut, astronaut_face):
    first, second = replace(astronaut_face, id=1), replace(astronaut_face, id=2)
    alone, renamed = (draw_faces(astronaut[None], [face]) for face in (first, second))
    assert not torch.equal(alone, renamed)
    after = (
        replace(first, box=(400.0, 400.0, 460.0, 460.0), landmarks=((410.0, 420.0),) * 5),
        second,
    )
    both = draw_faces(astronaut[None], after)
    assert torch.equal(both[..., :300, :350], renamed[..., :300, :350])
