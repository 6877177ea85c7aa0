"""GPEN as others export it: whether its weights come back, and how fast it then runs, beside ONNX Runtime running the graph.

python benchmarks/onnx_models.py export --folder FOLDER [--size 512]    write the graphs
python benchmarks/onnx_models.py compare --folder FOLDER [--threads 2] [--runs 5]

Graphs are of random weights in the published shape: of the naive network, as everyone's first export is, and one is ours.
Each is loaded as a user loads it. The time of the first load, when weights are read back and compared, stands beside that of
the second.

pip install -r benchmarks/requirements.txt onnxsim
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from naive import Naive  # noqa: E402

from gpen_core import load_checkpoint  # noqa: E402
from gpen_core.checkpoints import GpenModel  # noqa: E402
from gpen_core.checkpoints.onnx.load import graph_model  # noqa: E402
from gpen_core.engines import OnnxEngine  # noqa: E402
from gpen_core.export import export_onnx  # noqa: E402
from gpen_core.heap import keep_freed_memory  # noqa: E402
from gpen_core.lab.benchmark.subjects import PUBLISHED_SIZES, random_crops, random_network, shape_of  # noqa: E402
from gpen_core.lab.benchmark.timing import time_alternately  # noqa: E402
from gpen_core.model import Gpen  # noqa: E402
from gpen_core.tasks import TASKS  # noqa: E402
from gpen_core.weights.onnx_file import read_graph  # noqa: E402

OWN = "gpen_core.export"


def _own(network: Gpen, path: Path) -> None:
    export_onnx(GpenModel(network.config, network, TASKS["restoration"], "random weights"), path)


def _recorded(network: Gpen, path: Path, **options: object) -> None:
    size = network.config.input_size
    naive = Naive(network.config, network.state_dict()).eval()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            naive, (random_crops(size, 1),), str(path), input_names=["input"], output_names=["output"], verbose=False,
            **options,  # type: ignore[arg-type]
        )  # fmt: skip


def _simplified(network: Gpen, path: Path) -> None:
    import onnx
    import onnxsim

    onnx.save(onnxsim.simplify(str(path.with_name("torchscript-11.onnx")))[0], path)


def _halved(network: Gpen, path: Path) -> None:
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    graph = onnx.load(path.with_name("torchscript-17.onnx"))
    onnx.save(convert_float_to_float16(graph, keep_io_types=True), path)


EXPORTS: MappingProxyType[str, Callable[[Gpen, Path], None]] = MappingProxyType(
    {
        OWN: _own,
        "torchscript-11": lambda network, path: _recorded(network, path, dynamo=False, opset_version=11),
        "torchscript-17": lambda network, path: _recorded(network, path, dynamo=False, opset_version=17),
        "dynamo": lambda network, path: _recorded(network, path, dynamo=True, external_data=False),
        "torchscript-11-onnxsim": _simplified,
        "torchscript-17-float16": _halved,
    }
)


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    if options.what == "export":
        export(options.folder, options.size, options.only)
    else:
        compare(options.folder, options.runs, options.only)


def export(folder: Path, size: int, only: list[str]) -> None:
    """Write those graphs that are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    network = random_network(shape_of(size))
    for name in only:
        path = folder / f"{name}.onnx"
        if not path.exists():
            begun = time.perf_counter()
            EXPORTS[name](network, path)
            print(f"{name}: {time.perf_counter() - begun:.1f} s", flush=True)


def compare(folder: Path, runs: int, only: list[str]) -> None:
    """A table in Markdown."""
    keep_freed_memory()
    os.environ["GPEN_CACHE"] = str(folder / "cache")
    print(
        "| graph | nodes | MB | first load, s | second, s | differs by | ONNX Runtime, s | gpen_core, s | times as fast |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name in only:
        path = folder / f"{name}.onnx"
        for kept in (folder / "cache").glob(f"{name}-*.safetensors"):
            kept.unlink()
        graph = read_graph(path)
        loads = []
        for _ in range(2):
            begun = time.perf_counter()
            ours = load_checkpoint(path)
            loads.append(time.perf_counter() - begun)
        if isinstance(ours.engine, OnnxEngine):
            print(f"| {name} | {len(graph.nodes):,} | | {loads[0]:.1f} | stays with ONNX Runtime | | | | |", flush=True)
            continue
        runtime = _in_runtime(path)
        crops = random_crops(ours.config.input_size, 1)
        apart = float((ours(crops) - runtime(crops)).abs().max())
        timings = time_alternately({"ours": lambda: ours(crops), "runtime": lambda: runtime(crops)}, runs, 1)  # noqa: B023
        mine, others = timings["ours"], timings["runtime"]
        print(
            f"| {name} | {len(graph.nodes):,} | {path.stat().st_size / 1e6:.0f} | {loads[0]:.1f} | {loads[1]:.1f} "
            f"| {apart:.0e} | {others.median:.2f} | {mine.median:.2f} | {mine.times_as_fast_as(others):.2f} |",
            flush=True,
        )


def _in_runtime(path: Path) -> Callable[[torch.Tensor], torch.Tensor]:
    """[1, 3, S, S] in [0, 1] → the same, by the graph itself. Random weights restore no face: conventions are said."""
    from gpen_core.checkpoints.onnx.ends import ends_of
    from gpen_core.engines.onnx_runtime import Convention, open_session, run

    graph = read_graph(path)
    if path.stem == OWN:  # it says them itself
        return graph_model(path, graph, torch.device("cpu"), None)
    ends, convention = ends_of(graph, path), Convention(-1.0, 1.0, -1.0, 1.0)
    session = open_session(path, torch.device("cpu"))
    return lambda crops: convention.out_of(run(session, ends, convention.into(crops))).clamp(0, 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["export", "compare"])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--size", type=int, choices=PUBLISHED_SIZES, default=512, help="default: 512")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--runs", type=int, default=5, help="that count (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=list(EXPORTS), default=list(EXPORTS), metavar="GRAPH")
    return parser.parse_args()


if __name__ == "__main__":
    main()
