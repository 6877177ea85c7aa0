"""The widgets by themselves, in an empty page: touch, screen readers, looks, and that they leave nothing behind."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from browser_harness.plain_page import ADDRESS, PlainPage
from browser_harness.touch import fingers
from PIL import Image

from gpen_core.faces.selection import Picks, SelectOptions, choose_faces, pick_of, selection_report, write_picks
from gpen_core.types import Face

SIZE = (512, 512)
PLACE = {"x": 100, "y": 60, "width": 420, "height": 480}
MAKE = """
  const {FacePicker} = await import('/js/face_picker.js')
  window.told = 0
  const picker = window.picker = new FacePicker({pictureUrl: picture => picture.url, onPick: () => told++})
  Object.assign(picker.element.style, {position: 'absolute', left: '100px', top: '60px', width: '420px', height: '480px'})
  document.body.append(picker.element)
  picker.show(given.report)
  picker.value = given.text
"""
COMPARE = """
  const {FaceCompare} = await import('/js/face_compare.js')
  const compare = window.compare = new FaceCompare()
  Object.assign(compare.element.style, {width: '420px', height: '480px'})
  document.body.append(compare.element)
  compare.show([{before: '/astronaut.png', after: '/astronaut.png', width: 512, height: 512}], [])
"""
WATCH = """
  window.listening = []
  for (const [name, target] of Object.entries({window, document, body: document.body, root: document.documentElement})) {
    const add = target.addEventListener
    target.addEventListener = function (...given) {
      if (Error().stack.includes('/js/')) listening.push(`${name}: ${given[0]}`)
      add.apply(this, given)
    }
  }
  window.observing = new Set()
  const {observe, disconnect} = ResizeObserver.prototype
  ResizeObserver.prototype.observe = function (...given) { observing.add(this); observe.apply(this, given) }
  ResizeObserver.prototype.disconnect = function () { observing.delete(this); disconnect.apply(this) }
"""
REACH = """
  const {nextArea} = await import('/js/geometry.js')
  const keys = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown']
  return given.map(areas => {
    const seen = new Set([0]), waiting = [0]
    while (waiting.length)
      for (const key of keys) {
        const next = nextArea(areas, waiting[0], key, 1.5)
        if (!seen.has(next)) waiting.push(next)
        seen.add(next)
        if (key === 'ArrowDown') waiting.shift()
      }
    return seen.size
  })
"""


def face(x: float, y: float, side: float, frame: int = 0) -> Face:
    return Face((x - side / 2, y - side / 2, x + side / 2, y + side / 2), 0.9, ((x, y),) * 5, SIZE, frame)


FACES = [face(100, 100, 60), face(400, 100, 60), face(100, 400, 60), face(400, 400, 60), face(256, 256, 12)]
TAKEN, EXCLUDED, INCLUDED, LIMITED = 1, 2, 3, 4  # numbers, by the order below; the last face is below the limit


def report(faces: list[Face] = FACES, picks: Picks = Picks(), frames: int = 1) -> dict[str, Any]:
    rules = SelectOptions("top_to_bottom", min_size=20)
    pictures = [{"url": "/astronaut.png", "width": 512, "height": 512, "frame": frame} for frame in range(frames)]
    found = selection_report(choose_faces(faces, rules, picks=picks))
    return found | {"pictures": pictures, "frames": frames}


def shown(page: PlainPage, picks: Picks = Picks(), **more: Any) -> None:
    text = write_picks(picks) if picks != Picks() else ""
    page.run(MAKE, {"report": report(picks=picks, **more), "text": text})
    page.page.wait_for_function("document.querySelector('.gpen-picture').naturalWidth")


def states(page: PlainPage) -> list[str]:
    return page.page.locator(".gpen-face").evaluate_all("all => all.map(face => face.dataset.state)")


def middle(page: PlainPage, number: int) -> tuple[float, float]:
    box = page.page.get_by_role("button", name=f"Face {number},").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_tap_takes_or_leaves_a_face(plain_page: PlainPage) -> None:
    shown(plain_page)
    before = states(plain_page)
    plain_page.page.touchscreen.tap(*middle(plain_page, 1))
    after = states(plain_page)
    assert [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]] == [("chosen", "excluded")]
    assert plain_page.page.evaluate("told") == 1


def test_a_finger_draws_a_box_round_several(plain_page: PlainPage) -> None:
    shown(plain_page)
    (x0, y0), (x1, y1) = middle(plain_page, 0), middle(plain_page, 1)
    least, most = (min(x0, x1) - 30, min(y0, y1) - 30), (max(x0, x1) + 30, max(y0, y1) + 30)
    fingers(plain_page.page, (least,), ((x0, y0 + 10),), (most,))
    assert states(plain_page).count("excluded") == 2 and plain_page.page.evaluate("told") == 1


def compared(page: PlainPage) -> dict[str, float]:
    """Where the comparison's stage is, in pixels of the page."""
    page.run(COMPARE)
    box = page.page.locator(".gpen-compare-stage").bounding_box()
    assert box is not None
    return box


