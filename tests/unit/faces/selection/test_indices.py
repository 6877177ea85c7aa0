"""Lists of face numbers, as typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpen_core.errors import OptionError
from gpen_core.faces.selection.indices import parse_indices, resolve_indices

NUMBERS = st.integers(-999, 999)


def chosen(text, count):
    return sorted(resolve_indices(parse_indices(text), count)[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("0", [0]),
        ("0, 2-4, -1", [0, 2, 3, 4, 9]),
        ("0 2 4", [0, 2, 4]),
        (" 1 ,, 3 ; ", [1, 3]),
        ("-3--1", [7, 8, 9]),
        ("8--1", [8, 9]),
        ("2–4", [2, 3, 4]),
        ("−1", [9]),
        ("０，２－４、－１", [0, 2, 3, 4, 9]),  # as Chinese and Japanese keyboards type them
        ("7-99", [7, 8, 9]),
        ("-99-1", [0, 1]),
        ("0,0,0-1", [0, 1]),
    ],
)
def test_numbers_and_ranges_count_from_either_end(text, expected):
    assert chosen(text, 10) == expected


@given(st.lists(NUMBERS, max_size=20), st.integers(0, 50), st.sampled_from([", ", ",", " ", ";", " , "]))
def test_a_list_of_numbers_is_read_as_python_would_index(numbers, count, separator):
    expected = {range(count)[n] for n in numbers if -count <= n < count}
    found, absent = resolve_indices(parse_indices(separator.join(map(str, numbers))), count)
    assert found == expected
    assert sorted(absent) == sorted(n for n in numbers if not -count <= n < count)


@given(NUMBERS, NUMBERS, st.integers(0, 50))
def test_a_range_holds_both_its_ends_and_nothing_outside_them(first, last, count):
    if (first >= 0) == (last >= 0) and last < first:
        with pytest.raises(OptionError, match="backward"):
            parse_indices(f"{first}-{last}")
        return
    found, absent = resolve_indices(parse_indices(f"{first}-{last}"), count)
    low, high = (n + count if n < 0 else n for n in (first, last))
    assert found == {n for n in range(count) if low <= n <= high}
    if first != last:
        assert absent == ()  # a range may reach beyond the faces there are


@given(st.text(max_size=40))
def test_anything_that_is_typed_is_read_or_refused_with_one_error(text):
    try:
        spans = parse_indices(text)
    except OptionError as error:
        assert "face number" in str(error) or "backward" in str(error)
    else:
        assert all(isinstance(number, int) for span in spans for number in span)


@pytest.mark.parametrize("text", ["a", "1.5", "0x1", "1-", "--1", "1-2-3", "٣", "1e3", "9999999"])
def test_what_is_no_number_is_named(text):
    with pytest.raises(OptionError, match="not a face number"):
        parse_indices(text)


def test_a_list_without_end_is_refused():
    with pytest.raises(OptionError, match="entries"):
        parse_indices("1," * 20_000)
