"""Choosing faces by hand in real ComfyUI, in both renderers."""

import json
import re
from pathlib import Path

import pytest
from browser_harness.comfy_page import ComfyPage
from browser_harness.picker import NODE, SET_IMAGE, Picker
from browser_harness.touch import fingers

COUNT = 9
REACHABLE = """faces => faces.filter(face => {
  const box = face.getBoundingClientRect()
  return face.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2))
}).length"""
OPEN_PANEL = "app.extensionManager.setting.set('Comfy.RightSidePanel.IsOpen', true)"
CLEAR = "app.rootGraph.remove(app.rootGraph.nodes.find(node => node.type === 'GPEN_SelectFaces'))"


@pytest.fixture
def picker(comfy_page: ComfyPage) -> Picker:
    """The picker with nine faces found."""
    made = Picker(comfy_page)
    made.open("nine.png")
    return made


def test_a_run_shows_the_faces_with_the_numbers_that_index_lists_count(picker: Picker) -> None:
    assert picker.states() == dict.fromkeys(range(COUNT), "chosen")
    listed = {face["index"]: face["box"] for face in picker.report()["faces"]}
    layer = picker.widget.locator(".gpen-faces").bounding_box()
    assert layer is not None
    for number, (x0, _, x1, _) in listed.items():
        box = picker.face(number).bounding_box()
        assert box is not None
        assert (box["x"] - layer["x"]) / layer["width"] == pytest.approx(x0, abs=0.01)
        assert box["width"] / layer["width"] == pytest.approx(x1 - x0, abs=0.01)


def test_a_click_excludes_a_face_and_another_click_takes_it_back(picker: Picker) -> None:
    picker.face(4).click()
    assert picker.numbers("excluded") == {4}
    assert "8 of 9 faces chosen" in picker.widget.inner_text()
    (pick,) = picker.picks()["exclude"]
    assert pick == next(face["pick"] for face in picker.report()["faces"] if face["index"] == 4)
    picker.comfy.run_to_end()
    assert picker.report()["text"].startswith("8 of 9") and picker.numbers("excluded") == {4}
    picker.face(4).click()
    assert picker.saved() == "" and picker.numbers("chosen") == set(range(COUNT))


def test_two_of_nine_are_chosen_with_three_clicks(picker: Picker) -> None:
    picker.press("None")
    assert picker.numbers("left_out") == set(range(COUNT))
    picker.face(2).click()
    picker.face(7).click()
    picker.comfy.run_to_end()
    assert picker.numbers("included") == {2, 7} and picker.report()["text"].startswith("2 of 9")
    assert [face["chosen"] for face in picker.report()["faces"]].count(True) == 2
    picker.press("Reset")
    assert picker.numbers("chosen") == set(range(COUNT))


def test_a_box_dragged_round_several_faces_excludes_them(picker: Picker) -> None:
    layer = picker.widget.locator(".gpen-faces").bounding_box()
    assert layer is not None
    mouse = picker.page.mouse
    mouse.move(layer["x"] + 3, layer["y"] + 3)
    mouse.down()
    mouse.move(layer["x"] + layer["width"] - 3, layer["y"] + layer["height"] / 3, steps=5)
    mouse.up()
    row = {face["index"] for face in picker.report()["faces"] if face["box"][3] < 1 / 3}
    assert len(row) == 3 and picker.numbers("excluded") == row


def test_fingers_take_leave_and_draw_a_box_and_the_graph_stays_where_it_is(picker: Picker) -> None:
    before = picker.comfy.extent()
    fingers(picker.page, (picker.middle(4),))
    assert picker.numbers("excluded") == {4}
    fingers(picker.page, (picker.middle(4),))
    assert picker.numbers("excluded") == set()
    layer = picker.widget.locator(".gpen-faces").bounding_box()
    assert layer is not None
    left, top, across = layer["x"], layer["y"], layer["width"]
    fingers(
        picker.page,
        *(((left + x * across, top + y * layer["height"]),) for x, y in ((0.01, 0.01), (0.5, 0.2), (0.99, 0.33))),
    )
    row = {face["index"] for face in picker.report()["faces"] if face["box"][3] < 1 / 3}
    assert len(row) == 3 and picker.numbers("excluded") == row
    assert picker.comfy.extent() == before


def test_keys_move_between_faces_and_choose_them_and_no_shortcut_of_the_page_runs(picker: Picker) -> None:
    places = {face["index"]: face["box"] for face in picker.report()["faces"]}
    before = len(picker.comfy.workflow()["nodes"])
    corner = min(places, key=lambda number: places[number][0] + places[number][1])
    picker.face(corner).focus()
    keys = picker.page.keyboard
    for key in ("ArrowRight", "ArrowDown", "Space"):
        keys.press(key)
    (middle,) = picker.numbers("excluded")
    assert all(1 / 3 < side < 2 / 3 for side in places[middle])
    keys.press("i")
    assert picker.numbers("chosen", "included") == {middle}
    keys.press("a")
    assert picker.numbers("chosen", "included") == set(range(COUNT))
    keys.press("n")
    assert picker.numbers("chosen", "included") == set()
    assert picker.page.evaluate("document.activeElement.className").startswith("gpen-face")
    assert len(picker.comfy.workflow()["nodes"]) == before


