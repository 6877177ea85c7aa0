"""Names that packages import when they are first asked for."""

import ast
import importlib
import json
import subprocess
import sys

import pytest

PACKAGES = [
    "gpen_core",
    "gpen_core.checkpoints",
    "gpen_core.faces.detectors",
    "gpen_core.pipeline",
    "gpen_core.sampling",
]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there_and_no_other(package):
    module = importlib.import_module(package)
    assert sorted(module.__all__) == sorted(set(module.__all__))
    for name in module.__all__:
        assert getattr(module, name) is not None
        assert getattr(module, name) is getattr(module, name)
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        _ = module.nothing


@pytest.mark.parametrize("package", PACKAGES)
def test_a_name_is_the_very_one_of_its_module(package):
    module = importlib.import_module(package)
    for name in module.__all__:
        value = getattr(module, name)
        if hasattr(value, "__qualname__"):
            assert value.__qualname__ == name
            assert value.__module__.startswith("gpen_core.")


def imported_at_start(nodes):
    """What nodes import of the core when they are imported themselves, as statements with absolute names."""
    statements = set()
    for path in sorted(nodes.rglob("*.py")):
        for found in ast.parse(path.read_text()).body:  # neither functions nor TYPE_CHECKING
            if isinstance(found, ast.ImportFrom) and (found.module or "").startswith("gpen_core"):
                statements.add(f"from {found.module} import {', '.join(alias.name for alias in found.names)}")
    return statements


def test_what_nodes_say_of_themselves_takes_no_network_and_no_pipeline(repo_root):
    """In a fresh interpreter: what ComfyUI's start imports of the core, before anybody has queued anything."""
    statements = imported_at_start(repo_root / "nodes")
    assert "from gpen_core.sampling.options import LARGEST_SEED, SampleOptions" in statements
    code = f"""
import json, sys
sys.path.insert(0, {str(repo_root)!r})
{chr(10).join(sorted(statements))}
print(json.dumps(sorted(name for name in sys.modules if name.startswith("gpen_core."))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    heavy = ["gpen_core.model", "gpen_core.checkpoints.load", "gpen_core.pipeline.run", "gpen_core.pipeline.blend"]
    assert sorted(set(json.loads(done.stdout)) & {*heavy, "gpen_core.sampling.sample", "gpen_core.faces.drawing"}) == []
