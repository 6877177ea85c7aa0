"""Sentences that differ in numbers only."""

from gpen_core.alike import gathered


def test_sentences_are_one_with_the_range_of_their_numbers():
    said = ["24 px, too small", "not chosen", "31 px, too small", "27.5 px, too small"]
    assert gathered(said) == [("24–31 px, too small", 3), ("not chosen", 1)]


def test_numbers_below_zero_stay_below_zero():
    assert gathered(["similarity -0.02", "similarity -0.12", "similarity 0.3"]) == [("similarity -0.12–0.3", 3)]


def test_a_dash_within_a_word_is_no_sign():
    assert gathered(["GPEN-512", "GPEN-1024"]) == [("GPEN-512–1024", 2)]
