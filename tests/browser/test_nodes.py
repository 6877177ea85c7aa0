"""How a user finds our nodes in the page, and reads about them."""

import re

import pytest
from browser_harness.comfy_page import ComfyPage

MAIN = "GPEN Face Fix"
SEARCH_MS = 700  # the page waits for more letters before it searches
CATEGORY = "face restoration/GPEN"
FOLDING = """async () => {
  const node = app.rootGraph.nodes[0]
  const shown = () => node.widgets.filter(widget => node.isWidgetVisible(widget)).map(widget => widget.name)
  const folded = shown()
  node.toggleAdvanced()
  const unfolded = shown()
  node.toggleAdvanced()
  const prompt = await app.graphToPrompt()
  return [folded, unfolded, Object.keys(prompt.output[node.id].inputs)]
}"""
PLACES = """() => {
  const node = app.rootGraph.nodes[0]
  node.arrange()
  return ['max_faces', 'picks'].map(name => node.widgets.find(widget => widget.name === name).y)
}"""


def test_searching_for_gpen_finds_every_node_of_ours_before_all_others(comfy_page: ComfyPage) -> None:
    comfy_page.command("Workspace.SearchBox.Toggle")
    comfy_page.part("result-item").first.wait_for()
    comfy_page.page.keyboard.type("gpen")
    results = comfy_page.part("result-item")
    results.filter(has_text="Load GPEN Model").wait_for()
    found = results.all_inner_texts()
    comfy_page.page.keyboard.press("Escape")
    results.first.wait_for(state="hidden")
    known = comfy_page.server.get_json("/object_info").values()
    ours = {node["display_name"] for node in known if node["category"].startswith(CATEGORY)}
    assert len(ours) > 8 and {text.splitlines()[0] for text in found[: len(ours)]} == ours


def test_help_on_a_node_shows_its_page(comfy_page: ComfyPage) -> None:
    comfy_page.build_one("GPEN_RestoreImage")
    comfy_page.fit()
    comfy_page.select("GPEN_RestoreImage")
    with comfy_page.page.expect_response(re.compile("/extensions/gpen_pack/docs/GPEN_RestoreImage/en.md$")) as page:
        comfy_page.part("info-button").click()
    assert page.value.ok
    panel = comfy_page.part("properties-panel")
    panel.get_by_role("heading", name="GPEN Face Fix", level=1).wait_for()
    assert "returned unchanged" in panel.inner_text()


def found_for(comfy_page: ComfyPage, words: str) -> list[str]:
    """The nodes that a search lists, best first, by the names that it shows."""
    comfy_page.command("Workspace.SearchBox.Toggle")
    comfy_page.part("result-item").first.wait_for()
    comfy_page.page.keyboard.type(words)
    comfy_page.page.wait_for_timeout(SEARCH_MS)
    found = [text.splitlines()[0] for text in comfy_page.part("result-item").all_inner_texts()]
    comfy_page.page.keyboard.press("Escape")
    comfy_page.part("result-item").first.wait_for(state="hidden")
    return found


@pytest.mark.parametrize("words", ["face", "gpen", "fix face"])
def test_the_main_node_is_the_first_that_a_search_finds(comfy_page: ComfyPage, words: str) -> None:
    assert found_for(comfy_page, words)[0] == MAIN


@pytest.mark.parametrize(
    "words", ["reactor", "facerestore", "upscale face", "facedetailer", "codeformer", "restore face"]
)
def test_the_main_node_is_found_by_what_other_packs_are_called(comfy_page: ComfyPage, words: str) -> None:
    assert MAIN in found_for(comfy_page, words)[:3]


def test_advanced_inputs_are_folded_until_the_nodes_menu_unfolds_them(comfy_page: ComfyPage) -> None:
    comfy_page.build_one("GPEN_RestoreImage")
    folded, unfolded, sent = comfy_page.page.evaluate(FOLDING)
    assert folded == ["strength", "scale", "protect", "color_match"]
    assert set(unfolded) > {*folded, "scale_mode", "softness", "template", "batch_size", "grain"}
    assert set(sent) >= set(unfolded)  # folded or not


def test_folded_inputs_leave_no_gap(comfy_page: ComfyPage) -> None:
    comfy_page.build_one("GPEN_SelectFaces")
    above, picker = comfy_page.page.evaluate(PLACES)
    if not comfy_page.vue_nodes:
        assert 0 < picker - above < 40  # one line
    else:
        assert comfy_page.part("advanced-inputs-button").is_visible()  # the page's own
