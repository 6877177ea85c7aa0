"""The compare widget as a user sees it, in a graph of its own."""

from typing import TYPE_CHECKING, Any

from .comfy_page import ComfyPage, node

if TYPE_CHECKING:
    from playwright.sync_api import Locator

SHOWN = """async images => {
  const place = (image) => {
    const box = image.getBoundingClientRect(), room = image.closest('.gpen-stage').getBoundingClientRect()
    return {left: (room.left - box.left) / box.width, top: (room.top - box.top) / box.height,
            width: room.width / box.width, height: room.height / box.height,
            screenPerPixel: box.width / image.naturalWidth * devicePixelRatio}
  }
  const frame = () => new Promise(requestAnimationFrame), began = performance.now()
  for (let before, now, still = 0; ; before = now) { // a new caption or a node that is laid out again moves it
    now = images.map(place)
    still = JSON.stringify(now) === JSON.stringify(before) ? still + 1 : 0
    if (still === 3) return now
    if (performance.now() - began > 10000) throw Error('the pictures do not come to rest')
    await frame()
  }
}"""
SIDES = ("before", "after")

LOADED = "[...document.querySelectorAll('.gpen-compare-image')].every(image => image.naturalWidth)"


def graph(image: str, scale: float = 1.0, size: tuple[int, int] = (420, 520)) -> list[dict[str, Any]]:
    """Load, restore in one step, compare."""
    return [
        node("photo", "LoadImage", (0, 0), (300, 330), values={"image": image}),
        node("model", "GPEN_LoadModel", (0, 420), (300, 110), values={"model_name": "bundled"}),
        node(
            "restore", "GPEN_RestoreImage", (340, 0), (330, 450), values={"scale": scale},
            inputs={"image": ("photo", "IMAGE"), "model": ("model", "model")},
        ),
        node(
            "compare", "GPEN_CompareFaces", (720, 0), size,
            inputs={
                "original": ("photo", "IMAGE"), "restored": ("restore", "image"), "faces": ("restore", "face facts")
            },
        ),
    ]  # fmt: skip


class Compare:
    """The compare widget of the only node of its kind in the page."""

    def __init__(self, comfy: ComfyPage) -> None:
        self.comfy, self.page = comfy, comfy.page
        self.widget = self.page.locator(".gpen-compare")
        self.stage = self.widget.locator(".gpen-compare-stage")
        self.images = self.widget.locator(".gpen-compare-image")
        self.caption = self.widget.get_by_role("status")

    def open(self, image: str, **more: Any) -> None:
        self.comfy.build(graph(image, **more))
        self.comfy.run_to_end()
        self.comfy.fit()
        self.page.wait_for_function(LOADED)

    def image(self, side: str) -> "Locator":
        """The picture on a side, "before" or "after"."""
        return self.images.nth(SIDES.index(side))

    def shown(self, side: str = "after") -> dict[str, float]:
        """What part of the picture is in view, in shares of it, and pixels of the screen for one of the file."""
        return self.shown_on_both_sides()[SIDES.index(side)]

    def shown_on_both_sides(self) -> list[dict[str, float]]:
        """The same of the picture before and of the one after, at one moment, once neither moves any more."""
        return self.images.evaluate_all(SHOWN)

    def divider(self) -> float:
        return self.widget.get_by_role("slider").evaluate("slider => slider.value / 100")
