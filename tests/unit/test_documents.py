"""What CONTRIBUTING and docs/ tell a reader to write or to open works."""

import re

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
    """Paths in code spans, such as `gpen_core/api.py`."""
    for name in ("CONTRIBUTING.md", "docs/architecture.md"):
        text = (repo_root / name).read_text(encoding="utf-8")
        named = re.findall(r"`((?:gpen_core|nodes|tests|benchmarks)/[\w/]+\.(?:py|md))`", text)
        assert len(named) > 3
        assert [path for path in named if not (repo_root / path).exists() and "NAME" not in path] == []
