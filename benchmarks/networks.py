"""One face through the whole network on the CPU, in float32: the naive arithmetic, ours, ONNX Runtime and OpenVINO.

python benchmarks/networks.py [--size 512 …] [--model CHECKPOINT] [--threads 2] [--runs 5] [--only NAME …] [--json FILE]

The same weights and the same crop for all: [1, 3, S, S] in [0, 1] → the same. Each runs in a process of its own, kept
alive, in turns with the others. Before that, what they yield is compared. Without a checkpoint the weights are random, in
the published network's shape; what a network costs does not depend on them. The engines run the graph that
`gpen_core.export` writes, and with --naive-graph also the one exported from the naive network.

pip install -r benchmarks/requirements.txt
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from naive import Naive  # noqa: E402

from gpen_core import load_checkpoint  # noqa: E402
from gpen_core.checkpoints import GpenModel  # noqa: E402
from gpen_core.checkpoints.save import save_generator  # noqa: E402
from gpen_core.export import export_onnx  # noqa: E402
from gpen_core.heap import keep_freed_memory  # noqa: E402
from gpen_core.lab.benchmark.candidate import load_libraries  # noqa: E402
from gpen_core.lab.benchmark.cost import flops  # noqa: E402
from gpen_core.lab.benchmark.memory import Memory  # noqa: E402
from gpen_core.lab.benchmark.run import about_machine  # noqa: E402
from gpen_core.lab.benchmark.subjects import PUBLISHED_SIZES, random_crops, random_network, shape_of  # noqa: E402
from gpen_core.lab.benchmark.timing import Timing, alternately  # noqa: E402
from gpen_core.lab.benchmark.worker import Worker, serve  # noqa: E402

NAIVE, OURS = "naive", "gpen_core"
ENGINES = ("onnxruntime", "openvino")
NAIVE_GRAPH = ", naive graph"  # after an engine's name
TOLERANCE = 1e-4
Run = Callable[[], Any]


@dataclass(frozen=True)
class Files:
    """What the candidates load: the checkpoint, and the graphs made of it."""

    checkpoint: Path
    graph: Path
    naive_graph: Path


def main() -> None:
    options = _options()
    if options.worker:
        serve_candidate(options)
        return
    names = options.only or [NAIVE, OURS, *ENGINES]
    if options.naive_graph:
        names += [f"{name}{NAIVE_GRAPH}" for name in names if name in ENGINES]
    figures = []
    for source in [options.model] if options.model else options.size:
        with tempfile.TemporaryDirectory() as folder:
            figures.append(compare(source, Path(folder), names, options))
        show(figures[-1])
    if options.json:
        machine = {**about_machine(torch.device("cpu"), options.threads), **versions()}
        options.json.write_text(json.dumps({"machine": machine, "networks": figures}, indent=1) + "\n")


def compare(source: Path | int, folder: Path, names: Sequence[str], options: argparse.Namespace) -> dict[str, Any]:
    """Plain figures of every candidate. ``source``: a checkpoint, or a published size."""
    model, files = prepare(source, folder, naive_graph=options.naive_graph)
    title, cost, size = model.name, flops(model.config), model.config.input_size
    del model
    with ExitStack() as stack:
        workers = {name: stack.enter_context(start(name, files, options.threads)) for name in names}
        results = {name: worker.result() for name, worker in workers.items()}
        differences = agreed(results)
        timings = alternately({name: worker.run for name, worker in workers.items()}, options.runs, options.warmup)
        memories = {name: worker.memory() for name, worker in workers.items()}
    rows = {name: _row(timings[name], memories[name], differences[name], cost) for name in names}
    return {"network": title, "size": size, "flops": cost, "candidates": rows, "ratios": ratios(timings)}


def prepare(source: Path | int, folder: Path, *, naive_graph: bool) -> tuple[GpenModel, Files]:
    """The network, and files of its weights and graphs."""
    if isinstance(source, int):
        path = folder / f"random-weights-{source}.safetensors"
        save_generator(random_network(shape_of(source)), path)
    else:
        path = source
    model = load_checkpoint(path)
    files = Files(path, folder / "graph.onnx", folder / "naive.onnx")
    print(f"{model.name}: exporting", file=sys.stderr)
    export_onnx(model, files.graph)
    if naive_graph:
        export_naive(Whole(Naive(model.config, model.module.state_dict())), model.config.input_size, files.naive_graph)
    return model, files


def export_naive(network: nn.Module, size: int, path: Path) -> None:
    """As torch writes it, for one crop of ``size`` px."""
    torch.onnx.export(
        network.eval(), (random_crops(size, 1),), path, input_names=["crops"], output_names=["restored"],
        dynamo=True, verbose=False,
    )  # fmt: skip


class Whole(nn.Module):
    """A network of values in [-1, 1] → one of values in [0, 1], as GpenModel has them."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor) -> Tensor:
        return ((self.network(crops * 2 - 1) + 1) / 2).clamp(0, 1)


