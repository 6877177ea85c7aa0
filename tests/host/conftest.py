"""Fixtures of real ComfyUI. Where it can't run, tests are skipped and say why; GPEN_HOST_REQUIRED=1 fails them."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from host_harness.base_dir import BaseDir
from host_harness.fetching import Unavailable
from host_harness.host_process import HostProcess, PackReport
from host_harness.host_source import SDIST_VERSIONS, check_requirements, fetch
from host_harness.http_server import HttpServer

PACK_NAME = "gpen_pack"  # the folder under custom_nodes that our pack is linked as
PROBE_NODES = Path(__file__).with_name("probe_nodes.py")


def host_dir_or_skip(version: str) -> Path:
    """ComfyUI's folder; else a skip that says why, or a failure where CI demands the host."""
    try:
        check_requirements()
        return fetch(version)
    except Unavailable as reason:
        if os.environ.get("GPEN_HOST_REQUIRED") == "1":
            pytest.fail(f"GPEN_HOST_REQUIRED=1, but {reason}", pytrace=False)
        pytest.skip(str(reason))


@pytest.fixture(scope="session", params=list(SDIST_VERSIONS))
def comfy_version(request: pytest.FixtureRequest) -> str:
    """Every ComfyUI version under test in turn; parametrise it `indirect` to choose."""
    return request.param


@pytest.fixture(scope="session")
def base_dir(comfy_version: str, tmp_path_factory: pytest.TempPathFactory) -> BaseDir:
    """The base directory that `host` runs on."""
    return BaseDir(tmp_path_factory.mktemp(f"comfy-{comfy_version}-"))


@pytest.fixture(scope="session")
def host_process(comfy_version: str, base_dir: BaseDir) -> Iterator[HostProcess]:
    """One ComfyUI process for all tests of a version. Take `host` instead."""
    process = HostProcess(host_dir_or_skip(comfy_version), base_dir)
    yield process
    process.close()


@pytest.fixture
def host(host_process: HostProcess) -> HostProcess:
    """In-process ComfyUI, alive, with the probe nodes, an empty cache and no models loaded."""
    host_process.ensure_alive()
    host_process.load_pack(host_process.base.link_pack(PROBE_NODES))
    host_process.reset()
    return host_process


@pytest.fixture
def pack_report(host: HostProcess, repo_root: Path) -> PackReport:
    """What loading our pack in `host` did, well or not."""
    return host.load_pack(host.base.link_pack(repo_root, PACK_NAME))


@pytest.fixture
def pack_host(host: HostProcess, pack_report: PackReport) -> HostProcess:
    """`host` with our pack loaded."""
    assert pack_report.loaded, f"the pack does not load: {pack_report.traceback or pack_report.warnings}"
    return host


@pytest.fixture
def start_host(comfy_version: str, tmp_path: Path) -> Iterator[Callable[..., HostProcess]]:
    """`start_host("--novram")`: a fresh process with these options instead of the usual `--cpu`, for one test."""
    processes: list[HostProcess] = []

    def start(*options: str) -> HostProcess:
        base = BaseDir(tmp_path / f"base-{len(processes)}")
        processes.append(HostProcess(host_dir_or_skip(comfy_version), base, list(options) or None))
        processes[-1].ensure_alive()
        return processes[-1]

    yield start
    for process in processes:
        process.close()


@pytest.fixture
def place_model(base_dir: BaseDir) -> Iterator[Callable[..., Path]]:
    """`place_model(path, folder="facerestore_models", name=None)` puts a model where `host` finds it, for this test."""
    placed: list[Path] = []

    def place(path: Path, folder: str = "facerestore_models", name: str | None = None) -> Path:
        placed.append(base_dir.place_model(path, folder, name))
        return placed[-1]

    yield place
    for path in placed:
        path.unlink(missing_ok=True)


@pytest.fixture
def ready(pack_host: HostProcess, place_model: Callable[..., Path], checkpoint: Path, portrait: Path) -> HostProcess:
    """The host with our pack, the small model and the portrait."""
    place_model(checkpoint)
    pack_host.base.place_input(portrait)
    return pack_host


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., HttpServer]]:
    """`start_server("0.30.0", {"name": pack}, options=[…], front_end_root=…)`: a server, up to the session's end."""
    servers: list[HttpServer] = []

    def start(version: str, packs: Mapping[str, Path], **settings: Any) -> HttpServer:
        base = BaseDir(tmp_path_factory.mktemp(f"server-{version}-"))
        for name, pack in packs.items():
            base.link_pack(pack, name)
        servers.append(HttpServer(host_dir_or_skip(version), base, **settings))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session", params=[max(SDIST_VERSIONS)])
def server(request: pytest.FixtureRequest, start_server: Callable[..., HttpServer], repo_root: Path) -> HttpServer:
    """ComfyUI over HTTP with our pack and the probe nodes: the newest version; parametrise it `indirect` to choose."""
    return start_server(request.param, {PACK_NAME: repo_root, PROBE_NODES.name: PROBE_NODES})
