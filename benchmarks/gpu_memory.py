"""What a face takes on a GPU, counted on any machine: the peak of fake CUDA tensors beside what the engine reserves.

python benchmarks/gpu_memory.py
python benchmarks/gpu_memory.py --size 2048 --batch 1 4
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "gpu")]

import torch  # noqa: E402
from fake_cuda import FakeCuda  # noqa: E402

from gpen_core.engines import PlainEngine  # noqa: E402
from gpen_core.lab.benchmark.subjects import PUBLISHED_SIZES, shape_of  # noqa: E402
from gpen_core.model import Gpen, GpenConfig  # noqa: E402

DTYPES = (torch.float32, torch.bfloat16)


def measured(config: GpenConfig, batch: int, dtype: torch.dtype) -> tuple[int, int]:
    """Bytes of the weights, and the most that a call holds beside them."""
    with FakeCuda() as gpu, torch.inference_mode():
        network = gpu.module(lambda: Gpen(config), dtype)
        weights = [*network.parameters(), *network.buffers()]
        counter = gpu.counting(*weights)
        with counter:
            pictures = torch.empty(batch, 3, config.input_size, config.input_size, dtype=dtype, device="cuda")
            network(pictures)
        return sum(weight.numel() * weight.element_size() for weight in weights), counter.peak


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs="+", default=list(PUBLISHED_SIZES), help="of the model, in pixels")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 4], help="faces at a time")
    options = parser.parse_args()
    print(
        "| model | faces | precision | weights, MiB | peak beside them, MiB | reserved, MiB |\n|---|---:|---|---:|---:|---:|"
    )
    for size in options.size:
        for batch in options.batch:
            for dtype in DTYPES:
                config = shape_of(size)
                weights, peak = measured(config, batch, dtype)
                reserved = PlainEngine("cuda").working_bytes(config, batch, dtype)
                name = str(dtype).removeprefix("torch.")
                print(f"| {size} px | {batch} | {name} | {weights >> 20} | {peak >> 20} | {reserved >> 20} |")


if __name__ == "__main__":
    main()
