"""What CONTRIBUTING and docs/ tell a reader to write or to open works."""

import json
import re
from colorsys import hls_to_rgb, rgb_to_hls

import pytest
import torch

from gpen_core.engines import largest_batch

LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")


def test_the_detector_and_the_engine_of_the_instructions_run(repo_root):
    text = (repo_root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    scope = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, scope)  # noqa: S102 - the point of the test
    (face,) = scope["faces"]
    assert face.image_size == (256, 256) and face.box == pytest.approx((64, 64, 192, 192))
    engine, config = scope["OneByOne"](), scope["model"].config
    assert scope["slow"].engine.name == "one by one"
    assert largest_batch(engine, config, torch.float32, 8, engine.working_bytes(config, 3, torch.float32)) == 3


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md", "docs/troubleshooting.md"])
def test_documents_link_to_files_that_are_there(repo_root, name):
    document = repo_root / name
    missing = [
        target
        for target in LINK.findall(document.read_text(encoding="utf-8"))
        if not (document.parent / target).exists()
    ]
    assert missing == []


def test_files_that_documents_name_are_there(repo_root):
    """Paths in code spans, such as `gpen_core/errors.py`."""
    for name in ("CONTRIBUTING.md", "docs/architecture.md"):
        text = (repo_root / name).read_text(encoding="utf-8")
        named = re.findall(r"`((?:gpen_core|nodes|tests|benchmarks)/[\w/]+\.(?:py|md))`", text)
        assert len(named) > 3
        assert [path for path in named if not (repo_root / path).exists() and "NAME" not in path] == []


# ComfyUI's two palettes: what is written in, and how much lighter than its own color a node is.
THEMES = {"dark": (("#ddd", "#aaa"), 0.0), "light": (("#222", "#444"), 0.5)}


@pytest.mark.parametrize("theme", THEMES)
def test_notes_of_the_example_workflows_have_a_contrast_of_four_and_a_half(repo_root, theme):
    """As WCAG 2.1 defines it."""
    texts, lighter = THEMES[theme]
    notes = [
        node
        for path in (repo_root / "example_workflows").glob("*.json")
        for node in json.loads(path.read_text(encoding="utf-8"))["nodes"]
        if node["type"] == "MarkdownNote"
    ]
    assert len(notes) >= 13
    for color in {note["bgcolor"] for note in notes}:
        hue, lightness, saturation = rgb_to_hls(*rgb(color))
        background = luminance(hls_to_rgb(hue, min(1.0, lightness + lighter), saturation))
        for text in texts:
            low, high = sorted((luminance(rgb(text)), background))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (color, text)


def rgb(color):
    digits = color.removeprefix("#")
    step = len(digits) // 3
    return [int((digits[at : at + step] * 2)[:2], 16) / 255 for at in range(0, len(digits), step)]


def luminance(channels):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
