"""Rules, mask and picks together: which faces are chosen, and what is said of the others."""

import json
import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gpen_core.errors import ImageError, OptionError
from gpen_core.faces.drawing import draw_selection
from gpen_core.faces.selection import (
    ORDERS,
    MaskRule,
    Picks,
    SelectOptions,
    choose_faces,
    pick_of,
    read_picks,
    select_faces,
    selection_report,
)
from gpen_core.faces.selection.decisions import STATES
from gpen_core.types import Face

POINTS = ((0.0, 0.0),) * 5
HEIGHT, WIDTH = 400, 800


def face(x, y, side, score=0.9, frame=0):
    return Face((x, y, x + side, y + side), score, POINTS, (HEIGHT, WIDTH), frame)


A, B, C, D = face(600, 10, 90, 0.8), face(20, 300, 60, 0.99), face(380, 170, 30, 0.7), face(200, 90, 70, 0.95)
FACES = (A, B, C, D)
faces = st.builds(face, st.floats(-20, 790), st.floats(-20, 390), st.floats(1, 300), st.floats(0, 1), st.integers(0, 2))


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("left_to_right", (B, D, C, A)),
        ("top_to_bottom", (A, D, C, B)),
        ("largest", (A, D, B, C)),
        ("most_confident", (B, D, A, C)),
        ("nearest_to_center", (C, D, A, B)),
        ("nearest_to_point", (A, C, D, B)),
    ],
)
def test_orders(order, expected):
    assert select_faces(FACES, SelectOptions(order, point=(1.0, 0.0))) == expected


@given(st.lists(faces, max_size=12), st.sampled_from(list(ORDERS)), st.integers(0, 4), st.floats(0, 100))
def test_each_face_is_either_chosen_or_in_the_rest_and_says_why(found, order, limit, least):
    selection = choose_faces(found, SelectOptions(order, limit, least))
    assert sorted([*selection.chosen, *selection.rest], key=id) == sorted(found, key=id)
    assert all(choice.chosen or choice.why for choice in selection.choices)
    assert {choice.state for choice in selection.choices} <= set(STATES)
    for frame in range(3):
        mine = [choice for choice in selection.choices if choice.face.frame == frame]
        assert [choice.index for choice in mine] == list(range(len(mine)))
        assert not limit or sum(choice.chosen for choice in mine) <= limit


@pytest.mark.parametrize(
    ("options", "expected", "why"),
    [
        ({"min_size": 65}, {A, D}, "below 65 px"),
        ({"max_size": 65}, {B, C}, "above 65 px"),
        ({"min_share": 1.5}, {A, D}, "% of the image, below 1.5 %"),
        ({"max_share": 0.5}, {C}, "% of the image, above 0.5 %"),
        ({"min_score": 0.9}, {B, D}, "below 0.9"),
        ({"min_quality": 0.1}, set(), "quality not known"),
        ({"max_quality": 0.1}, {A, B, C, D}, ""),
        ({"indices": "0, -1"}, {A, C}, "not in the list"),
        ({"limit": 1}, {A}, "more than 1 face"),
        ({"limit": 1, "max_size": 80}, {D}, ""),
    ],
)
def test_each_limit_leaves_out_what_misses_it_and_says_so(options, expected, why):
    selection = choose_faces(FACES, SelectOptions(**options))
    assert set(selection.chosen) == expected
    left = [choice for choice in selection.choices if not choice.chosen]
    assert any(why in choice.why for choice in left) or not left


def test_no_limit_changes_the_number_of_a_face():
    free, limited = (choose_faces(FACES, SelectOptions(min_size=least)) for least in (0, 65))
    assert [(c.face, c.index) for c in free.choices] == [(c.face, c.index) for c in limited.choices]


def test_numbers_count_the_faces_of_each_frame():
    found = (*FACES, *(replace(f, frame=1) for f in FACES[:2]))
    selection = choose_faces(found, SelectOptions("left_to_right", indices="0, 3"))
    assert selection.chosen == (B, A, replace(B, frame=1)) and selection.absent == ()
    assert choose_faces(found, SelectOptions(indices="0, 7, -9")).absent == (-9, 7)


def test_picks_override_every_rule():
    picks = Picks((pick_of(C),), (pick_of(A),))
    selection = choose_faces(FACES, SelectOptions("left_to_right", limit=1, min_size=40), picks=picks)
    assert selection.chosen == (B, C)  # the limit counts what the rules chose
    states = {choice.face: choice.state for choice in selection.choices}
    assert states == {A: "excluded", B: "chosen", C: "included", D: "left_out"}
    only = choose_faces(FACES, picks=replace(picks, others="none"))
    assert only.chosen == (C,)
    both = choose_faces(FACES, picks=Picks((pick_of(A),), (pick_of(A),)))
    assert A not in both.chosen and both.lost == ()


def test_what_the_rules_alone_would_say_stays_known_beside_the_picks():
    picks = Picks((pick_of(C),), (pick_of(A),), others="none")
    options = SelectOptions("left_to_right", limit=1, min_size=40)
    rules = {choice.face: choice.rules for choice in choose_faces(FACES, options, picks=picks).choices}
    unpicked = {choice.face: (choice.state, choice.why) for choice in choose_faces(FACES, options).choices}
    assert rules[C] == unpicked[C] and rules[C][0] == "limits"
    assert {face: state for face, (state, _) in rules.items()} == {
        A: "left_out",
        B: "chosen",
        C: "limits",
        D: "left_out",
    }


