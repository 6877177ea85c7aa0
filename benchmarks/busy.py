"""One face through the network on a CPU that others use too: ours, ONNX Runtime and OpenVINO.

python benchmarks/busy.py [--size 512 | --model CHECKPOINT | --bundled] [--busy 0 1 2] [--runs 5] [--only NAME …]
                          [--also CHECKOUT …] [--threads 2] [--json FILE]

Each candidate is a process of its own, kept alive; they run in turns, first on a quiet machine, then beside one process
that does nothing but count, then beside two, … Ours comes in two settings:

command line  as `python -m gpen_core` runs: the environment says how threads wait, freed memory is kept
host          as in ComfyUI: torch was imported before us with nothing set, and a thread other than the main one calls

--also measures another checkout that has this script beside this one. Every run counts: the worst one too.

pip install -r benchmarks/requirements.txt
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gpen_core.cli.waiting import wait_briefly  # noqa: E402

COMMAND_LINE, HOST = "command line", "host"
if sys.argv[1:3] == ["--worker", COMMAND_LINE]:  # as `python -m gpen_core` does before torch is imported
    wait_briefly(os.environ)

import torch  # noqa: E402
from networks import (  # noqa: E402
    ENGINES,
    Files,
    Run,
    agreed,
    load_onnxruntime,
    load_openvino,
    load_ours,
    prepare,
    versions,
)
from others import spinning  # noqa: E402

from gpen_core import load_checkpoint  # noqa: E402
from gpen_core.lab.benchmark.candidate import load_libraries  # noqa: E402
from gpen_core.lab.benchmark.run import about_machine  # noqa: E402
from gpen_core.lab.benchmark.subjects import PUBLISHED_SIZES, random_crops  # noqa: E402
from gpen_core.lab.benchmark.timing import Timing, alternately  # noqa: E402
from gpen_core.lab.benchmark.worker import Worker, serve  # noqa: E402
from gpen_core.weights.find import bundled_file  # noqa: E402

OURS = (COMMAND_LINE, HOST)


def main() -> None:
    options = _options()
    if options.worker:
        serve_candidate(options)
        return
    source = bundled_file() if options.bundled else options.model or options.size
    with tempfile.TemporaryDirectory() as folder:
        model, files = prepare(source, Path(folder), naive_graph=False)
        title = f"{model.name}, {model.config.input_size} px, {options.threads} threads"
        del model
        timings = measure(files, options)
    show(title, timings)
    if options.json:
        seconds = {busy: {name: timing.seconds for name, timing in found.items()} for busy, found in timings.items()}
        machine = {**about_machine(torch.device("cpu"), options.threads), **versions()}
        options.json.write_text(json.dumps({"machine": machine, "network": title, "seconds": seconds}, indent=1) + "\n")


def measure(files: Files, options: argparse.Namespace) -> dict[int, dict[str, Timing]]:
    """How many processes are busy → every candidate's times."""
    with ExitStack() as stack:
        workers = {}
        for name, script in candidates(options.only or [*OURS, *ENGINES], options.also):
            print(f"{name}: loading", file=sys.stderr)
            workers[name] = stack.enter_context(start(name, script, files, options.threads))
        agreed({name: worker.result() for name, worker in workers.items()})
        runs = {name: worker.run for name, worker in workers.items()}
        found = {}
        for count in options.busy:
            print(f"{count} busy", file=sys.stderr)
            with spinning(count):
                found[count] = alternately(runs, options.runs, warmup=1)
        return found


def candidates(names: Sequence[str], checkouts: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Their names, and the scripts that serve them."""
    for name in names:
        yield name, Path(__file__)
        if name in OURS:
            for checkout in checkouts:
                yield f"{name}, {checkout.name}", checkout / "benchmarks" / Path(__file__).name


def start(name: str, script: Path, files: Files, threads: int) -> Worker:
    """The candidate's process."""
    which = name.partition(",")[0]
    command = [sys.executable, str(script), "--worker", which, "--model", str(files.checkpoint)]
    command += ["--graph", str(files.graph), "--threads", str(threads)]
    return Worker(name, command, {"OMP_NUM_THREADS": str(threads)})


def serve_candidate(options: argparse.Namespace) -> None:
    """The process's side: import what the candidate needs, then load and run as told."""
    if options.worker == HOST:
        serve(partial(load_in_host, options.model))
        return
    load_libraries(torch.device("cpu"))
    if options.worker == COMMAND_LINE:
        serve(partial(load_ours, options.model))
    elif options.worker == "onnxruntime":
        import onnxruntime

        serve(partial(load_onnxruntime, onnxruntime, options.graph, options.threads))
    else:
        import openvino

        serve(partial(load_openvino, openvino, options.graph, options.threads))


def load_in_host(path: Path) -> Run:
    """All that torch does is done by one thread, which is not the main one: a second one that used OpenMP would make both
    wait otherwise."""
    thread = ThreadPoolExecutor(1)
    thread.submit(load_libraries, torch.device("cpu")).result()
    model = thread.submit(load_checkpoint, path).result()
    crops = random_crops(model.config.input_size, 1)
    return lambda: thread.submit(model, crops).result()


def show(title: str, timings: Mapping[int, Mapping[str, Timing]]) -> None:
    """A table on the terminal, in Markdown."""
    print(f"\n{title}\n")
    print("| busy processes | | median s | worst s | worst by median | by the faster engine's median |")
    print("|---:|---|---:|---:|---:|---:|")
    for busy, found in timings.items():
        best = min((found[name].median for name in ENGINES if name in found), default=None)
        for name, timing in found.items():
            against = "" if best is None else f"{timing.median / best:.2f}"
            print(
                f"| {busy} | {name} | {timing.median:.3f} | {timing.most:.3f} | {timing.most / timing.median:.2f} | {against} |"
            )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, choices=PUBLISHED_SIZES, default=512, help="default: %(default)s")
    parser.add_argument("--model", type=Path, help="a checkpoint of the published family, instead of random weights")
    parser.add_argument("--bundled", action="store_true", help="the model that comes with the package")
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 1, 2], help="busy processes (default: 0 1 2)")
    parser.add_argument("--runs", type=int, default=5, help="in each state, after one that does not count (default: 5)")
    parser.add_argument("--only", nargs="+", choices=[*OURS, *ENGINES], help="default: all")
    parser.add_argument("--also", type=Path, nargs="+", default=[], help="other checkouts")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--graph", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