def start(name: str, files: Files, threads: int) -> Worker:
    """The candidate's process: this script, told to serve."""
    graph = files.naive_graph if name.endswith(NAIVE_GRAPH) else files.graph
    command = [sys.executable, __file__, "--worker", name, "--model", str(files.checkpoint), "--graph", str(graph)]
    print(f"{name}: loading", file=sys.stderr)
    return Worker(name, [*command, "--threads", str(threads)], {"OMP_NUM_THREADS": str(threads)})


def serve_candidate(options: argparse.Namespace) -> None:
    """The process's side: import what the candidate needs, then load and run as told."""
    torch.set_num_threads(options.threads)
    load_libraries(torch.device("cpu"))
    name = options.worker.removesuffix(NAIVE_GRAPH)
    if name == NAIVE:
        serve(partial(load_naive, options.model))
    elif name == OURS:
        serve(partial(load_ours, options.model))
    elif name == "onnxruntime":
        import onnxruntime

        serve(partial(load_onnxruntime, onnxruntime, options.graph, options.threads))
    else:
        import openvino

        serve(partial(load_openvino, openvino, options.graph, options.threads))


def load_naive(path: Path) -> Run:
    model = load_checkpoint(path)
    network = Whole(Naive(model.config, model.module.state_dict()))
    crops = random_crops(model.config.input_size, 1)

    def run() -> Tensor:
        with torch.inference_mode():
            return network(crops)

    return run


def load_ours(path: Path) -> Run:
    keep_freed_memory()  # as the command line does; the engines have pools of their own
    model = load_checkpoint(path)
    return partial(model, random_crops(model.config.input_size, 1))


def load_onnxruntime(onnxruntime: Any, graph: Path, threads: int) -> Run:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_free_dimension_override_by_name("batch", 1)  # what a dynamic batch would cost, it need not
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    feed = {entry.name: random_crops(entry.shape[-1], 1).numpy()}
    return lambda: session.run(None, feed)[0]


def load_openvino(openvino: Any, graph: Path, threads: int) -> Run:
    core = openvino.Core()
    network = core.read_model(str(graph))
    size = network.input(0).partial_shape[3].get_length()
    network.reshape([1, 3, size, size])
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",  # else bfloat16 where the CPU has it: another result, and another race
    }
    compiled = core.compile_model(network, "CPU", settings)
    crops = random_crops(size, 1).numpy()
    request = compiled.create_infer_request()
    return lambda: request.infer({0: crops})[0]


def agreed(results: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The largest difference of each from the first. Raises AssertionError where one computes something else."""
    first = next(iter(results.values()))
    differences = {name: float(np.abs(result - first).max()) for name, result in results.items()}
    for name, difference in differences.items():
        if not difference < TOLERANCE:
            raise AssertionError(f"{name} differs by {difference:.1e}: it is not the same network")
    return differences


def ratios(timings: Mapping[str, Timing]) -> dict[str, float]:
    """How many times as fast as the others ours is, run by run; of the engines also the faster one, of each graph."""
    if OURS not in timings:
        return {}
    others = {name: timings[OURS].times_as_fast_as(timing) for name, timing in timings.items() if name != OURS}
    faster = {}
    for graph in ("", NAIVE_GRAPH):
        engines = [name for name in (f"{engine}{graph}" for engine in ENGINES) if name in timings]
        if engines:
            faster[f"the faster engine{graph}"] = others[min(engines, key=lambda name: timings[name].median)]
    return {**others, **faster}


def versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ("onnx", *ENGINES) if _installed(name)}


def show(figures: Mapping[str, Any]) -> None:
    """A table on the terminal, in Markdown."""
    print(f"\n{figures['network']}: {figures['size']} px, {figures['flops'] / 1e9:,.0f} GFLOP\n")
    print("| | median s | min … max | GFLOP/s | peak MiB beyond idle | held when loaded | differs by |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, row in figures["candidates"].items():
        memory = Memory(**row["memory"])
        spread = f"{min(row['seconds']):.3f} … {max(row['seconds']):.3f}"
        print(
            f"| {name} | {row['median']:.3f} | {spread} | {row['rate'] / 1e9:.0f} | {memory.beyond_idle / 2**20:,.0f} "
            f"| {memory.weights / 2**20:,.0f} | {row['difference']:.1e} |"
        )
    for name, ratio in figures["ratios"].items():
        print(f"\n{OURS} is {ratio:.2f} times as fast as {name}", end="")
    print(flush=True)


def _row(timing: Timing, memory: Memory, difference: float, cost: float) -> dict[str, Any]:
    return {
        "seconds": timing.seconds,
        "median": timing.median,
        "rate": cost / timing.median,
        "memory": asdict(memory),
        "difference": difference,
    }


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs="+", choices=PUBLISHED_SIZES, default=[512], help="default: 512")
    parser.add_argument("--model", type=Path, help="a checkpoint of the published family, instead of random weights")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--runs", type=int, default=5, help="that count (default: %(default)s)")
    parser.add_argument("--warmup", type=int, default=1, help="after the run whose results are compared (default: 1)")
    parser.add_argument("--only", nargs="+", choices=[NAIVE, OURS, *ENGINES], help="default: all")
    parser.add_argument("--naive-graph", action="store_true", help="engines also run a graph of the naive network")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--graph", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