def test_a_screen_reader_hears_the_faces_what_becomes_of_them_and_how_many_are_chosen(picker: Picker) -> None:
    picker.face(4).click()
    heard = picker.widget.aria_snapshot()
    assert heard.startswith('- group "Faces. Arrow keys move, space takes or leaves a face')
    assert re.search(r'button "Face 3, \d+ × \d+ px, quality 0\.\d\d, chosen" \[pressed\]', heard)
    assert re.search(r'button "Face 4, \d+ × \d+ px, quality 0\.\d\d, excluded by hand"(?! \[pressed)', heard)
    assert "status: 8 of 9 faces chosen." in heard


def test_the_choice_is_in_the_saved_workflow_and_comes_back_with_it(picker: Picker, tmp_path: Path) -> None:
    picker.face(0).click()
    chosen, saved = picker.saved(), tmp_path / "chosen.json"
    saved.write_text(json.dumps(picker.comfy.workflow()))
    picker.comfy.open_workflow(saved)
    assert picker.saved() == chosen and "1 face picked" in picker.widget.inner_text()
    picker.comfy.run_to_end()
    assert picker.numbers("excluded") == {0}


def test_the_choice_survives_a_reload_of_the_page(picker: Picker) -> None:
    picker.face(3).click()
    chosen = picker.saved()
    picker.comfy.reload()
    assert picker.saved() == chosen


def test_undo_and_redo_go_through_the_choices_one_by_one(picker: Picker) -> None:
    picker.face(1).click()
    picker.face(5).click()
    for command, excluded in (("Undo", {1}), ("Undo", set()), ("Redo", {1}), ("Redo", {1, 5})):
        picker.comfy.command(f"Comfy.{command}")
        picker.page.wait_for_function(
            "count => document.querySelectorAll('.gpen-face[data-state=excluded]').length === count",
            arg=len(excluded),
        )
        assert picker.numbers("excluded") == excluded  # with its picture: an undo makes the node anew


def test_a_copy_of_the_node_has_the_same_choice(picker: Picker) -> None:
    picker.face(6).click()
    chosen = picker.saved()
    picker.comfy.select(NODE)
    picker.page.evaluate("app.canvas.copyToClipboard(); app.canvas.pasteFromClipboard()")
    values = [node["widgets_values"] for node in picker.comfy.workflow()["nodes"] if node["type"] == NODE]
    assert len(values) == 2 and all(chosen in value for value in values)


def test_picks_find_their_faces_in_another_copy_of_the_picture(picker: Picker) -> None:
    picker.face(8).click()
    (place,) = (face["pick"] for face in picker.report()["faces"] if face["index"] == 8)
    picker.page.evaluate(SET_IMAGE, "nine_larger.png")
    picker.comfy.run_to_end()
    (excluded,) = (face["pick"] for face in picker.report()["faces"] if face["state"] == "excluded")
    assert excluded["x"] == pytest.approx(place["x"], abs=0.02) and excluded["y"] == pytest.approx(place["y"], abs=0.02)
    assert picker.report()["lost"] == []


def test_a_pick_that_finds_no_face_is_listed_until_it_is_removed(picker: Picker) -> None:
    picker.face(2).click()
    picker.page.evaluate(SET_IMAGE, "example.png")
    picker.comfy.run_to_end()
    lost = picker.widget.get_by_role("list", name="Picks without a face")
    assert "No face found where one was excluded" in lost.inner_text()
    assert len(picker.picks()["exclude"]) == 1
    lost.get_by_role("button").click()
    lost.wait_for(state="hidden")
    assert picker.saved() == ""


def test_in_a_narrow_node_all_is_inside_and_can_be_used(comfy_page: ComfyPage) -> None:
    picker = Picker(comfy_page)
    picker.open("nine.png", (225, 520))
    widget = picker.widget.bounding_box()
    assert widget is not None
    for part in (picker.widget.locator(".gpen-stage"), picker.widget.locator(".gpen-bar"), *picker.faces.all()):
        box = part.bounding_box()
        assert box is not None
        assert box["x"] >= widget["x"] - 1 and box["x"] + box["width"] <= widget["x"] + widget["width"] + 1
        assert box["y"] >= widget["y"] - 1 and box["y"] + box["height"] <= widget["y"] + widget["height"] + 1
    picker.face(0).click()
    assert picker.numbers("excluded") == {0}


def test_forty_faces_in_a_picture_of_4k_can_each_be_clicked(comfy_page: ComfyPage) -> None:
    picker = Picker(comfy_page)
    comfy_page.page.evaluate(OPEN_PANEL)  # as the help and the details of an error leave it
    picker.open("forty.png")
    assert len(picker.states()) == 40
    assert picker.widget.locator("img").first.evaluate("image => image.naturalWidth") <= 2048
    assert picker.faces.evaluate_all(REACHABLE) == 40
    for number in range(0, 40, 7):
        picker.face(number).click()
    assert picker.numbers("excluded") == set(range(0, 40, 7))
    assert len(picker.picks()["exclude"]) == 6


def test_a_removed_node_leaves_nothing_in_the_page(picker: Picker) -> None:
    picker.page.evaluate(CLEAR)
    picker.widget.wait_for(state="detached")
    assert picker.page.locator(".gpen-face").count() == 0
    assert picker.comfy.errors == []
