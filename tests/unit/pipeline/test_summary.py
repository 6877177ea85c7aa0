"""What a run came to, in words."""

import pytest

from gpen_core.pipeline.summary import blended_at, blended_text, fact_texts, run_text
from gpen_core.types import Face, FaceFacts

FACE = Face((10, 20, 107, 144), 0.987, ((0, 0),) * 5, (200, 200))


def test_what_is_not_known_of_a_face_is_left_out():
    assert dict(fact_texts(FACE)) == {"size": "97 × 124 px", "score": "99 %"}
    known = dict(fact_texts(FACE, FaceFacts(97, model="tiny.pth", model_size=64)))
    assert known == {"size": "97 × 124 px", "score": "99 %", "strength": "1.00", "model": "tiny (64 px)"}


def test_all_that_is_known_of_a_face_is_told_with_notes_last():
    facts = FaceFacts(97, 0.425, 0.8, 0.91, 0.12, "tiny", 64, ("Strength lowered.", "Sharp already."))
    texts = fact_texts(FACE, facts)
    assert texts[2:6] == (("quality", "0.42"), ("strength", "0.80"), ("kept back", "12 %"), ("similarity", "0.91"))
    assert [text for name, text in texts if name == "note"] == ["Strength lowered.", "Sharp already."]


def test_what_was_measured_before_blending_is_named_where_less_is_taken():
    facts = FaceFacts(97, strength=0.8, similarity=0.91, notes=("Sharp already.",))
    assert blended_at(facts, 1.0) == facts
    half = blended_at(facts, 0.5)
    assert half.strength == pytest.approx(0.4) and half.similarity == 0.91
    assert half.notes == ("Sharp already.", "The similarity was measured before blending, at strength 0.80.")
    assert blended_at(FaceFacts(97), 0.5) == FaceFacts(97, strength=0.5)


@pytest.mark.parametrize(
    ("facts", "found", "text"),
    [
        ([], None, "No face found: nothing was restored."),
        ([], 2, "2 faces found, 0 restored, 2 not chosen."),
        ([FaceFacts()], None, "1 face found, 1 restored."),
        ([FaceFacts(), FaceFacts(strength=0.0)], 3, "3 faces found, 1 restored, 1 not chosen, 1 kept as it was."),
        ([FaceFacts(strength=0.0)] * 2, None, "2 faces found, 0 restored, 2 kept as they were."),
        ([FaceFacts(notes=("Sharp already.",))], None, "1 face found, 1 restored. Sharp already."),
        (
            [FaceFacts(notes=("Sharp already.",)), FaceFacts(notes=("Sharp already.",)), FaceFacts(notes=("Dark.",))],
            None,
            "3 faces found, 3 restored. 2 faces: Sharp already. 1 face: Dark.",
        ),
        (
            [FaceFacts(notes=(f"{share} % of 2 taken.",)) for share in (9, 31, 24)],
            None,
            "3 faces found, 3 restored. 3 faces: 9–31 % of 2 taken.",
        ),
    ],
)
def test_a_run_says_what_was_found_restored_and_kept_and_each_reason_once(facts, found, text):
    assert run_text(facts, found) == text


def test_at_strength_0_no_face_is_said_to_be_blended():
    assert (
        blended_text([FaceFacts()] * 2, 1, (8, 6), 0.0)
        == "0 faces blended into the image at 8×6. 2 faces kept as they were."
    )
    assert blended_text([FaceFacts()] * 2, 1, (8, 6), 0.5) == "2 faces blended into the image at 8×6."
