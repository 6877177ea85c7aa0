"""BOUNDING_BOX in all its shapes, typed boxes, and what is said of anything else."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gpen_core.errors import OptionError
from gpen_core.faces.exchange import GivenBox, parse_boxes, read_boxes

ONE = {"x": 10, "y": 20, "width": 30, "height": 40}
OTHER = {"x": 1.5, "y": 2, "width": 3, "height": 4, "label": "face", "score": 0.9}
numbers = st.floats(-1e6, 1e6)
sides = st.floats(0.01, 1e6)
boxes = st.fixed_dictionaries({"x": numbers, "y": numbers, "width": sides, "height": sides})


def test_one_box_a_list_and_lists_for_each_frame():
    first, second = (10.0, 20.0, 40.0, 60.0), (1.5, 2.0, 4.5, 6.0)
    assert read_boxes(ONE, 2) == (GivenBox(first), GivenBox(first, 1))
    assert read_boxes([ONE, OTHER], 1) == (GivenBox(first), GivenBox(second, 0, "face"))
    assert read_boxes([[ONE], [], [OTHER, ONE]], 3) == (
        GivenBox(first),
        GivenBox(second, 2, "face"),
        GivenBox(first, 2),
    )
    assert read_boxes([[ONE]], 2) == (GivenBox(first), GivenBox(first, 1))
    assert read_boxes([], 3) == read_boxes([[], [], []], 3) == ()


def test_numbers_of_other_libraries_are_numbers():
    box = {"x": np.float32(1), "y": np.int64(2), "width": torch.tensor(3), "height": torch.tensor(4.0)}
    assert read_boxes(box, 1) == (GivenBox((1.0, 2.0, 4.0, 6.0)),)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (None, "NoneType"),
        ("10, 20", "str"),
        ([1, 2, 3, 4], "no boxes"),
        ([[1, 2, 3, 4]], "int"),
        ([ONE, [ONE]], "no boxes"),
        ({"x": 1}, "no number 'y'"),
        ({**ONE, "width": 0}, "above 0"),
        ({**ONE, "x": float("nan")}, "not a number of pixels"),
        ({**ONE, "x": True}, "no number 'x'"),
        ({**ONE, "x": "10"}, "no number 'x'"),
        ({**ONE, "height": torch.zeros(3)}, "not a number of pixels"),
        ([[ONE], [ONE]], "2 images, but there are 3"),
    ],
)
def test_anything_else_is_named(wrong, says):
    with pytest.raises(OptionError, match=says):
        read_boxes(wrong, 3)


@given(st.lists(boxes, max_size=5))
def test_json_and_lines_say_the_same(given_boxes):
    lines = "\n".join(f"{b['x']!r}, {b['y']!r} {b['width']!r},{b['height']!r}" for b in given_boxes)
    assert parse_boxes(lines, 2) == read_boxes(given_boxes, 2)
    assert parse_boxes(json.dumps(given_boxes), 2) == read_boxes(given_boxes, 2)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_one_error(text):
    try:
        found = parse_boxes(text, 1)
    except OptionError:
        return
    assert all(box.box[2] > box.box[0] and box.box[3] > box.box[1] for box in found)


@pytest.mark.parametrize("text", ["1 2 3", "1 2 3 4 5", "a b c d", "1 2 3 -4", "[1", "{" * 100_000, "1 2 inf 4"])
def test_what_is_no_box_is_named(text):
    with pytest.raises(OptionError, match="box"):
        parse_boxes(text, 1)


def test_wide_digits_and_commas_are_read():
    assert parse_boxes("１７５，６４、９７ １２４；1,2,3,4", 1) == parse_boxes("175, 64, 97, 124\n1 2 3 4", 1)


def test_a_box_says_where_it_is():
    assert str(read_boxes(ONE, 2)[1]) == "10, 20, 30×40 in image 2"
