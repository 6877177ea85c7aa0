"""The face picker as a user sees it, in a graph of its own."""

import json
from typing import TYPE_CHECKING, Any

from .comfy_page import ComfyPage, node

if TYPE_CHECKING:
    from playwright.sync_api import Locator

NODE = "GPEN_SelectFaces"
SIZE = (420, 640)
SET_IMAGE = """name => {
  const load = app.rootGraph.nodes.find(node => node.type === 'LoadImage')
  const widget = load.widgets.find(widget => widget.name === 'image')
  widget.value = name
  widget.callback?.(name)
}"""


def graph(image: str, size: tuple[int, int] = SIZE) -> list[dict[str, Any]]:
    """Load, detect, select: nothing that restores."""
    return [
        node("photo", "LoadImage", (0, 0), (300, 330), values={"image": image}),
        node("detector", "GPEN_LoadDetector", (0, 420), (300, 60), values={"detector_name": "mtcnn"}),
        node(
            "detect", "GPEN_DetectFaces", (340, 0), (300, 240),
            inputs={"image": ("photo", "IMAGE"), "detector": ("detector", "detector")},
        ),
        node(
            "select", NODE, (680, 0), size,
            inputs={"image": ("photo", "IMAGE"), "faces": ("detect", "faces")},
        ),
    ]  # fmt: skip


class Picker:
    """The picker of the only node of its kind in the page."""

    def __init__(self, comfy: ComfyPage) -> None:
        self.comfy, self.page = comfy, comfy.page
        self.widget = self.page.locator(".gpen-picker")
        self.faces = self.widget.locator(".gpen-face")

    def open(self, image: str, size: tuple[int, int] = SIZE) -> None:
        """A new graph, run once: the picture with its faces is shown."""
        self.comfy.build(graph(image, size))
        self.comfy.run_to_end()
        self.comfy.fit()
        self.faces.first.wait_for()

    def face(self, number: int) -> "Locator":
        """By the number that it shows, which is the one that index lists count."""
        return self.widget.get_by_role("button", name=f"Face {number},", exact=False)

    def middle(self, number: int) -> tuple[float, float]:
        """Of a face, in pixels of the window."""
        box = self.face(number).bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def states(self) -> dict[int, str]:
        """What each face looks like, by its number."""
        found = self.faces.evaluate_all("all => all.map(face => [parseInt(face.innerText), face.dataset.state])")
        return dict(found)

    def numbers(self, *states: str) -> set[int]:
        return {number for number, state in self.states().items() if state in states}

    def press(self, name: str) -> None:
        """A button below the picture."""
        self.widget.get_by_role("button", name=name).click()

    def saved(self) -> str:
        """What the prompt carries."""
        (found,) = (one["inputs"]["picks"] for one in self.comfy.prompt().values() if one["class_type"] == NODE)
        return found

    def picks(self) -> dict[str, Any]:
        return json.loads(self.saved() or '{"include": [], "exclude": []}')

    def report(self) -> dict[str, Any]:
        """What the node's last run said."""
        outputs = self.comfy.ask("app.nodeOutputs")
        (report,) = (one["gpen_selection"][0] for one in outputs.values() if "gpen_selection" in one)
        return report
