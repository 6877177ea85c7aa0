"""How long ComfyUI takes to import this pack, beyond torch and what ComfyUI imports for itself.

python benchmarks/pack_import.py [--comfyui FOLDER] [--runs 5] [--modules 12] [--json FILE]

Every run is a process of its own, which starts ComfyUI as its ``main.py`` does, short of the server, and then loads packs by
ComfyUI's own ``load_custom_node``: an empty pack twice, the first for what ComfyUI itself imports at its first pack, the second
for what any pack costs; then this one. Its figure is wall time, everything included: modules, ``comfy_entrypoint``, the schema
of every node, the lists of files in them. What has not been compiled yet, the first run compiles. One more run, under
``-X importtime``, says which modules the time goes to.

FOLDER is a copy of ComfyUI whose requirements are installed in this Python; by default the newest that the tests have fetched
(``python -m pytest tests/host`` does).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

PACK = Path(__file__).resolve().parent.parent
FETCHED = PACK / ".cache" / "hosts"  # where tests/host unpacks ComfyUI
FOLDERS = ("custom_nodes", "input", "output", "models", "user", "temp")  # of a ComfyUI base directory
GOAL_MS = 50.0
EMPTY_PACK = """
from comfy_api.latest import ComfyExtension

class Empty(ComfyExtension):
    async def get_node_list(self):
        return []

async def comfy_entrypoint():
    return Empty()
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comfyui", type=Path, metavar="FOLDER")
    parser.add_argument("--pack", type=Path, default=PACK, help="another copy of this pack, to compare with")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--modules", type=int, default=12, help="how many modules to list; 0 saves a run")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    comfyui = options.comfyui or newest_fetched()
    if comfyui is None or not (comfyui / "main.py").is_file():
        print(f"ComfyUI is absent ({comfyui or FETCHED}): name its folder with --comfyui, or run tests/host once.")
        return 1
    report = measure(comfyui, options.pack.resolve(), options.runs, options.modules > 0)
    print_report(report, options.modules)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


def newest_fetched() -> Path | None:
    found = FETCHED.iterdir() if FETCHED.is_dir() else ()
    return max(found, key=lambda path: [int(part) for part in re.findall(r"\d+", path.name)], default=None)


def measure(comfyui: Path, pack: Path, runs: int, listed: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        base = base_directory(Path(folder), pack)
        seen = [import_once(comfyui, base)[0] for _ in range(runs)]
        new, log = import_once(comfyui, base, "-X", "importtime") if listed else (seen[0], "")
    return {
        "comfyui": seen[0]["comfyui"],
        "torch": seen[0]["torch"],
        "pack_ms": [run["pack_ms"] for run in seen],
        "empty_pack_ms": [run["empty_ms"] for run in seen],
        "cpu_ms": [run["cpu_ms"] for run in seen],
        "median_ms": median(run["pack_ms"] - run["empty_ms"] for run in seen),
        "own_modules": seen[0]["own"],
        "other_modules": seen[0]["others"],
        "modules_ms": module_times(log, {*new["own"], *new["others"]}),
    }


def base_directory(root: Path, pack: Path) -> Path:
    """A ComfyUI base directory with this pack in it, and two packs without a node."""
    for name in FOLDERS:
        (root / name).mkdir()
    for name in ("empty_first", "empty_second"):
        empty = root / "custom_nodes" / name
        empty.mkdir()
        (empty / "__init__.py").write_text(EMPTY_PACK, encoding="utf-8")
    (root / "custom_nodes" / "gpen_pack").symlink_to(pack, target_is_directory=True)
    return root


def import_once(comfyui: Path, base: Path, *python_options: str) -> tuple[dict[str, Any], str]:
    """One process → what it measured, and its error output."""
    command = [sys.executable, *python_options, str(Path(__file__).resolve()), "--in-process", str(comfyui), str(base)]
    # Compiled modules are kept, as they are in anyone's ComfyUI.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, encoding="utf-8", errors="replace", env=environment
    )
    if done.returncode != 0:
        sys.exit(f"ComfyUI in {comfyui} could not be started:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def in_process(comfyui: str, base: str) -> None:
    """The other end of ``import_once``."""
    sys.path[0] = comfyui  # instead of this script's folder
    sys.argv = ["main.py", "--cpu", "--base-directory", base, "--database-url", "sqlite:///:memory:"]
    import comfy.options

    comfy.options.enable_args_parsing()
    import utils.extra_config  # before ``nodes``, as packs shadow ``utils``

    assert utils.extra_config  # noqa: S101
    import comfyui_version
    import execution
    import server
    import torch

    import nodes

    assert execution and server  # noqa: S101 - what a running ComfyUI has imported
    packs = Path(base) / "custom_nodes"
    load(nodes, packs / "empty_first")
    empty_ms, _ = load(nodes, packs / "empty_second")
    before = set(sys.modules)
    pack_ms, cpu_ms = load(nodes, packs / "gpen_pack")
    new = sorted(set(sys.modules) - before)
    own = [name for name in new if "gpen_pack" in name]
    result = {
        "comfyui": comfyui_version.__version__,
        "torch": torch.__version__,
        "pack_ms": pack_ms,
        "empty_ms": empty_ms,
        "cpu_ms": cpu_ms,
        "own": own,
        "others": [name for name in new if name not in own],
    }
    print(json.dumps(result))


def load(nodes: Any, pack: Path) -> tuple[float, float]:
    """Load one pack as ComfyUI does → milliseconds of wall and of processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    loaded = asyncio.run(nodes.load_custom_node(str(pack), module_parent="custom_nodes"))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if not loaded:
        sys.exit(f"{pack.name} does not load")
    return wall * 1000, cpu * 1000


def module_times(log: str, wanted: set[str]) -> dict[str, float]:
    """Milliseconds of each module by itself, the slowest first, from what -X importtime wrote."""
    lines = re.findall(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$", log, re.MULTILINE)
    times = {name: int(microseconds) / 1000 for microseconds, name in lines if name in wanted}
    return dict(sorted(times.items(), key=lambda item: -item[1]))


def print_report(report: dict[str, Any], modules: int) -> None:
    print(f"ComfyUI {report['comfyui']}, torch {report['torch']}, {len(report['pack_ms'])} runs, medians")
    print(f"  this pack        {median(report['pack_ms']):6.1f} ms   {spread(report['pack_ms'])}")
    print(f"  an empty pack    {median(report['empty_pack_ms']):6.1f} ms   {spread(report['empty_pack_ms'])}")
    print(f"  the difference   {report['median_ms']:6.1f} ms   goal: at most {GOAL_MS:g}")
    print(f"  processor time   {median(report['cpu_ms']):6.1f} ms")
    others = ", ".join(report["other_modules"]) or "none"
    print(f"  modules: {len(report['own_modules'])} of the pack, others that ComfyUI had not imported: {others}")
    if modules:
        print("  the slowest of them under -X importtime, ms by themselves:")
    for name, milliseconds in list(report["modules_ms"].items())[:modules]:
        print(f"    {milliseconds:6.1f}  {name.rpartition('gpen_pack.')[2]}")


def spread(values: Sequence[float]) -> str:
    return f"({min(values):.1f} … {max(values):.1f})"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--in-process"]:
        in_process(*sys.argv[2:4])
    else:
        sys.exit(main())
