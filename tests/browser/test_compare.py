"""Before and after in real ComfyUI, in both renderers."""

import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from browser_harness.comfy_page import ComfyPage
from browser_harness.comparing import Compare
from browser_harness.touch import fingers
from PIL import Image

ZOOM_GRAPH = "scale => { app.canvas.ds.scale = scale; app.canvas.setDirty(true, true) }"
NODE = "GPEN_CompareFaces"


@pytest.fixture
def compare(comfy_page: ComfyPage) -> Compare:
    """The widget with nine faces."""
    made = Compare(comfy_page)
    made.open("nine.png")
    made.stage.focus()
    return made


def test_arrow_keys_go_from_the_whole_picture_to_each_face_and_back(compare: Compare) -> None:
    assert "9 faces" in compare.caption.inner_text()
    whole = compare.shown()
    assert whole["width"] >= 1 - 1e-3 and whole["height"] >= 1 - 1e-3
    names = []
    for _ in range(9):
        compare.page.keyboard.press("ArrowRight")
        names.append(compare.caption.locator("strong").inner_text())
        shown = compare.shown()
        assert max(shown["width"], shown["height"]) < 0.5  # of a picture of three by three
    assert names == [f"Face {number} of 9" for number in range(1, 10)]
    compare.page.keyboard.press("ArrowRight")
    assert "Whole picture" in compare.caption.inner_text()
    compare.page.keyboard.press("ArrowLeft")
    assert compare.caption.locator("strong").inner_text() == "Face 9 of 9"
    compare.page.keyboard.press("Home")
    assert compare.shown() == whole


def test_a_face_in_view_comes_with_its_facts(compare: Compare) -> None:
    compare.page.keyboard.press("ArrowRight")
    names, texts = (compare.caption.locator(tag).all_inner_texts() for tag in ("dt", "dd"))
    facts = dict(zip(names, texts, strict=True))
    assert set(facts) >= {"size", "score", "strength", "model"} and "px" in facts["size"]
    boxes = compare.comfy.ask("app.nodeOutputs")
    (found,) = (one["gpen_compare"][0] for one in boxes.values() if "gpen_compare" in one)
    box, shown = found["faces"][0]["box"], compare.shown()
    middle = [shown["left"] + shown["width"] / 2, shown["top"] + shown["height"] / 2]
    assert middle == pytest.approx([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2], abs=0.05)


def test_a_screen_reader_hears_which_face_is_in_view_and_its_facts(compare: Compare) -> None:
    compare.page.keyboard.press("ArrowRight")
    heard = compare.widget.aria_snapshot()
    assert '"Before and after. Arrow keys: next and previous face.' in heard
    assert 'slider "Divider between before and after": "50"' in heard
    told = heard.partition("- status:")[2]
    assert "strong: Face 1 of 9" in told and "term: quality" in told and re.search(r"definition: \d+ × \d+ px", told)


def test_the_divider_follows_pointer_keys_and_slider_and_shows_each_picture_on_its_side(compare: Compare) -> None:
    box = compare.stage.bounding_box()
    assert box is not None
    compare.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    compare.page.mouse.down()
    compare.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 40, steps=3)
    compare.page.mouse.up()
    assert compare.divider() == pytest.approx(0.25, abs=0.01)
    compare.page.keyboard.press("Shift+ArrowRight")
    assert compare.divider() == pytest.approx(0.3, abs=0.01)
    compare.widget.get_by_role("slider").fill("75")
    clip = compare.widget.locator(".gpen-compare-side").nth(1).evaluate("side => getComputedStyle(side).clipPath")
    assert clip == "inset(0px 0px 0px 75%)"


