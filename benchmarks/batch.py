"""Faces together and one by one: eight in one call beside eight calls, and the memory that batches of several sizes take,
without a bound and under one.

python benchmarks/batch.py [--size 512] [--model CHECKPOINT] [--threads 2] [--runs 5] [--batches 1 2 4 8 16]
                           [--memory 1024] [--host] [--json FILE]

Goes the way that restoring goes (`gpen_core.pipeline.restore_faces`, alignment included), in float32 on the CPU. Every
candidate is a process of its own, which works as the command line does, or with --host as a ComfyUI: in a thread, with the
heap as the system has it. Without a checkpoint the weights are random, in the published network's shape.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gpen_core.geometry import template_points  # noqa: E402
from gpen_core.heap import keep_freed_memory  # noqa: E402
from gpen_core.lab.benchmark.candidate import load_libraries  # noqa: E402
from gpen_core.lab.benchmark.memory import Memory  # noqa: E402
from gpen_core.lab.benchmark.run import about_machine  # noqa: E402
from gpen_core.lab.benchmark.subjects import PUBLISHED_SIZES, Subject, random_crops, random_subjects  # noqa: E402
from gpen_core.lab.benchmark.timing import Timing, alternately  # noqa: E402
from gpen_core.lab.benchmark.worker import Worker, serve  # noqa: E402
from gpen_core.pipeline import RestoreOptions, restore_faces  # noqa: E402
from gpen_core.types import Face  # noqa: E402

FACES = 8


def main() -> None:
    options = _options()
    if options.worker:
        work_in_a_thread(options) if options.host else work_alone(options)
        return
    timings = times(options)
    memories = {bound: {batch: memory(options, batch, bound) for batch in options.batches} for bound in bounds(options)}
    figures = {
        "network": subject(options).name,
        "works_as": "host" if options.host else "command line",
        "machine": about_machine(torch.device("cpu"), options.threads),
        "times": {name: {"seconds": timing.seconds, "median": timing.median} for name, timing in timings.items()},
        "one_call_is_times_as_fast": timings["one call"].times_as_fast_as(timings["single calls"]),
        "memory": {bound: {batch: plain(found) for batch, found in row.items()} for bound, row in memories.items()},
    }
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def work_alone(options: argparse.Namespace) -> None:
    keep_freed_memory()
    work(options)


def work_in_a_thread(options: argparse.Namespace) -> None:
    """All of it: libgomp's threads hardly wait for work where two of a process's own have used it."""
    thread = Thread(target=work, args=(options,))
    thread.start()
    thread.join()


def work(options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    load_libraries(torch.device("cpu"))
    serve(partial(load, subject(options), options.faces, options.batch, options.memory))


def times(options: argparse.Namespace) -> dict[str, Timing]:
    """Eight faces at once, and one after the other."""
    with ExitStack() as stack:
        kinds = {"one call": (FACES, 0), "single calls": (FACES, 1)}
        workers = {name: stack.enter_context(start(options, *kind)) for name, kind in kinds.items()}
        return alternately({name: worker.run for name, worker in workers.items()}, options.runs)


def bounds(options: argparse.Namespace) -> tuple[int, ...]:
    """MiB: 0 for none, and the one asked for."""
    return (0, options.memory) if options.memory else (0,)


def memory(options: argparse.Namespace, batch: int, bound: int) -> Memory:
    """What a batch of that many faces takes."""
    with start(options, batch, batch, bound) as worker:
        worker.run()
        return worker.memory()


def plain(memory: Memory) -> dict[str, int]:
    return {**asdict(memory), "beyond_idle": memory.beyond_idle, "beyond_ready": memory.beyond_ready}


def load(subject: Subject, faces: int, batch: int, bound: int) -> Callable[[], Tensor]:
    """``faces`` frames with a face each, restored ``batch`` at a time (0: as many as the package thinks best), or for 1
    in calls of their own; with at most ``bound`` MiB beside the weights (0: no bound)."""
    model = subject.load(torch.device("cpu"), torch.float32)
    frames = random_crops(model.config.input_size, faces)
    found = [whole_face(model.config.input_size, frame) for frame in range(faces)]
    calls = [[face] for face in found] if batch == 1 else [found]
    restoring = RestoreOptions(template="gpen", batch_size=batch, memory_mib=bound)

    def run() -> Tensor:
        restored = [face.pixels for call in calls for face in restore_faces(frames, call, model, restoring)]
        return torch.stack(restored)

    return run


def whole_face(side: int, frame: int) -> Face:
    """A face that fills its frame as a crop is filled: nothing is to be turned or scaled."""
    points = [(float(x), float(y)) for x, y in template_points("gpen", side)]
    return Face((0, 0, side, side), 1.0, tuple(points), (side, side), frame)


def start(options: argparse.Namespace, faces: int, batch: int, bound: int = 0) -> Worker:
    command = [
        sys.executable,
        __file__,
        "--worker",
        "--faces",
        str(faces),
        "--batch",
        str(batch),
        "--memory",
        str(bound),
    ]
    command += ["--size", str(options.size), "--threads", str(options.threads)]
    command += ["--model", str(options.model)] if options.model else []
    command += ["--host"] if options.host else []
    return Worker(f"{faces} faces by {batch}", command, {"OMP_NUM_THREADS": str(options.threads)})


def subject(options: argparse.Namespace) -> Subject:
    return Subject(options.model.stem, str(options.model)) if options.model else random_subjects([options.size])[0]


def show(figures: Mapping[str, Any]) -> None:
    """Tables on the terminal, in Markdown."""
    print(
        f"{figures['network']}, as a {figures['works_as']} works\n\n| {FACES} faces | median s | min … max |\n|---|---:|---:|"
    )
    for name, timing in figures["times"].items():
        print(f"| {name} | {timing['median']:.3f} | {min(timing['seconds']):.3f} … {max(timing['seconds']):.3f} |")
    print(f"\none call is {figures['one_call_is_times_as_fast']:.2f} times as fast\n")
    found = figures["memory"]
    print("peak MiB beside the weights, results included:\n")
    print("| faces in one call |" + "".join(f" at most {bound} MiB |" if bound else " no bound |" for bound in found))
    print("|---:|" + "---:|" * len(found))
    for batch in found[0]:
        cells = "".join(f" {row[batch]['beyond_ready'] / 2**20:,.0f} |" for row in found.values())
        print(f"| {batch} |{cells}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, choices=PUBLISHED_SIZES, default=512, help="default: %(default)s")
    parser.add_argument("--model", type=Path, help="a checkpoint, instead of random weights")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--runs", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8, 16], help="default: 1 2 4 8 16")
    parser.add_argument(
        "--memory", type=int, default=1024, help="a bound to try, in MiB (default: %(default)s; 0: none)"
    )
    parser.add_argument("--host", action="store_true", help="as in a ComfyUI")
    parser.add_argument("--json", type=Path)
    for name, kind in (("--faces", int), ("--batch", int)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
