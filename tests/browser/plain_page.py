"""Our web modules in an empty page: no ComfyUI, nothing but Chromium and the files of `web/`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

ADDRESS = "http://pack.invalid/"  # answered by the test itself, never by a network
EMPTY = "<!doctype html><title>empty</title><body>"


class PlainPage:
    """An empty page that can import `/js/….js`; pictures are named by their path under `folder`."""

    def __init__(self, browser: "Browser", web: Path, folder: Path) -> None:
        self._web, self._folder = web, folder
        self.asked: list[str] = []  # every address that the page asked for
        self.errors: list[str] = []
        self.page: Page = browser.new_context(has_touch=True, viewport={"width": 900, "height": 700}).new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.route("**/*", self._answer)
        self.page.goto(ADDRESS)

    def run(self, script: str, given: Any = None) -> Any:
        """The value of an async function's body, in which `given` is the argument."""
        return self.page.evaluate(f"async given => {{ {script} }}", given)

    def close(self) -> None:
        self.page.context.close()

    def _answer(self, route: "Route") -> None:
        self.asked.append(route.request.url)
        path = route.request.url.removeprefix(ADDRESS)
        if not path:
            route.fulfill(body=EMPTY, content_type="text/html")
        else:
            route.fulfill(path=(self._web if path.startswith("js/") else self._folder) / path)