LOST = """
  const stage = document.querySelector('.gpen-compare-stage')
  stage.setPointerCapture = () => {}
  const finger = {pointerId: 77, pointerType: 'touch', isPrimary: true, bubbles: true}
  stage.dispatchEvent(new PointerEvent('pointerdown', finger))
  delete stage.setPointerCapture
"""


def test_a_finger_whose_end_nobody_told_does_not_stop_the_next(plain_page: PlainPage) -> None:
    box = compared(plain_page)
    plain_page.run(LOST)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fingers(plain_page.page, ((x, y),), ((x - 10, y),), ((box["x"] + box["width"] / 4, y),))
    assert plain_page.page.evaluate("compare.stage.divider") == pytest.approx(0.25, abs=0.01)


def test_a_finger_moves_the_divider_of_a_comparison(plain_page: PlainPage) -> None:
    room = compared(plain_page)
    at = [(room["x"] + share * room["width"], room["y"] + 50) for share in (0.5, 0.4, 0.25)]
    fingers(plain_page.page, *((place,) for place in at))
    assert plain_page.page.evaluate("compare.stage.divider") == pytest.approx(0.25, abs=0.01)


def test_a_comparison_is_zoomed_and_moved_by_touch_and_two_fingers_leave_it_alone(plain_page: PlainPage) -> None:
    room, seen = compared(plain_page), "({...compare.stage.view, divider: compare.stage.divider})"
    x, y = room["x"] + 0.2 * room["width"], room["y"] + 0.6 * room["height"]
    whole = plain_page.page.evaluate(seen)
    for _ in range(3):
        plain_page.page.get_by_role("button", name="Zoom in").tap()
    zoomed = plain_page.page.evaluate(seen)
    assert zoomed["scale"] == pytest.approx(1.25**3 * whole["scale"])
    fingers(plain_page.page, ((x, y),), ((x - 20, y + 5),))
    moved = plain_page.page.evaluate(seen)
    assert moved == pytest.approx(zoomed | {"x": zoomed["x"] - 20, "y": zoomed["y"] + 5})
    one, two = ((x - 30, y), (x + 30, y)), ((x - 60, y), (x + 60, y))
    fingers(plain_page.page, one[:1], two[:1], two, one)
    assert plain_page.page.evaluate(seen) == moved
    for _ in range(9):
        plain_page.page.get_by_role("button", name="Zoom out").tap()
    assert plain_page.page.evaluate(seen) == pytest.approx(whole)  # no smaller than that


def test_pictures_of_a_batch_are_turned_like_pages(plain_page: PlainPage) -> None:
    faces = [face(100, 100, 60), face(100, 100, 60, 1), face(300, 300, 60, 1)]
    shown(plain_page, faces=faces, frames=2)
    buttons = plain_page.page.locator(".gpen-face")
    assert buttons.count() == 1
    plain_page.page.get_by_role("button", name="Next picture").click()
    assert buttons.count() == 2 and "2 / 2" in plain_page.page.locator(".gpen-bar").inner_text()
    buttons.first.click()
    picks = plain_page.run("return JSON.parse(picker.value)")
    assert [pick["frame"] for pick in picks["exclude"]] == [1]
    plain_page.page.get_by_role("button", name="Next picture").click()
    assert states(plain_page) == ["chosen"]


def test_arrow_keys_go_as_one_reads_and_up_and_down_in_columns(plain_page: PlainPage) -> None:
    script = "const {nextArea} = await import('/js/geometry.js'); return given.map(([a, from, key]) => nextArea(a, from, key))"
    grid = [{"x": x / 3, "y": y / 3 + x / 30, "width": 0.2, "height": 0.2} for y in range(3) for x in range(3)]
    steps = [(0, "ArrowRight", 1), (2, "ArrowRight", 3), (3, "ArrowLeft", 2), (4, "ArrowUp", 1), (4, "ArrowDown", 7)]
    steps += [(0, "ArrowLeft", 0), (8, "ArrowRight", 8), (1, "ArrowUp", 1), (7, "ArrowDown", 7)]
    assert plain_page.run(script, [[grid, start, key] for start, key, _ in steps]) == [end for *_, end in steps]


@pytest.mark.parametrize("count", [2, 9, 40])
def test_arrow_keys_reach_every_face(plain_page: PlainPage, count: int) -> None:
    chance = np.random.default_rng(count)
    crowds = [
        [
            {"x": float(x), "y": float(y), "width": float(side), "height": float(side)}
            for x, y, side in zip(*chance.uniform(0, 0.9, (2, count)), chance.uniform(0.01, 0.1, count), strict=True)
        ]
        for _ in range(50)
    ]
    assert plain_page.run(REACH, crowds) == [count] * 50


