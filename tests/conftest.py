"""What every test shares: how `gpen_core` is found, and where the shared data lies.

The pack's root is never put on `sys.path`: there, `import nodes` would find the pack's own folder. Instead the packages
named below are found by location, when first imported. Run pytest with `--import-mode=importlib --confcutdir=tests`.
"""

import importlib.machinery
import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

# Under pytest-xdist each worker has a core: more threads than that take four times as long. Before torch is imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

REPO_ROOT = Path(__file__).resolve().parent.parent
SHARED = REPO_ROOT.parent / "shared"


class LocatedPackages:
    """Finds packages by location (for `sys.meta_path`). Lazy: a broken package fails only the tests that use it."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self.folders = folders

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Submodules need nothing here: the parent's `__path__` finds them."""
        folder = self.folders.get(fullname)
        if folder is None:
            return None
        init = folder / "__init__.py"
        if init.is_file():
            return importlib.util.spec_from_file_location(fullname, init, submodule_search_locations=[str(folder)])
        spec = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        return spec


PACKAGES = {
    "gpen_core": REPO_ROOT / "gpen_core",
    "host_harness": REPO_ROOT / "tests" / "host",  # packages in name only: tests/ holds no __init__.py
    "browser_harness": REPO_ROOT / "tests" / "browser",
    "gpu_harness": REPO_ROOT / "tests" / "gpu",
    "cluster_harness": REPO_ROOT / "tests" / "cluster",
    "unit_harness": REPO_ROOT / "tests" / "unit",
    "imaging_harness": REPO_ROOT / "tests" / "unit" / "imaging",
    "engines_harness": REPO_ROOT / "tests" / "unit" / "engines",
    "pipeline_harness": REPO_ROOT / "tests" / "unit" / "pipeline",
    "losses_harness": REPO_ROOT / "tests" / "unit" / "lab" / "training" / "losses",
}
sys.meta_path.insert(0, LocatedPackages(PACKAGES))


# Ids of parameters that stand for a program which tests share: a version of ComfyUI, a renderer of its page.
SHARED_PROGRAMS = re.compile(r"[\[-](0\.18\.2|0\.30\.0|litegraph|nodes2)(?=[\]-])")


def pytest_configure(config: pytest.Config) -> None:
    """pytest-xdist begins with what comes first (see ``pytest_collection_modifyitems``), and not with what is largest."""
    if config.pluginmanager.hasplugin("xdist"):
        config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In processes of pytest-xdist, browsers come last: an open page takes a part of the processor up to the end."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: item.nodeid.startswith("tests/browser/"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``--dist loadscope``, tests that share a started program stay in one process."""
    if config.getvalue("dist") != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByProgram(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return shared_program_of(nodeid)

    return ByProgram(config, log)


def shared_program_of(nodeid: str) -> str:
    """What a test shares with others; its own name where it shares nothing."""
    suite = nodeid.split("/")[1]
    program = SHARED_PROGRAMS.search(nodeid)
    return nodeid if suite in ("unit", "photos") else f"{suite} {program.group(1) if program else ''}"


def shared_folder(name: str) -> Path:
    """A folder of the data that lies beside the repository; skips the test where it does not."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"no shared/{name} beside the repository: this test needs its files")
    return folder


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The pack's root folder."""
    return REPO_ROOT


@pytest.fixture(scope="session")
def photos() -> Path:
    """Folder of the shared test photographs."""
    return shared_folder("photos")


@pytest.fixture(scope="session")
def faces() -> Path:
    """Folder of the shared aligned faces, 256 px."""
    return shared_folder("faces")


@pytest.fixture(scope="session")
def shared_weights() -> Path:
    """Folder of the shared published weights."""
    return shared_folder("weights")


@pytest.fixture
def fake_cuda():
    """A GPU on any machine, whose tensors have no memory (see ``gpu_harness.fake_cuda``)."""
    from gpu_harness.fake_cuda import FakeCuda

    with FakeCuda() as gpu:
        yield gpu


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is kept of ONNX files lies in no user's folder; other processes inherit it."""
    os.environ.setdefault("GPEN_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tiny.pth`: a 64 px network as published but small, with random weights, wrapped as training saves it."""
    import torch

    from gpen_core import Gpen, GpenConfig

    torch.manual_seed(0)
    config = GpenConfig.published(64, narrow=1 / 32, style_dim=32, mapping_layers=2)
    path = tmp_path_factory.mktemp("models") / "tiny.pth"
    torch.save({"g_ema": Gpen(config).state_dict()}, path)
    return path


@pytest.fixture(scope="session")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`astronaut.png`: a real photograph that every machine has, scikit-image's, with one face."""
    from PIL import Image
    from skimage import data

    path = tmp_path_factory.mktemp("pictures") / "astronaut.png"
    Image.fromarray(data.astronaut()).save(path)
    return path


@pytest.fixture(scope="session")
def golden() -> Path:
    """Folder of the golden files kept in the repository."""
    return REPO_ROOT / "tests" / "golden"
