"""The graph that `gpen_core.export` writes node by node, beside what `torch.onnx.export` records of the same modules.

python benchmarks/onnx_export.py speed [--size 512 …] [--model CHECKPOINT] [--threads 2] [--runs 7]
python benchmarks/onnx_export.py opsets    which versions of ONNX's operators each can write, as ONNX Runtime sees it
python benchmarks/onnx_export.py parts     which networks each can write, float32 and float16, one face and three

All tables are Markdown. In both graphs the move to [-1, 1] and back and the clamp are inside, and the batch is dynamic.
Speed is that of engines as `networks.py` sets them up, each in a process of its own, in turns.

pip install -r benchmarks/requirements.txt
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from networks import ENGINES, Files, agreed, start  # noqa: E402

from gpen_core import load_checkpoint  # noqa: E402
from gpen_core.checkpoints import GpenModel  # noqa: E402
from gpen_core.export import HIGHEST_OPSET, LOWEST_OPSET, OPSET, export_onnx, load_engine  # noqa: E402
from gpen_core.lab.benchmark.subjects import PUBLISHED_SIZES, random_crops, random_network, shape_of  # noqa: E402
from gpen_core.lab.benchmark.timing import alternately  # noqa: E402
from gpen_core.model import Gpen, GpenConfig  # noqa: E402
from gpen_core.tasks import TASKS  # noqa: E402

OURS, RECORDED = "gpen_core.export", "torch.onnx.export"
RECORDED_OPSET = 18  # what the exporter writes unless it is told; others come of a conversion afterwards

PARTS = {
    "published": GpenConfig(16, 16, (4, 5, 6), 8, 2),
    "features added": GpenConfig(16, 16, (4, 5, 6), 8, 2, concatenate=False),
    "upscaling": GpenConfig(16, 32, (4, 5, 6, 3), 8, 2),
    "resnet": GpenConfig.resnet(16, output_size=32, channels=(4, 5, 6), style_dim=8, encoder_width=4),
    "adain, nearest": GpenConfig(16, 16, (4, 5, 6), 8, 2, injection="adain", upsampling="nearest"),
    "adain, fir": GpenConfig(16, 16, (4, 5, 6), 8, 2, injection="adain"),
}


class Whole(nn.Module):
    """crops [N, 3, S, S] in [0, 1], float32 → restored likewise, by the modules as they are."""

    def __init__(self, network: Gpen) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor) -> Tensor:
        pictures = (crops * 2 - 1).to(self.network.final_linear[0].weight.dtype)
        return ((self.network(pictures).float() + 1) / 2).clamp(0, 1)


@dataclass(frozen=True)
class Exporter:
    """``write(model, path, opset, precision)`` writes a graph of any batch to ``path``."""

    name: str
    opset: int
    write: Callable[[GpenModel, Path, int, str], object]


def by_hand(model: GpenModel, path: Path, opset: int, precision: str) -> None:
    export_onnx(model, path, opset=opset, precision=precision)


def recorded(model: GpenModel, path: Path, opset: int, precision: str) -> None:
    network = Whole(model.module.to(getattr(torch, precision))).eval()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (random_crops(model.config.input_size, 2),), str(path), opset_version=opset, verbose=False,
            input_names=["crops"], output_names=["restored"], external_data=False, dynamo=True,
            dynamic_shapes={"crops": {0: torch.export.Dim("batch")}},
        )  # fmt: skip


EXPORTERS = (Exporter(OURS, OPSET, by_hand), Exporter(RECORDED, RECORDED_OPSET, recorded))


def main() -> None:
    options = _options()
    if options.what == "opsets":
        show(("opset", *(exporter.name for exporter in EXPORTERS)), opsets())
    elif options.what == "parts":
        show(("network", "precision", *(exporter.name for exporter in EXPORTERS)), parts())
    else:
        for source in [options.model] if options.model else options.size:
            speed(source, options)


def speed(source: Path | int, options: argparse.Namespace) -> None:
    """Both graphs of one network in both engines."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        files, rows = {}, []
        for exporter in EXPORTERS:
            files[exporter.name] = path = Path(folder) / f"{len(files)}.onnx"
            model = _model(source)
            begun = time.perf_counter()
            exporter.write(model, path, exporter.opset, "float32")
            rows.append((exporter.name, *about(path), f"{time.perf_counter() - begun:.1f}"))
        print(f"\n{model.name}, {model.config.input_size} px\n")
        show(("graph", "MB", "nodes", "exported in s"), rows)
        del model
        workers = {
            (engine, graph): stack.enter_context(start(engine, Files(path, path, path), options.threads))
            for engine in ENGINES
            for graph, path in files.items()
        }
        differences = agreed({" ".join(key): worker.result() for key, worker in workers.items()})
        timings = alternately(
            {" ".join(key): worker.run for key, worker in workers.items()}, options.runs, options.warmup
        )
        memories = {" ".join(key): worker.memory() for key, worker in workers.items()}
    rows = []
    for engine, graph in workers:
        key = f"{engine} {graph}"
        seconds, memory = timings[key].seconds, memories[key].beyond_idle / 2**20
        ratio = timings[f"{engine} {OURS}"].times_as_fast_as(timings[key])
        spread = f"{min(seconds):.4f} … {max(seconds):.4f}"
        rows.append(
            (
                engine,
                graph,
                f"{timings[key].median:.4f}",
                spread,
                f"{ratio:.2f}",
                f"{memory:,.0f}",
                f"{differences[key]:.0e}",
            )
        )
    print()
    show(("engine", "graph", "median s", "min … max", "ours is × as fast", "peak MiB beyond idle", "differs by"), rows)


