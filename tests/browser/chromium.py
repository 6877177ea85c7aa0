"""A headless Chromium, driven by Playwright's Python package: it brings its own driver, so there is no npm to install."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from host_harness.fetching import Unavailable

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EXECUTABLE = Path(os.environ.get("GPEN_CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox",  # test machines run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator["Browser"]:
    """A running browser with a fresh profile."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise Unavailable(f"{error}: run `pip install -r tests/browser/requirements.txt`") from error
    if not EXECUTABLE.is_file():
        raise Unavailable(f"no {EXECUTABLE}: install Debian's chromium, or name one in GPEN_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
