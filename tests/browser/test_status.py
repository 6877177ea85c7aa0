"""What nodes say below themselves, in real ComfyUI and both renderers."""

import itertools
from typing import TYPE_CHECKING, Any

from browser_harness.comfy_page import ComfyPage
from browser_harness.picker import graph

if TYPE_CHECKING:
    from playwright.sync_api import Locator

MOST_FACES = itertools.count(100)  # another value for each test, lest a result comes from the cache


def fresh(image: str) -> list[dict[str, Any]]:
    """Load, detect, select, not from any cache."""
    return [
        one | {"values": {"max_faces": next(MOST_FACES)}} if one["type"] == "GPEN_DetectFaces" else one
        for one in graph(image)
    ]


def said(comfy: ComfyPage) -> "Locator":
    return comfy.page.locator(".gpen-status")


def test_a_node_says_what_it_found_and_still_does_after_the_run(comfy_page: ComfyPage) -> None:
    comfy_page.build(fresh("nine.png"))
    comfy_page.run_to_end()
    comfy_page.page.wait_for_timeout(1000)  # the page takes its own texts away when a run has ended
    assert said(comfy_page).inner_text().startswith("9 faces found.")
    assert said(comfy_page).get_attribute("role") == "status" and "mtcnn on cpu" in said(comfy_page).inner_text()


def test_no_face_found_is_in_plain_sight(comfy_page: ComfyPage) -> None:
    comfy_page.build(fresh("gray.png"))
    comfy_page.run_to_end()
    assert said(comfy_page).inner_text().startswith("No face found.") and said(comfy_page).is_visible()
    assert "gpen-notice" in (said(comfy_page).get_attribute("class") or "")
    assert "No face found." in comfy_page.page.locator(".gpen-picker").inner_text()


def test_the_line_is_no_part_of_what_is_saved_or_sent(comfy_page: ComfyPage) -> None:
    comfy_page.build(fresh("nine.png"))
    prompt, before = comfy_page.prompt(), comfy_page.workflow()
    comfy_page.run_to_end()
    assert comfy_page.prompt() == prompt
    values = [[node.get("widgets_values") for node in one["nodes"]] for one in (before, comfy_page.workflow())]
    assert values[0] == values[1]
    comfy_page.run_to_end()
    assert said(comfy_page).count() == 1


def test_after_a_reload_of_the_page_the_last_run_is_still_there(comfy_page: ComfyPage) -> None:
    comfy_page.build(fresh("nine.png"))
    comfy_page.run_to_end()
    comfy_page.reload()
    said(comfy_page).wait_for()
    assert said(comfy_page).inner_text().startswith("9 faces found.")
    comfy_page.page.locator(".gpen-face").first.wait_for()
    assert comfy_page.page.locator(".gpen-face").count() == 9


def test_a_result_from_the_cache_is_said_on_nodes_that_did_not_see_it_run(comfy_page: ComfyPage) -> None:
    nodes = fresh("nine.png")
    comfy_page.build(nodes)
    comfy_page.run_to_end()
    comfy_page.build(nodes)
    assert said(comfy_page).count() == 0
    comfy_page.run_to_end()
    said(comfy_page).wait_for()
    assert said(comfy_page).inner_text().startswith("9 faces found.")


def test_each_line_lies_within_its_node(comfy_page: ComfyPage) -> None:
    comfy_page.build(fresh("nine.png"))
    comfy_page.run_to_end()
    comfy_page.fit()
    box = said(comfy_page).bounding_box()
    extent = comfy_page.extent("GPEN_DetectFaces")
    assert box is not None
    assert extent["x"] <= box["x"] and box["x"] + box["width"] <= extent["x"] + extent["width"]
    assert extent["y"] <= box["y"] and box["y"] + box["height"] <= extent["y"] + extent["height"] + 1
