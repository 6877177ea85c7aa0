"""Pressing Run: the result, and what a user is told where there can be none."""

from io import BytesIO
from pathlib import Path

import numpy as np
from browser_harness.comfy_page import ComfyPage
from PIL import Image

RUN_TIMEOUT_MS = 300_000
SHOWN = """() => app.rootGraph.nodes.find(node => node.type === 'SaveImage').imgs?.[0]?.naturalWidth"""


def test_run_shows_the_result_in_the_page(comfy_page: ComfyPage, example_workflows: Path, repo_root: Path) -> None:
    comfy_page.open_workflow(example_workflows / "GPEN 01 Restore faces.json")
    comfy_page.run()
    comfy_page.page.wait_for_function(SHOWN, timeout=RUN_TIMEOUT_MS)
    save = next(str(node["id"]) for node in comfy_page.workflow()["nodes"] if node["type"] == "SaveImage")
    (entry,) = comfy_page.ask("app.nodeOutputs")[save]["images"]
    given_file = repo_root / "nodes" / "pictures" / "portrait.jpg"
    result, given = (np.asarray(Image.open(file)) for file in (BytesIO(comfy_page.server.view(entry)), given_file))
    assert result.shape == given.shape
    changed = (result != given).any(axis=-1)
    assert 0.01 < changed.mean() < 0.2  # the face, and nothing but the face
    if comfy_page.vue_nodes:
        comfy_page.page.locator(f"img[src*='{entry['filename']}']").first.wait_for()


def test_a_missing_model_is_explained_where_the_page_shows_details(
    comfy_page: ComfyPage, example_workflows: Path, tmp_path: Path
) -> None:
    graph = tmp_path / "missing.json"
    graph.write_text(
        (example_workflows / "GPEN 01 Restore faces.json").read_text().replace('"bundled"', '"GPEN-BFR-512.pth"')
    )
    comfy_page.open_workflow(graph)
    comfy_page.run()
    comfy_page.page.wait_for_function(
        "app.extensionManager.lastExecutionError"
    )  # the page itself misses the model, too
    comfy_page.part("error-overlay-see-errors").click()
    errors = comfy_page.part("error-group-execution")
    errors.get_by_text("non-commercial").first.wait_for()
    assert "Load GPEN Model" in errors.inner_text()
    told = errors.inner_text()
    for part in ("GPEN-BFR-512.pth is not installed", "facerestore_models", "https://"):
        assert part in told