def about(path: Path) -> tuple[str, str]:
    """Size and number of nodes."""
    import onnx

    return f"{path.stat().st_size / 1e6:.2f}", str(len(onnx.load(path).graph.node))


def opsets() -> Iterator[tuple[str, ...]]:
    """Of a small published network: which opset the file really has, and whether ONNX Runtime runs it to the same end."""
    for opset in range(LOWEST_OPSET, HIGHEST_OPSET + 1):
        yield str(opset), *(tried(exporter, PARTS["published"], opset, "float32") for exporter in EXPORTERS)


def parts() -> Iterator[tuple[str, ...]]:
    for name, config in PARTS.items():
        for precision in ("float32", "float16"):
            yield (
                name,
                precision,
                *(tried(exporter, config, exporter.opset, precision) for exporter in EXPORTERS),
            )


def tried(exporter: Exporter, config: GpenConfig, opset: int, precision: str) -> str:
    """The largest difference from PyTorch's float32 of one face and of three in ONNX Runtime, or what prevents it."""
    import onnx

    model, crops = _small(config), random_crops(config.input_size, 3)
    with torch.no_grad():
        wanted = torch.cat([Whole(model.module)(crop) for crop in crops.split(1)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tried.onnx"
        try:
            exporter.write(model, path, opset, precision)
            found = next(each.version for each in onnx.load(path).opset_import if not each.domain)
            run = load_engine("onnxruntime", path)
            differences = [float((run(crops[:batch]) - wanted[:batch]).abs().max()) for batch in (1, 3)]
        except Exception as error:  # whatever it is, it is the answer
            return f"no: {type(error).__name__}"
    if found != opset:
        return f"no: writes opset {found}"
    return f"{max(differences):.0e}"


def show(head: tuple[str, ...], rows: object) -> None:
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:  # type: ignore[attr-defined]
        print(f"| {' | '.join(row)} |", flush=True)


def _small(config: GpenConfig) -> GpenModel:
    return GpenModel(config, random_network(config), TASKS["restoration"], "small")


def _model(source: Path | int) -> GpenModel:
    if isinstance(source, Path):
        return load_checkpoint(source)
    network = random_network(shape_of(source))
    return GpenModel(network.config, network, TASKS["restoration"], "random weights")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "opsets", "parts"])
    parser.add_argument("--size", type=int, nargs="+", choices=PUBLISHED_SIZES, default=[512], help="default: 512")
    parser.add_argument("--model", type=Path, help="a checkpoint, instead of random weights")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--runs", type=int, default=7, help="that count (default: %(default)s)")
    parser.add_argument("--warmup", type=int, default=2, help="default: %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    main()
