"""Previews of found faces."""

from dataclasses import replace

import torch

from gpen_core.faces.drawing import draw_faces, face_mask, label_of
from gpen_core.faces.moving import resized_with


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


def test_faces_are_drawn_in_place_in_a_resized_copy(astronaut, astronaut_face):
    half = astronaut[None, :, ::2, ::2]
    there = resized_with(astronaut_face, (256, 256))
    assert there.box == (87.25, 31.75, 135.75, 93.75) and there.image_size == (256, 256)
    assert torch.equal(draw_faces(half, [astronaut_face]), draw_faces(half, [there]))
    assert face_mask(half, [astronaut_face]).nonzero().amin(0).tolist() == [0, 0, 32, 87]
