"""How long it takes from a file of weights to a network that is ready, beyond reading the file once.

python benchmarks/loading.py [--size 2048] [--files NAME…] [--runs 5] [--threads N] [--json FILE]

Writes a network of published size with random weights into a temporary folder: as .pth (torch.save's layout since 1.6), as .pth
in torch's old layout, and as .safetensors. Every measurement is a process of its own, that has imported torch and gpen_core and
then takes, in turn, the times of

- read: the file once from its beginning to its end, through one small buffer;
- load: ``load_checkpoint``, whose checks are all on.

Warm: the file is in the system's page cache. Cold: the system was asked to forget it before either (posix_fadvise; where there
is none, cold is left out). One more process watches the memory of each load: private is the process's own; resident also counts
pages of the cache while the file is mapped, which the system takes back when anybody needs them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

FILES = ("model.pth", "old_layout.pth", "model.safetensors")
GOALS_S = {"model.pth": 1.0, "model.safetensors": 0.3}  # beyond reading, at 2048
BUFFER = 1 << 20
STATUS = Path("/proc/self/status")
CAN_COOL = hasattr(os, "posix_fadvise")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument(
        "--files", nargs="+", choices=FILES, default=FILES, metavar="NAME", help=f"of {', '.join(FILES)}"
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--package", type=Path, default=ROOT, help="another copy of this repository, to compare with")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = [path for path in write_files(Path(folder), options.size) if path.name in options.files]
        rows = measure(files, options.runs, options.threads, options.package.resolve())
    print_table(rows, options)
    if options.json:
        options.json.write_text(json.dumps({"size": options.size, "rows": rows}, indent=2) + "\n", encoding="utf-8")


def write_files(folder: Path, size: int) -> list[Path]:
    import torch

    from gpen_core.checkpoints.save import save_generator
    from gpen_core.model import Gpen, GpenConfig

    torch.manual_seed(0)
    network = Gpen(GpenConfig.published(size))
    files = [folder / name for name in FILES]
    torch.save(network.state_dict(), files[0])
    torch.save(network.state_dict(), files[1], _use_new_zipfile_serialization=False)
    save_generator(network, files[2])
    for path in files:  # or the system could not forget what it still has to write
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    return files


def measure(files: list[Path], runs: int, threads: int, package: Path) -> list[dict[str, Any]]:
    """In turns over files and caches, so that what else the machine does falls on all alike."""
    caches = ("warm", "cold") if CAN_COOL else ("warm",)
    kinds = [(path, cache) for path in files for cache in caches]
    seen: dict[tuple[Path, str], list[dict[str, float]]] = {kind: [] for kind in kinds}
    for _ in range(runs):
        for path, cache in kinds:
            seen[path, cache].append(in_child("times", path, cache, threads, package))
    return [
        {
            "file": path.name,
            "bytes": path.stat().st_size,
            "cache": cache,
            "read_s": [run["read"] for run in measured],
            "load_s": [run["load"] for run in measured],
            "beyond_s": median(run["load"] - run["read"] for run in measured),
            **(in_child("memory", path, cache, threads, package) if STATUS.is_file() else {}),
        }
        for (path, cache), measured in seen.items()
    ]


def in_child(what: str, path: Path, cache: str, threads: int, package: Path) -> dict[str, float]:
    command = [sys.executable, str(Path(__file__).resolve()), "--in-process", what, str(path), cache, str(package)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)  # noqa: S603
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def child(what: str, path: str, cache: str, package: str) -> None:
    """The other end of ``in_child``."""
    sys.path.insert(0, package)
    from gpen_core import load_checkpoint

    prepare = cool if cache == "cold" else read
    if what == "memory":
        prepare(path)
        print(json.dumps(memory_of(lambda: load_checkpoint(path))))
        return
    times = {}
    for name, call in (("read", read), ("load", load_checkpoint)):
        prepare(path)
        start = time.perf_counter()
        kept = call(path)
        times[name] = time.perf_counter() - start
        del kept  # freeing counts for nobody
    print(json.dumps(times))


def read(path: str) -> None:
    buffer = bytearray(BUFFER)
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - no layer of ours in between
        while file.readinto(buffer):
            pass


def cool(path: str) -> None:
    """Have the system drop the file's pages from its cache."""
    descriptor = os.open(path, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def memory_of(load: Callable[[], Any]) -> dict[str, float]:
    """The most MiB that ``load`` held beyond what was held before, and its result's share, which stays."""
    before, peak, done = held(), {"RssAnon": 0, "VmRSS": 0}, threading.Event()

    def watch() -> None:
        while not done.wait(0.001):
            now = held()
            peak.update({name: max(peak[name], now[name]) for name in peak})

    watcher = threading.Thread(target=watch)
    watcher.start()
    model = load()
    done.set()
    watcher.join()
    values = (*model.module.parameters(), *model.module.buffers())
    return {
        "weights_mib": sum(value.numel() * value.element_size() for value in values) / 2**20,
        "private_peak_mib": (max(peak["RssAnon"], held()["RssAnon"]) - before["RssAnon"]) / 2**20,
        "resident_peak_mib": (max(peak["VmRSS"], held()["VmRSS"]) - before["VmRSS"]) / 2**20,
    }


def held() -> dict[str, int]:
    """Bytes: private ("RssAnon") and resident ("VmRSS") memory of this process."""
    lines = (line.split() for line in STATUS.read_text().splitlines())
    return {words[0][:-1]: int(words[1]) * 1024 for words in lines if words[0] in ("RssAnon:", "VmRSS:")}


def print_table(rows: list[Mapping[str, Any]], options: argparse.Namespace) -> None:
    print(
        f"Loading of a {options.size} px network, {options.threads} threads, medians of {options.runs} runs, seconds;"
    )
    print("memory: the most MiB held while loading, beyond before\n")
    print(
        f"{'file':19} {'MB':>4} {'cache':5} {'read':>6} {'load':>6} {'beyond':>7} {'goal':>5}  weights private resident"
    )
    for row in rows:
        goal = GOALS_S.get(row["file"]) if options.size == 2048 else None
        memory = [row.get(name) for name in ("weights_mib", "private_peak_mib", "resident_peak_mib")]
        print(
            f"{row['file']:19} {row['bytes'] / 1e6:4.0f} {row['cache']:5} {median(row['read_s']):6.3f} "
            f"{median(row['load_s']):6.3f} {row['beyond_s']:7.3f} {'' if goal is None else goal:>5}  "
            + " ".join(f"{'' if value is None else round(value):>7}" for value in memory)
        )
    if not CAN_COOL:
        print("\nThis system has no posix_fadvise: files could not be taken out of its cache.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--in-process"]:
        child(*sys.argv[2:6])
    else:
        main()
