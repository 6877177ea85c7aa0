"""python -m gpen_core benchmark: how fast this machine is, compared with the hardware's limits."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ..devices import choose_device
from ..errors import OptionError
from ..files import written_whole
from ..jobs.checks import check_writable
from ..lab.benchmark.chart import svg
from ..lab.benchmark.paths import PATHS
from ..lab.benchmark.report import as_plain, text
from ..lab.benchmark.run import BenchmarkOptions, benchmark
from ..lab.benchmark.subjects import PUBLISHED_SIZES, Subject, present_subjects, random_subjects
from ..modes import AUTO
from ..precisions import PRECISIONS
from ..weights.find import resolve_model, weight_folders
from .arguments import add_weight_folders, some_path, some_text

_ABOUT = """Time, memory and arithmetic throughput of each way to run the networks on this machine, compared with its peak for
matrix products, convolutions and copies. Each candidate runs in its own process, interleaved with the others."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    defaults = BenchmarkOptions()
    parser = commands.add_parser("benchmark", help="measure this machine, compared with the hardware's limits",
                                 description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.set_defaults(run=run)
    parser.add_argument(
        "--model", type=some_text, action="append", default=[], metavar="NAME_OR_PATH",
        help="checkpoint file, name of a published model, bundled or bundled-perceptual; may be repeated (default: all that "
        "are installed)",
    )  # fmt: skip
    add_weight_folders(parser)
    parser.add_argument(
        "--size", type=int, nargs="+", default=[], choices=PUBLISHED_SIZES, metavar="PX",
        help=f"also the published network of this size, with random weights: "
        f"{', '.join(map(str, PUBLISHED_SIZES))}",
    )  # fmt: skip
    parser.add_argument("--device", type=some_text, default=AUTO, help="auto, cpu, cuda, cuda:1, mps …")
    parser.add_argument("--precision", nargs="+", default=[], choices=list(PRECISIONS), metavar="NAME",
                        help=f"one or more of {', '.join(PRECISIONS)} "
                        "(default: float32; bfloat16 on a CPU, float16 on a GPU)")  # fmt: skip
    parser.add_argument(
        "--path",
        nargs="+",
        default=[],
        choices=list(PATHS),
        metavar="NAME",
        help=f"one or more of {', '.join(PATHS)} (default: all)",
    )
    parser.add_argument("--runs", type=int, default=defaults.runs, help="measured runs (default: %(default)s)")
    parser.add_argument(
        "--warmup", type=int, default=defaults.warmup, help="unmeasured runs before those (default: %(default)s)"
    )
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: PyTorch's)")
    parser.add_argument("--batch", type=int, default=defaults.batch, help="faces at once (default: %(default)s)")
    parser.add_argument("--json", type=some_path, metavar="FILE", help="also write the results as JSON")
    parser.add_argument("--plot", type=some_path, metavar="FILE.svg", help="also draw a chart")


def run(options: argparse.Namespace) -> int:
    """Measure, print, and write the requested files. → 0, or 1 if a candidate failed"""
    if options.plot is not None and options.plot.suffix.lower() != ".svg":
        raise OptionError(f"{options.plot}: the plot is an SVG file; choose a name ending in .svg.")
    for path in (options.json, options.plot):
        if path is not None:
            check_writable(path.parent)
    wanted = BenchmarkOptions(
        str(choose_device(options.device)),
        options.runs,
        options.warmup,
        options.threads,
        options.batch,
        tuple(options.precision),
        tuple(options.path),
    )
    report = benchmark(_subjects(options), wanted, lambda step: print(step, file=sys.stderr))
    print(text(report))
    if options.json is not None:
        _write(options.json, json.dumps(as_plain(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    if options.plot is not None:
        _write(options.plot, svg(report))
    return 1 if any(row.failure for row in report.rows) else 0


def _subjects(options: argparse.Namespace) -> list[Subject]:
    folders = (*options.models, *weight_folders())
    paths = [resolve_model(name, folders) for name in options.model]
    named = [Subject(path.stem, str(path)) for path in paths]
    if not named and not options.size:
        return list(present_subjects(folders))
    return [*named, *random_subjects(options.size)]


def _write(path: Path, content: str) -> None:
    with written_whole(path) as temporary:
        temporary.write_text(content, encoding="utf-8")
    print(path, file=sys.stderr)
