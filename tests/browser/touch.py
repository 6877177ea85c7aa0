"""Fingers on the page, as a touch screen tells of them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

Place = tuple[float, float]  # x, y in pixels of the window


def fingers(page: "Page", *steps: tuple[Place, ...]) -> None:
    """Touch, move and let go; each step is where the fingers are, in the order in which they were put down."""
    touch = page.context.new_cdp_session(page)
    touch.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 5})
    before = 0
    for step in (*steps, ()):
        kind = "touchStart" if len(step) > before else "touchMove" if step else "touchEnd"
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(step)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        before = len(step)
    touch.detach()
