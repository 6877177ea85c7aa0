"""Channels last on a GPU: time and memory of the plain engine's call in either layout, in turns.

python benchmarks/gpu_layout.py [--size 256 512 1024 2048] [--batch 1 2] [--runs 12]

256 is the bundled model; the others have random weights of the published shapes.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from gpen_core.checkpoints import load_checkpoint  # noqa: E402
from gpen_core.lab.benchmark.subjects import PUBLISHED_SIZES, random_crops, random_network, shape_of  # noqa: E402
from gpen_core.weights.find import bundled_file  # noqa: E402

LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}
DTYPES = (torch.float32, torch.float16)
BUNDLED_SIZE = 256


def network_of(size: int, dtype: torch.dtype, layout: torch.memory_format) -> nn.Module:
    """On the GPU, its four-dimensional weights in ``layout``."""
    bundled = size == BUNDLED_SIZE
    network = load_checkpoint(bundled_file()).module if bundled else random_network(shape_of(size))
    network.to("cuda", dtype)
    for weight in (*network.parameters(), *network.buffers()):
        if weight.dim() == 4:
            weight.data = weight.data.contiguous(memory_format=layout)
    return network


@torch.inference_mode()
def measured(network: nn.Module, pictures: Tensor, runs: int) -> tuple[float, int]:
    """Milliseconds of a call, the median, and the most bytes it holds beside weights and pictures."""
    for _ in range(4):  # cuDNN chooses its algorithms
        network(pictures, None)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before, seconds = torch.cuda.memory_allocated(), []
    for _ in range(runs):
        begun = time.perf_counter()
        network(pictures, None)
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begun)
    return 1e3 * statistics.median(seconds), torch.cuda.max_memory_allocated() - before


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs="+", default=list(PUBLISHED_SIZES), choices=PUBLISHED_SIZES)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 2], help="faces at a time")
    parser.add_argument("--runs", type=int, default=12)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("no CUDA GPU here")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}\n\n| model | faces | precision | " + end(LAYOUTS))
    print("|---|---:|---|" + "---:|" * len(LAYOUTS))
    for size in options.size:
        for dtype in DTYPES:
            for batch in options.batch:
                cells = []
                for layout in LAYOUTS.values():
                    pictures = random_crops(size, batch).to("cuda", dtype, memory_format=layout)
                    milliseconds, peak = measured(network_of(size, dtype, layout), pictures, options.runs)
                    cells.append(f"{milliseconds:.1f} ms, {peak >> 20} MiB")
                print(f"| {size} px | {batch} | {str(dtype).removeprefix('torch.')} | " + end(cells), flush=True)


def end(cells: list[str] | dict[str, torch.memory_format]) -> str:
    """The rest of a row."""
    return " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
