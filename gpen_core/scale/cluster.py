"""Which cluster works, with how many workers of which size."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..commands import pip_install
from ..errors import OptionError
from .sizing import WorkerSize


@dataclass(frozen=True)
class ClusterOptions:
    """How work is spread. Raises OptionError for values outside their range.

    Attributes:
        address: Of the cluster's head, or "auto" for one that runs on this machine; "" starts one for this run only.
        workers: Processes that restore; 0: as many as the cluster has room for when the run begins.
        cpus: CPUs of a worker.
        gpus: GPUs of a worker; 0.25 lets four share one.
        batch: Images that a worker is handed at once; 0: 8, fewer where there are few.
        attempts: How often an image is tried if its worker ends while it is worked on.
    """

    address: str = ""
    workers: int = 0
    cpus: float = 1.0
    gpus: float = 0.0
    batch: int = 0
    attempts: int = 3

    def __post_init__(self) -> None:
        if self.workers < 0 or self.batch < 0:
            raise OptionError("--workers and --images-per-task must be 1 or more, or 0 (automatic)")
        if not self.cpus > 0 or not self.gpus >= 0:
            raise OptionError("--worker-cpus must be above 0, and --worker-gpus 0 or more")
        if self.attempts < 1:
            raise OptionError(f"--attempts must be at least 1, not {self.attempts}")


def ray_package() -> Any:
    """The package ray, with Ray Data. Raises OptionError where it is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401 - Ray Data needs it, too
        import ray
        import ray.data
    except ImportError as error:
        advice = pip_install('"ray[data]"')
        raise OptionError(f"--engine ray needs the Python package Ray ({error}): {advice}") from error
    return ray


@contextmanager
def connected(options: ClusterOptions) -> Iterator[Any]:
    """Ray, connected: to the cluster that was asked for, one that this program is connected to already, or one of its own.

    Raises:
        OptionError: Ray is not installed, or the cluster cannot be reached.
    """
    ray = ray_package()
    begins = not ray.is_initialized()
    if begins:
        try:
            ray.init(
                address=options.address or None, include_dashboard=None, logging_level=logging.WARNING,
                log_to_driver=False,
            )  # fmt: skip
        except (ConnectionError, ValueError, RuntimeError) as error:
            if not options.address:
                raise OptionError(f"Ray could not be started on this machine: {error}") from error
            raise OptionError(
                f"no Ray cluster at '{options.address}' ({error}). Start one with: ray start --head. If it asks for a token, "
                "set RAY_AUTH_MODE=token and copy ~/.ray/auth_token from its head."
            ) from error
    try:
        yield ray
    finally:
        if begins:
            ray.shutdown()


def reason_of(error: BaseException) -> str:
    """Of an error of Ray's, the innermost one: what a worker raised, or how it ended."""
    while (cause := getattr(error, "cause", None) or error.__cause__) is not None:
        error = cause
    return str(error).strip() or type(error).__name__


def workers_of(options: ClusterOptions, size: WorkerSize, ray: Any) -> int:
    """How many workers: as asked for, or as many as fit the cluster. Raises OptionError where not even one does."""
    have = ray.cluster_resources()
    fitting = int(have.get("CPU", 0) / options.cpus)
    if options.gpus:
        fitting = min(fitting, int(have.get("GPU", 0) / options.gpus))
    if have.get("memory") and not options.gpus:
        fitting = min(fitting, max(1, int(have["memory"] / size.host)))  # one may still do with less
    if fitting < 1 and not options.workers:
        needs = f"{options.cpus:g} CPUs" + (f" and {options.gpus:g} GPUs" if options.gpus else "")
        raise OptionError(
            f"the cluster has {have.get('CPU', 0):g} CPUs and {have.get('GPU', 0):g} GPUs, and a worker needs {needs}. "
            "Set --worker-cpus and --worker-gpus."
        )
    return options.workers or fitting
