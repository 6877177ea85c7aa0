"""What the page says of picks is what the node will say: both ways of finding faces again, side by side."""

import json
import math
import random
from typing import Any

import pytest
from browser_harness.plain_page import PlainPage

from gpen_core.faces.selection import Pick, Picks, SelectOptions, choose_faces, pick_of, read_picks, selection_report
from gpen_core.types import Face

SIZE = (600, 800)  # height, width
DECIDE = """
  const {decide, readPicks} = await import('/js/picks.js')
  return given.map(([text, faces]) => decide(readPicks(text), faces, 800 / 600))
"""
AFTER = """
  const {setTaken, readPicks, writePicks} = await import('/js/picks.js')
  return given.map(([text, faces, places, taken]) =>
    writePicks(setTaken(readPicks(text), faces, new Set(places), taken, 800 / 600)))
"""


def face(x: float, y: float, side: float, frame: int = 0) -> Face:
    points = ((x, y),) * 5
    return Face((x - side / 2, y - side / 2, x + side / 2, y + side / 2), 0.9, points, SIZE, frame)


def crowd(chance: random.Random, count: int) -> list[Face]:
    return [
        face(chance.uniform(0, 800), chance.uniform(0, 600), chance.uniform(15, 160), chance.randrange(2))
        for _ in range(count)
    ]


def nearby(chance: random.Random, found: Face) -> Pick:
    """A pick of this face, made where another detector saw it; sometimes too far away."""
    pick = pick_of(found)
    return Pick(
        pick.x + chance.gauss(0, 0.3) * pick.size,
        pick.y + chance.gauss(0, 0.3) * pick.size,
        pick.size * math.exp(chance.gauss(0, 0.5)),
        pick.frame,
    )


def as_text(picks: Picks) -> str:
    lists = {name: [vars(pick) for pick in getattr(picks, name)] for name in ("include", "exclude")}
    return json.dumps({"version": 1, **lists, "others": picks.others})


def cases() -> list[tuple[list[Face], Picks, SelectOptions]]:
    chance, made = random.Random(3), []
    for number in range(60):
        faces = crowd(chance, chance.randrange(1, 24))
        picked = [nearby(chance, one) for one in chance.sample(faces, chance.randrange(len(faces) + 1))]
        half = len(picked) // 2
        picks = Picks(tuple(picked[:half]), tuple(picked[half:]), ("rules", "none")[number % 2])
        made.append((faces, picks, SelectOptions("left_to_right", min_size=40.0 * (number % 3))))
    return made


def report_of(faces: list[Face], picks: Picks, options: SelectOptions = SelectOptions()) -> dict[str, Any]:
    return selection_report(choose_faces(faces, options, picks=picks))


def test_the_page_decides_about_every_face_as_the_node_does(plain_page: PlainPage) -> None:
    """The node's report of a run without picks, then picks: decided in the page, and by another run."""
    given, expected = [], []
    for faces, picks, options in cases():
        given.append([as_text(picks), report_of(faces, Picks(), options)["faces"]])
        expected.append(report_of(faces, picks, options))
    for decided, report in zip(plain_page.run(DECIDE, given), expected, strict=True):
        assert [one["state"] for one in decided["faces"]] == [one["state"] for one in report["faces"]]
        assert [one["taken"] for one in decided["faces"]] == [one["chosen"] for one in report["faces"]]
        assert [(one["list"], one["pick"]["x"]) for one in decided["lost"]] == [
            (one["list"], one["x"]) for one in report["lost"]
        ]


def test_what_is_taken_or_left_in_the_page_is_so_in_the_next_run(plain_page: PlainPage) -> None:
    chance, given, asked = random.Random(4), [], []
    for faces, picks, options in cases():
        listed = report_of(faces, picks, options)["faces"]
        places, taken = chance.sample(range(len(listed)), chance.randrange(1, len(listed) + 1)), chance.random() < 0.5
        given.append([as_text(picks), listed, places, taken])
        asked.append((faces, options, places, taken))
    for text, (faces, options, places, taken) in zip(plain_page.run(AFTER, given), asked, strict=True):
        report = report_of(faces, read_picks(text), options)
        assert {report["faces"][place]["chosen"] for place in places} == {taken}, text


def test_no_pick_is_kept_that_says_what_the_rules_say(plain_page: PlainPage) -> None:
    listed = report_of([face(100, 100, 50), face(300, 100, 50)], Picks())["faces"]
    first = pick_of(face(100, 100, 50))
    excluded = as_text(Picks((), (first,)))
    texts = plain_page.run(AFTER, [["", listed, [0], False], [excluded, listed, [0], True], ["", listed, [0, 1], True]])
    assert read_picks(texts[0]).exclude and texts[1:] == ["", ""]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"version": 2}', '{"version": 1, "include": [{"x": "a"}, 3]}']
)
def test_a_text_that_holds_no_picks_counts_as_none(plain_page: PlainPage, text: str) -> None:
    script = "const {readPicks} = await import('/js/picks.js'); return readPicks(given)"
    assert plain_page.run(script, text) == {"include": [], "exclude": [], "others": "rules"}