def test_what_becomes_of_a_face_is_seen_without_color_and_heard(plain_page: PlainPage) -> None:
    faces = sorted(FACES, key=lambda one: one.box[1])
    picks = Picks((pick_of(faces[0]),), (pick_of(faces[1]),))
    shown(plain_page, picks)
    looks = plain_page.page.locator(".gpen-face").evaluate_all(
        """all => all.map(face => {
          const style = getComputedStyle(face)
          return [face.dataset.state, style.borderTopStyle, style.borderTopWidth, style.backgroundImage !== 'none',
                  face.innerText.replace(/[0-9 ]/g, ''), face.getAttribute('aria-label'), face.ariaPressed]
        })"""
    )
    by_state = {state: look for state, *look in looks}
    assert set(by_state) == {"included", "excluded", "limits", "chosen"}
    assert len({tuple(look[:4]) for look in by_state.values()}) == 4
    assert by_state["excluded"][2:4] == [True, "✕"] and by_state["limits"][:1] == ["dotted"]
    heard = {state: (look[4].partition("px, ")[2], look[5]) for state, look in by_state.items()}
    assert heard == {
        "included": ("included by hand", "true"),
        "excluded": ("excluded by hand", "false"),
        "limits": ("outside the limits: 12 px, below 20 px", "false"),
        "chosen": ("chosen", "true"),
    }


def test_every_control_has_a_name_and_faces_are_one_stop_of_the_tab_key(plain_page: PlainPage) -> None:
    shown(plain_page)
    plain_page.run(COMPARE)
    for kind in ("button", "slider"):
        for control in plain_page.page.get_by_role(kind).all():
            assert (control.get_attribute("aria-label") or "").strip()
    stops = plain_page.page.locator(".gpen-face[tabindex='0']")
    assert stops.count() == 1
    assert plain_page.page.get_by_role("status").count() == 2


def test_colors_are_those_of_the_hosts_theme(plain_page: PlainPage) -> None:
    theme = {"--input-text": "rgb(1, 2, 3)", "--comfy-input-bg": "rgb(4, 5, 6)", "--border-color": "rgb(7, 8, 9)"}
    plain_page.run("Object.entries(given).forEach(pair => document.body.style.setProperty(...pair))", theme)
    shown(plain_page)
    plain_page.page.wait_for_function("document.styleSheets.length > 0")
    found = plain_page.run(
        """const style = selector => getComputedStyle(document.querySelector(selector))
           return [style('.gpen-caption').color, style('.gpen-stage').backgroundColor, style('.gpen-button').borderColor]"""
    )
    assert found == ["rgb(1, 2, 3)", "rgb(4, 5, 6)", "rgb(7, 8, 9)"]


def test_nothing_is_drawn_outside_the_widget_even_for_faces_that_leave_the_picture(plain_page: PlainPage) -> None:
    blank = picture(plain_page)
    shown(plain_page, faces=[face(0, 0, 200), face(500, 500, 300), face(250, 510, 80)])
    plain_page.page.locator(".gpen-face").first.focus()
    drawn = picture(plain_page)
    changed = (blank != drawn).any(axis=-1)
    left, top = PLACE["x"], PLACE["y"]
    inside = np.zeros_like(changed)
    inside[top : top + PLACE["height"], left : left + PLACE["width"]] = True
    assert changed[inside].mean() > 0.3 and not changed[~inside].any()


def picture(page: PlainPage) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(page.page.screenshot())).convert("RGB"))


def test_a_widget_listens_to_nothing_but_itself_and_stops_watching_when_its_node_goes(plain_page: PlainPage) -> None:
    plain_page.run(WATCH)
    shown(plain_page)
    plain_page.run(COMPARE + "compare.togglePixels()")
    assert plain_page.run("return [listening, observing.size]") == [[], 2]
    plain_page.run("picker.dispose(); compare.dispose()")
    assert plain_page.run("return observing.size") == 0
    frames = plain_page.run(
        """let count = 0
           const ask = window.requestAnimationFrame
           window.requestAnimationFrame = (...given) => { count++; return ask(...given) }
           await new Promise(done => setTimeout(done, 200))
           window.requestAnimationFrame = ask
           return count"""
    )
    assert frames == 0


def test_nothing_is_asked_of_any_other_host(plain_page: PlainPage) -> None:
    shown(plain_page)
    plain_page.run(COMPARE)
    plain_page.page.wait_for_timeout(200)
    assert len(plain_page.asked) > 8 and all(address.startswith(ADDRESS) for address in plain_page.asked)
