"""Our reader of torch's files beside torch.load, on a network of published size (512 px: 284 MB) in both of torch's layouts.

python benchmarks/reading.py [--size 512] [--runs 9] [--json FILE]

torch.load is called as this package used to: weights_only, and with mmap where the layout allows it. Both read one file, by
turns, from the system's cache: "open" until the tensors are there, "copy" until each is copied out of the file too.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gpen_core.model import Gpen, GpenConfig  # noqa: E402
from gpen_core.weights.reading import read_checkpoint  # noqa: E402

State = Mapping[str, torch.Tensor]
LAYOUTS = {"zip": True, "old": False}  # torch.save's option of that name; also whether torch can map the file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    torch.manual_seed(0)
    state = Gpen(GpenConfig.published(options.size)).state_dict()
    rows = []
    print(f"{'layout':7} {'MB':>4} {'reader':11} {'open ms':>8} {'copy ms':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for layout, is_zip in LAYOUTS.items():
            path = Path(folder) / f"{layout}.pth"
            torch.save(state, path, _use_new_zipfile_serialization=is_zip)
            for reader, times in measure(path, is_zip, options.runs).items():
                rows.append({"layout": layout, "bytes": path.stat().st_size, "reader": reader, **times})
                print(
                    f"{layout:7} {path.stat().st_size / 1e6:4.0f} {reader:11} {times['open']:8.1f} {times['copy']:8.1f}"
                )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def measure(path: Path, mmap: bool, runs: int) -> dict[str, dict[str, float]]:
    """Medians in milliseconds."""
    readers: dict[str, Callable[[], State]] = {
        "gpen_core": lambda: read_checkpoint(path).content,
        "torch.load": lambda: torch.load(str(path), map_location="cpu", weights_only=True, mmap=mmap),
    }
    seen: dict[str, dict[str, list[float]]] = {reader: {"open": [], "copy": []} for reader in readers}
    for _ in range(runs + 1):
        for reader, read in readers.items():
            start = time.perf_counter()
            state = read()
            opened = time.perf_counter()
            copies = [value.clone() for value in state.values()]
            copied = time.perf_counter()
            seen[reader]["open"].append((opened - start) * 1000)
            seen[reader]["copy"].append((copied - start) * 1000)
            del state, copies
    return {reader: {what: median(times[1:]) for what, times in both.items()} for reader, both in seen.items()}


if __name__ == "__main__":
    main()
