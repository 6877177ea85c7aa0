"""A job whose files lie elsewhere is done on copies in a folder of this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from ..errors import GpenError, ImageError
from ..files import scratch_folder
from .job import Job
from .places import Address
from .plan import is_face

Result = TypeVar("Result")
_WAIT = 0.5  # s before the second try; doubled with each
_FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)  # no second try helps


@dataclass(frozen=True)
class Stage:
    """A job on files of this machine.

    Attributes:
        job: With places on this machine.
        asked: As it was planned.
    """

    job: Job
    asked: Job

    def named(self, text: str) -> str:
        """A message, with the places that were planned."""
        for here, asked in zip(
            (self.job.source, *self.job.written), (self.asked.source, *self.asked.written), strict=True
        ):
            text = text.replace(str(here), str(asked))
        return text


@contextmanager
def staged(job: Job, retries: int = 2) -> Iterator[Stage]:
    """The same job on files of this machine: what lies elsewhere is fetched before, and results are put there after.

    Args:
        job: Its places may be paths or addresses.
        retries: How often a transfer that failed is tried again.

    Raises:
        ImageError: A transfer failed. Other errors of the block name the job's own places.
    """
    if not any(isinstance(path, Address) for path in (job.source, *job.written)):
        yield Stage(job, job)
        return
    with scratch_folder() as folder:
        here = _here(job, folder)
        stage = Stage(here, job)
        if isinstance(job.source, Address):
            _transfer(job.source, lambda system, key: system.get_file(key, str(here.source)), retries)
        try:
            yield stage
        except GpenError as error:
            raise type(error)(stage.named(str(error))) from error
        for local, path in reversed(
            [*zip(here.written, job.written, strict=True)]
        ):  # the result last, as it is written
            _put(local, path, retries)


def _here(job: Job, folder: Path) -> Job:
    """Places of the same names in two folders: a source and its result may be called the same."""

    def moved(path: Path, below: str) -> Path:
        if not isinstance(path, Address):
            return path
        (folder / below).mkdir(exist_ok=True)
        return folder / below / path.name

    return Job(
        moved(job.source, "in"),
        moved(job.target, "out"),
        None if job.pair is None else moved(job.pair, "out"),
        None if job.faces is None else moved(job.faces, "out"),
        job.only_beside,
    )


def _put(local: Path, path: Path, retries: int) -> None:
    if not isinstance(path, Address):
        return
    address = cast(Address, path)
    if local.is_dir():
        earlier = address.files(recursive=False) if address.is_dir() else ()
        new = {file.name: file for file in sorted(local.iterdir())}
        for name, file in new.items():
            _put(file, cast(Path, address / name), retries)
        for found in earlier:  # a run that found more; last, so that no face is ever missing
            if is_face(found.name) and found.name not in new:
                _transfer(cast(Address, address / found), lambda system, key: system.rm(key), retries)
    elif local.exists():
        _transfer(address, lambda system, key: _put_whole(system, local, key), retries)


def _put_whole(system: Any, local: Path, key: str) -> None:
    """Object stores show an object when it is whole; other systems get its folder first."""
    system.makedirs(key.rpartition("/")[0], exist_ok=True)
    system.put_file(str(local), key)


def _transfer(address: Address, call: Callable[[Any, str], Result], retries: int) -> Result:
    for left in reversed(range(retries + 1)):
        try:
            return call(address.system, address.key)
        except Exception as error:  # each store has errors of its own
            if left == 0 or isinstance(error, _FINAL):
                raise ImageError(f"{address}: {str(error) or type(error).__name__}") from error
            time.sleep(_WAIT * 2 ** (retries - left))
    raise AssertionError("unreachable")