def test_a_finger_moves_the_divider_and_two_zoom_the_graph_alone(compare: Compare) -> None:
    box, before, graph = compare.stage.bounding_box(), compare.shown(), compare.comfy.extent()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fingers(compare.page, ((x, y),), ((x - 10, y),), ((box["x"] + box["width"] / 4, y),))
    assert compare.divider() == pytest.approx(0.25, abs=0.01) and compare.comfy.extent() == graph
    fingers(compare.page, *(((x - apart, y), (x + apart, y)) for apart in (20, 30, 40)))
    after = compare.shown()
    assert compare.comfy.extent()["width"] == pytest.approx(2 * graph["width"], rel=0.01)
    assert after | {"screenPerPixel": 0} == pytest.approx(before | {"screenPerPixel": 0}, abs=1e-4)
    assert compare.divider() == pytest.approx(0.25, abs=0.01)


def test_the_pictures_are_the_original_and_the_result_pixel_by_pixel(compare: Compare, portrait: Path) -> None:
    pictures = []
    for side in ("before", "after"):
        address = compare.image(side).get_attribute("src")
        assert address is not None
        pictures.append(np.asarray(Image.open(BytesIO(compare.comfy.server.get(address)))))
    with Image.open(portrait.with_name("nine.png")) as original:
        np.testing.assert_array_equal(pictures[0], np.asarray(original))
    assert 0 < (pictures[0] != pictures[1]).any(axis=-1).mean() < 0.2


def test_at_pixel_scale_a_pixel_of_the_result_is_one_of_the_screen_however_the_graph_is_zoomed(
    compare: Compare,
) -> None:
    compare.page.keyboard.press("ArrowRight")
    compare.page.keyboard.press("p")
    assert compare.shown()["screenPerPixel"] == pytest.approx(1, abs=0.01)
    compare.page.evaluate(ZOOM_GRAPH, 0.7)
    compare.page.wait_for_timeout(300)
    assert compare.shown()["screenPerPixel"] == pytest.approx(1, abs=0.01)
    compare.page.keyboard.press("p")
    assert compare.shown()["screenPerPixel"] != pytest.approx(1, abs=0.1)


def test_both_sides_show_the_same_place_where_the_result_is_larger(comfy_page: ComfyPage) -> None:
    compare = Compare(comfy_page)
    compare.open("example.png", scale=2.0)
    assert compare.image("after").evaluate("image => image.naturalWidth") == 1024
    assert compare.image("before").evaluate("image => image.naturalWidth") == 512
    compare.stage.focus()
    compare.page.keyboard.press("ArrowRight")
    before, after = compare.shown_on_both_sides()
    assert after["width"] < 0.9  # a face fills it
    assert [before[key] for key in ("left", "top", "width")] == pytest.approx(
        [after[key] for key in ("left", "top", "width")], abs=1e-3
    )


def test_nothing_of_it_is_saved_in_the_workflow(compare: Compare, tmp_path: Path) -> None:
    before = compare.comfy.workflow()
    compare.page.keyboard.press("ArrowRight")
    compare.page.keyboard.press("Shift+ArrowRight")
    compare.page.keyboard.press("p")
    assert compare.comfy.workflow()["nodes"] == before["nodes"]
    (inputs,) = (node["inputs"] for node in compare.comfy.prompt().values() if node["class_type"] == NODE)
    assert set(inputs) == {"original", "restored", "faces"}
    saved = tmp_path / "compared.json"
    saved.write_text(json.dumps(before))
    compare.comfy.open_workflow(saved)
    assert "Run to compare" in compare.widget.inner_text()


def test_after_an_undo_the_pictures_are_still_there(compare: Compare) -> None:
    compare.page.evaluate("app.rootGraph.nodes.find(node => node.type === 'LoadImage').pos = [0, -200]")
    compare.page.evaluate("app.canvas.emitBeforeChange(); app.canvas.emitAfterChange()")
    compare.comfy.command("Comfy.Undo")
    compare.page.wait_for_timeout(500)
    compare.widget.wait_for()
    assert "9 faces" in compare.caption.inner_text() and compare.widget.count() == 1
