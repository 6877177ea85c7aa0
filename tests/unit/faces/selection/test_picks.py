"""Picks find their faces again, and JSON that is not ours is refused."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpen_core.errors import OptionError
from gpen_core.faces.selection import Pick, Picks, pick_of, read_picks, write_picks
from gpen_core.faces.selection.picks import find_picked
from gpen_core.types import Face

POINTS = ((0.0, 0.0),) * 5
shares = st.floats(-1, 2)
picks = st.builds(Pick, shares, shares, st.floats(1e-4, 4), st.integers(0, 1000))


def face(x, y, width, height, size=(600, 800), frame=0):
    return Face((x, y, x + width, y + height), 0.9, POINTS, size, frame)


ROW = [face(60 + 150 * n, 100 + 40 * (n % 2), 80, 100) for n in range(5)]


@given(st.lists(picks, max_size=5), st.lists(picks, max_size=5), st.sampled_from(["rules", "none"]))
def test_picks_are_read_as_they_were_written(include, exclude, others):
    made = Picks(tuple(include), tuple(exclude), others)
    assert read_picks(write_picks(made)) == made


def test_no_text_means_no_picks():
    assert read_picks("") == read_picks(" \n") == read_picks('{"version": 1}') == Picks()


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["version", "include", "exclude", "x", "y", "size", "frame", "others"]), inner
        )
    ),
    max_leaves=12,
)


@given(json_values.map(json.dumps) | st.text(max_size=60))
def test_any_text_is_read_or_refused_with_one_error(text):
    try:
        made = read_picks(text)
    except OptionError as error:
        assert "picks" in str(error)
    else:
        assert read_picks(write_picks(made)) == made


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("9" * 5000, "not JSON"),
        ("[]", "not an object"),
        ("{}", "version is None"),
        ('{"version": true}', "version is True"),
        ('{"version": 2}', "newer version"),
        ('{"version": 1, "include": {}}', "include is not a list"),
        ('{"version": 1, "exclude": [1]}', r"exclude\[0\] is not an object"),
        ('{"version": 1, "include": [{"x": 0, "y": 0}]}', r"include\[0\].size"),
        ('{"version": 1, "include": [{"x": NaN, "y": 0, "size": 1}]}', r"include\[0\].x"),
        ('{"version": 1, "include": [{"x": 0, "y": true, "size": 1}]}', r"include\[0\].y"),
        ('{"version": 1, "include": [{"x": 0, "y": 0, "size": 0}]}', "size"),
        ('{"version": 1, "include": [{"x": 0, "y": 0, "size": 1e999}]}', "size"),
        ('{"version": 1, "include": [{"x": 0, "y": 0, "size": 1, "frame": -1}]}', "frame"),
        ('{"version": 1, "include": [{"x": 0, "y": 0, "size": 1, "frame": 0.5}]}', "frame"),
        ('{"version": 1, "others": "all"}', "others"),
        (" " + "x" * (1 << 21), "longer than"),
        ('{"version": 1, "include": [' + ",".join(["0"] * 20_000) + "]}", "at most"),
    ],
)
def test_what_is_wrong_with_the_text_is_named(text, says):
    with pytest.raises(OptionError, match=says):
        read_picks(text)


@given(st.permutations(range(5)), st.floats(0.2, 8), st.floats(-0.12, 0.12), st.floats(0.8, 1.25), st.integers(0, 5))
def test_faces_are_found_again_by_another_detector_in_a_resized_picture(order, scale, shift, growth, count):
    """Boxes that lie and measure differently, in another order and at another size."""
    picked = [pick_of(ROW[n]) for n in range(count)]
    again = []
    for n in order:
        x0, y0, x1, y1 = ROW[n].box
        x, y, w, h = x0 + shift * 80, y0 - shift * 80, (x1 - x0) * growth, (y1 - y0) * growth
        size = (round(600 * scale), round(800 * scale))
        again.append(face(x * scale, y * scale, w * scale, h * scale, size))
    found, lost = find_picked(picked, again)
    assert found == {order.index(n) for n in range(count)} and lost == ()


@given(st.lists(st.sampled_from(range(5)), max_size=12))
def test_every_pick_finds_a_face_of_its_own_or_is_listed_as_lost(numbers):
    picked = [pick_of(ROW[n]) for n in numbers]
    found, lost = find_picked(picked, ROW)
    assert len(found) + len(lost) == len(picked) and found == set(numbers)


def test_a_pick_does_not_move_to_another_face():
    pick = pick_of(ROW[1])
    assert find_picked([pick], [ROW[0], ROW[2]]) == (frozenset(), (pick,))
    assert find_picked([pick], [replace(ROW[1], frame=1)]) == (frozenset(), (pick,))
    x0, y0 = ROW[1].box[:2]
    much_larger = face(x0 - 200, y0 - 250, 480, 600)  # about the same middle
    assert find_picked([pick], [much_larger]) == (frozenset(), (pick,))


def test_the_nearest_of_two_faces_is_found():
    left, right = face(100, 100, 80, 100), face(140, 100, 80, 100)
    assert find_picked([pick_of(face(105, 100, 80, 100))], [right, left])[0] == {1}
    assert find_picked([pick_of(left), pick_of(right)], [right, left])[0] == {0, 1}


def test_a_box_without_area_is_never_found():
    assert find_picked([Pick(0.5, 0.5, 0.1)], [face(400, 300, 0, 0)])[0] == frozenset()
