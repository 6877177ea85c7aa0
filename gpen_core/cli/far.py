"""``restore --engine ray``: the same command on many machines."""

from __future__ import annotations

import argparse
import sys

from ..checkpoints import load_checkpoint
from ..errors import OptionError, visible
from ..jobs import Found, ToolOptions, find_pictures, plan_jobs
from ..jobs.places import place
from ..jobs.plan import names_a_file, results_folder
from ..precisions import PRECISIONS
from ..scale.cluster import ClusterOptions, connected
from ..scale.manifest import Manifest
from ..scale.outcome import FAILED, Outcome
from ..scale.pins import Pins, local_file, pin_files
from ..scale.run import fingerprint, restore_on_cluster
from ..scale.sizing import WorkerSize, worker_size
from .arguments import some_text
from .progress import PictureBar
from .restoring import file_options, output_of, say_what_is_left_out, tool_options


def add_far(parser: argparse.ArgumentParser) -> None:
    """Options on where the work is done."""
    group, usual = parser.add_argument_group("many machines"), ClusterOptions()
    group.add_argument("--engine", choices=["ray"], help="ray: spread the images over workers of a Ray cluster (needs "
                       "ray[data]; default: this process does all)")  # fmt: skip
    group.add_argument(
        "--address", type=some_text, help="of the cluster; auto: the one that runs on this machine "
        "(default: one is started for this run)"
    )  # fmt: skip
    group.add_argument("--workers", type=int, default=usual.workers, metavar="N", help="processes that restore (default: as "
                       "many as the cluster has room for)")  # fmt: skip
    group.add_argument(
        "--worker-cpus", type=float, default=usual.cpus, metavar="N", help="CPUs of a worker (default: %(default)g)"
    )
    group.add_argument("--worker-gpus", type=float, default=usual.gpus, metavar="N", help="GPUs of a worker: 0.25 lets four "
                       "share one (default: %(default)g)")  # fmt: skip
    group.add_argument("--images-per-task", type=int, default=usual.batch, metavar="N", help="images that a worker is handed "
                       "at once (default: up to 8)")  # fmt: skip
    group.add_argument("--attempts", type=int, default=usual.attempts, metavar="N", help="an image is set aside when its "
                       "worker ended this often while it was worked on (default: %(default)s)")  # fmt: skip
    group.add_argument("--manifest", type=some_text, metavar="FOLDER", help="where to record what became of each image, as "
                       "Parquet files (default: .gpen-manifest beside the results)")  # fmt: skip


def cluster_options(options: argparse.Namespace) -> ClusterOptions:
    """How work is spread. Raises OptionError."""
    return ClusterOptions(
        options.address or "", options.workers, options.worker_cpus, options.worker_gpus, options.images_per_task,
        options.attempts,
    )  # fmt: skip


def run_far(options: argparse.Namespace) -> int:
    """Restore every image; a failure doesn't stop the others. → 0, or 1 if any failed."""
    if options.report is not None:
        raise OptionError("--report shows images of one machine. With --engine ray, the manifest tells of each image.")
    if options.sequence:
        raise OptionError("--sequence: the frames of a clip are restored one after the other. Leave --engine away.")
    cluster, files, tools = cluster_options(options), file_options(options), tool_options(options)
    with connected(cluster) as ray:
        pins = pin_files(tools)
        size = _checked_model(tools, pins)
        manifest = _manifest(options)
        found = find_pictures(options.inputs, recursive=options.recursive, output=results_folder(options.output))
        jobs, done = plan_jobs(
            found.sources, output_of(options), manifest.earlier(fingerprint(tools, pins, files))
        )  # fmt: skip
        say_what_is_left_out(found, done, options.output)
        for text in found.missing:
            print(visible(f"failed: {text}: no image found"))
        failures: list[Outcome] = []
        with PictureBar(len(jobs)) as bar:

            def tell(outcome: Outcome) -> None:
                for note in outcome.notes.splitlines():
                    bar.say(note)
                if outcome.status == FAILED:
                    failures.append(outcome)
                    bar.finish(f"failed: {outcome.source}: {outcome.text}")
                else:
                    bar.finish(f"{outcome.source} → {outcome.target} ({outcome.text})")

            if jobs:
                restore_on_cluster(jobs, tools, pins, files, cluster, size, manifest, tell, ray)
    return _summed_up(found, len(jobs), len(failures))


def _checked_model(options: ToolOptions, pins: Pins) -> WorkerSize:
    """Load the model once here: what is wrong with it is said before anything is spread. → what a worker takes."""
    model = load_checkpoint(local_file(pins.model), dtype=PRECISIONS[options.precision], task=options.task)
    print(f"{model.name}: {model.task.name}, {model.config.input_size} px", file=sys.stderr)
    return worker_size(model)


def _manifest(options: argparse.Namespace) -> Manifest:
    if options.manifest is not None:
        return Manifest(place(options.manifest))
    output = place(options.output)
    return Manifest((output.parent if names_a_file(options.output) else output) / ".gpen-manifest")


def _summed_up(found: Found, jobs: int, failed: int) -> int:
    failed += len(found.missing)
    if failed:
        print(f"{failed} of {jobs + len(found.missing)} inputs failed", file=sys.stderr)
    return 1 if failed else 0
