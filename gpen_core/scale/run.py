"""Restore planned jobs on a cluster: Ray Data hands them to a pool of workers; outcomes come back as they are done."""

from __future__ import annotations

import hashlib
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import RestorationError
from ..jobs import FileOptions, Job, ToolOptions
from ..jobs.places import text_of
from .attempts import Attempts
from .clips import Joiner, Piece, pieces_of
from .cluster import ClusterOptions, reason_of, workers_of
from .interrupts import remembered_interrupts
from .manifest import Manifest
from .outcome import PLANNED, Outcome
from .pins import Pins
from .sizing import WorkerSize
from .worker import Worker, piece_row

ATTEMPTS = "gpen-attempts"  # what the actor's name begins with
_IMAGES_A_TASK = 8
_TASKS_A_WORKER = 4  # at least, where there are few images: or one worker would have them all
_IN_FLIGHT = 2  # tasks of a worker: the next one is there when one is done


def fingerprint(options: ToolOptions, pins: Pins, files: FileOptions) -> str:
    """What decides about results beside the images: not where files lie, nor which device computes."""
    where = Path("model")
    person = None if options.person is None else replace(options.person, picture=where)
    detector = options.detector if pins.detector is None else ""  # of a file, its checksum counts
    what = replace(options, model=where, folders=(), detector=detector, device="", person=person, upscaler=None)
    networks = (pins.model, pins.detector, pins.person, pins.upscaler, *pins.others)
    sums = [None if pin is None else pin.sha256 for pin in networks]
    return hashlib.sha256(repr((what, files, sums)).encode()).hexdigest()[:32]


def restore_on_cluster(
    jobs: Sequence[Job],
    options: ToolOptions,
    pins: Pins,
    files: FileOptions,
    cluster: ClusterOptions,
    size: WorkerSize,
    manifest: Manifest,
    on_outcome: Callable[[Outcome], None],
    ray: Any,
) -> None:
    """Restore jobs on the cluster that ``ray`` is connected to.

    Args:
        jobs: What, and where to.
        options: What images are restored with.
        pins: The files of weights that this takes.
        files: How files are read and written.
        cluster: How the work is spread.
        size: What a worker takes.
        manifest: Records what was planned, and what became of it.
        on_outcome: Sees each outcome as it arrives, in any order.
        ray: The package, connected.

    Raises:
        RestorationError: The workers cannot start.
        OptionError: Not even one worker fits the cluster.
    """
    settings = fingerprint(options, pins, files)
    workers = workers_of(cluster, size, ray)
    now = time.time()
    manifest.add(
        Outcome(text_of(job.source), text_of(job.target), PLANNED, settings=settings, finished=now) for job in jobs
    )
    manifest.flush()
    counting = ray.remote(Attempts).options(num_cpus=0, name=f"{ATTEMPTS}-{uuid.uuid4().hex[:8]}")
    attempts = counting.remote(cluster.attempts)
    _be_quiet(ray)
    pieces = pieces_of(jobs, options.settings.blend.scale, files, ray)
    joiner = Joiner(pieces, files, ray)
    tasks = _tasks(pieces, workers, cluster)
    rows = ray.data.from_arrow(tasks).map_batches(
        Worker,
        batch_size=None,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=min(workers, len(tasks)), max_tasks_in_flight_per_actor=_IN_FLIGHT),
        num_cpus=cluster.cpus,
        num_gpus=cluster.gpus or None,
        fn_constructor_args=(options, pins, files, settings, attempts, cluster.attempts),
    )
    try:
        with remembered_interrupts() as go_on:
            for arrived in _arriving(rows, attempts, ray):
                outcomes = [joiner.take(number, outcome) for number, outcome in arrived]
                # By this machine's clock, as what was planned is: of two rows of one result, the later one counts.
                whole = [replace(outcome, finished=time.time()) for outcome in outcomes if outcome is not None]
                manifest.add(whole)
                for outcome in whole:
                    on_outcome(outcome)
                go_on()
    finally:
        ray.kill(attempts)
        manifest.close()


def _be_quiet(ray: Any) -> None:
    """The caller shows progress; Ray's own log is in its session's folder and on the dashboard."""
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)


def _tasks(pieces: Sequence[Piece], workers: int, cluster: ClusterOptions) -> list[Any]:
    """A table for each task."""
    import pyarrow as pa

    most = cluster.batch or _IMAGES_A_TASK
    size = cluster.batch or max(1, min(most, len(pieces) // (workers * _TASKS_A_WORKER)))
    rows = pa.Table.from_pylist([piece_row(number, piece) for number, piece in enumerate(pieces)], _schema())
    return [rows.slice(start, size) for start in range(0, len(pieces), size)]


def _schema() -> Any:
    import pyarrow as pa

    return pa.schema(
        [
            ("number", pa.int64()),
            *((name, pa.binary()) for name in ("segment", "source", "target", "pair", "faces")),
            ("only_beside", pa.bool_()),
        ]
    )


def _arriving(rows: Any, attempts: Any, ray: Any) -> Iterator[list[tuple[int, Outcome]]]:
    try:
        for batch in rows.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            found = batch.to_pylist()
            numbers = [row.pop("number") for row in found]
            attempts.forget.remote(numbers)
            yield [(number, Outcome(**row)) for number, row in zip(numbers, found, strict=True)]
    except ray.exceptions.RayError as error:
        raise RestorationError(f"the workers cannot go on: {reason_of(error)}") from error
