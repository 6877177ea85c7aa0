"""Fixtures of real ComfyUI in a real browser. What can't run is skipped and says why; GPEN_HOST_REQUIRED=1 fails it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_harness.chromium import chromium
from browser_harness.comfy_page import ComfyPage
from browser_harness.front_end import fetch as fetch_front_end
from browser_harness.plain_page import PlainPage
from host_harness.base_dir import BaseDir
from host_harness.fetching import Unavailable
from host_harness.host_source import check_requirements
from host_harness.host_source import fetch as fetch_host
from host_harness.http_server import HttpServer
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from playwright.sync_api import Browser

COMFY_VERSION = "0.30.0"
PACK_NAME = "gpen_pack"
RENDERERS = {"litegraph": False, "nodes2": True}  # name → Comfy.VueNodes.Enabled


def skip_or_fail(reason: Exception) -> None:
    """A skip that says why, or a failure where CI demands the browser tests."""
    if os.environ.get("GPEN_HOST_REQUIRED") == "1":
        pytest.fail(f"GPEN_HOST_REQUIRED=1, but {reason}", pytrace=False)
    pytest.skip(str(reason))


@pytest.fixture(scope="session")
def example_workflows(repo_root: Path) -> Path:
    return repo_root / "example_workflows"


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    try:
        with chromium() as running:
            yield running
    except Unavailable as reason:
        skip_or_fail(reason)


def covered(portrait: Path) -> Image.Image:
    """The face close up, blurred, with a drawn microphone before it."""
    with Image.open(portrait) as one:
        picture = one.crop((96, 0, 352, 256)).resize((768, 768))
    pen = ImageDraw.Draw(picture)
    pen.line((345, 520, 420, 767), fill=(35, 35, 40), width=50)
    pen.ellipse((295, 425, 395, 545), fill=(60, 60, 66))
    pen.arc((295, 425, 395, 545), 0, 360, fill=(110, 110, 118), width=8)
    return picture.resize((110, 110), Image.Resampling.LANCZOS).resize((768, 768), Image.Resampling.BICUBIC)


def crowds(portrait: Path) -> list[Path]:
    """Pictures of many faces, of one that is covered, and of none: nine, the same larger, forty in 4K, and a gray one."""
    made = []
    for name, columns, rows, tile in (
        ("nine", 3, 3, (256, 256)),
        ("nine_larger", 3, 3, (400, 400)),
        ("forty", 8, 5, (480, 432)),
    ):
        crowd = Image.new("RGB", (columns * tile[0], rows * tile[1]))
        with Image.open(portrait) as one:
            small = one.resize(tile)
        for place in range(columns * rows):
            crowd.paste(small, (place % columns * tile[0], place // columns * tile[1]))
        made.append(portrait.with_name(f"{name}.png"))
        crowd.save(made[-1], compress_level=1)
    made.append(portrait.with_name("portraits.png"))
    with Image.open(portrait) as one:
        close = one.crop((96, 0, 352, 256)).resize((72, 72), Image.Resampling.LANCZOS).resize((256, 256))
    wall = Image.new("RGB", (3 * 256, 3 * 256))
    for place in range(9):
        mirrored = close.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        wall.paste(mirrored if place % 2 else close, (place % 3 * 256, place // 3 * 256))
    wall.save(made[-1])
    made.append(portrait.with_name("covered.png"))
    covered(portrait).save(made[-1])
    made.append(portrait.with_name("gray.png"))
    Image.new("RGB", (320, 240), "gray").save(made[-1])
    return made


@pytest.fixture(scope="session")
def web_server(
    browser: "Browser", tmp_path_factory: pytest.TempPathFactory, repo_root: Path, portrait: Path
) -> Iterator[HttpServer]:
    """ComfyUI with its page, our pack and a portrait, but no model. (After `browser`: without one, nothing starts.)"""
    base = BaseDir(tmp_path_factory.mktemp("browser-"))
    base.link_pack(repo_root, PACK_NAME)
    picture = portrait.with_name("example.png")  # the name that the example workflows load
    picture.write_bytes(portrait.read_bytes())
    try:
        check_requirements()
        server = HttpServer(fetch_host(COMFY_VERSION), base, front_end_root=fetch_front_end())
    except Unavailable as reason:
        skip_or_fail(reason)
    try:
        server.start()
        for path in (picture, *crowds(portrait)):
            assert server.upload_image(path) == path.name
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session", params=list(RENDERERS))
def comfy_page(request: pytest.FixtureRequest, browser: "Browser", web_server: HttpServer) -> Iterator[ComfyPage]:
    """ComfyUI's page, in each renderer in turn; one for all tests of a renderer, since loading it takes seconds."""
    page = ComfyPage(browser, web_server, RENDERERS[request.param])
    yield page
    page.close()


@pytest.fixture
def plain_page(browser: "Browser", repo_root: Path, portrait: Path) -> Iterator[PlainPage]:
    """An empty page that can import our web modules; no ComfyUI."""
    page = PlainPage(browser, repo_root / "web", portrait.parent)
    yield page
    page.close()
    assert page.errors == []