def test_an_excluded_face_makes_room_for_the_next_one():
    assert choose_faces(FACES, SelectOptions(limit=1), picks=Picks((), (pick_of(A),))).chosen == (D,)


def test_a_pick_that_finds_no_face_is_listed():
    lost = pick_of(face(500, 300, 50))
    selection = choose_faces(FACES, picks=Picks((lost,), (pick_of(A), lost)))
    assert selection.lost == (("include", lost), ("exclude", lost))
    assert "2 picks find no face" in selection.summary()


def test_choosing_nothing_says_that_nothing_is_restored():
    nothing = choose_faces(FACES, SelectOptions(min_size=500))
    assert nothing.chosen == () and "None of 4 faces" in nothing.summary() and "nothing will be" in nothing.summary()
    assert "No face found" in choose_faces(()).summary()
    assert nothing.why_none() == "none of 4 faces is chosen (30–90 px, below 500 px)"  # not each face by itself
    assert "only face is not chosen" in choose_faces((A,), SelectOptions(min_size=500)).summary()
    assert choose_faces(FACES, SelectOptions(limit=2)).summary() == "2 of 4 faces chosen."


def test_a_mask_chooses_by_the_share_of_the_box():
    mask = torch.zeros(1, 1, HEIGHT // 2, WIDTH // 2)  # half as large as the frames
    mask[..., : 205 // 2 + 1] = 1  # B whole, 5 of D's 70 columns
    assert choose_faces(FACES, mask=mask).chosen == (B,)
    outside = choose_faces(FACES, mask=mask, mask_rule=MaskRule("outside"))
    assert set(outside.chosen) == {A, C, D}
    assert set(choose_faces(FACES, mask=mask, mask_rule=MaskRule("outside", 1.0)).chosen) == {A, C}
    assert "in the mask" in next(choice.why for choice in outside.choices if choice.face == B)


@given(st.lists(faces, max_size=6), st.floats(0.01, 1))
def test_a_mask_of_one_value_is_inside_or_outside_for_all(found, overlap):
    mask = torch.ones(1, 1, 20, 40)
    assert len(choose_faces(found, mask=mask, mask_rule=MaskRule("inside", overlap)).chosen) == len(found)
    assert choose_faces(found, mask=mask, mask_rule=MaskRule("outside", overlap)).chosen == ()


def test_each_frame_has_its_mask():
    masks = torch.zeros(2, 1, 20, 40)
    masks[1] = 1
    found = (A, replace(A, frame=1))
    assert choose_faces(found, mask=masks).chosen == found[1:]
    with pytest.raises(ImageError, match="2 images"):
        choose_faces((replace(A, frame=2),), mask=masks)
    with pytest.raises(ImageError, match="aspect ratios"):
        choose_faces(found, mask=torch.ones(1, 1, 40, 40))


@pytest.mark.parametrize(
    "make",
    [
        lambda: SelectOptions(min_size=math.nan),
        lambda: SelectOptions(min_size=9, max_size=8),
        lambda: SelectOptions(max_share=-1),
        lambda: SelectOptions(min_score=1.1),
        lambda: SelectOptions(min_quality=-0.1),
        lambda: SelectOptions(indices="first"),
        lambda: SelectOptions(point=(math.inf, 0)),
        lambda: MaskRule("around"),
        lambda: MaskRule(overlap=0),
    ],
)
def test_rules_that_cannot_be_are_refused_where_they_are_made(make):
    with pytest.raises(OptionError):
        make()


def test_the_report_is_json_and_its_picks_find_their_faces():
    selection = choose_faces(FACES, SelectOptions("left_to_right", min_size=40, indices="0, 9"))
    report = json.loads(json.dumps(selection_report(selection)))
    assert report["version"] == 1 and report["absent"] == [9] and report["lost"] == []
    first = report["faces"][0]
    assert first["index"] == 0 and first["chosen"] and first["state"] == "chosen" and first["quality"] is None
    assert first["box"] == pytest.approx([20.5 / 800, 300.5 / 400, 80.5 / 800, 360.5 / 400], abs=1e-5)
    text = json.dumps({"version": 1, "exclude": [entry["pick"] for entry in report["faces"]]})
    again = choose_faces(FACES, picks=read_picks(text))
    assert again.chosen == () and again.lost == ()


def test_chosen_and_left_out_faces_look_different_without_color():
    blank = torch.zeros(1, 3, HEIGHT, WIDTH)
    shown = [
        draw_selection(blank, choose_faces((A,), options, picks=picks).choices).amax(1)[0]
        for options, picks in (
            (SelectOptions(), Picks()),
            (SelectOptions(min_size=200), Picks()),
            (SelectOptions(), Picks((), (pick_of(A),))),
        )
    ]
    full, dashed, crossed = (picture[60, 595:700] > 0.3 for picture in shown)  # a line through the middle of the box
    assert full.sum() > 0 and crossed.sum() > dashed.sum()
    left_sides = [(picture[40:95, 599:602] > 0.3).any(1).float().mean() for picture in shown]
    assert left_sides[0] == 1 and left_sides[1] < 0.8
