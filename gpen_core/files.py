"""Write files atomically, and compute checksums."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

_TEMPORARY = ".gpen-part-"  # and the host's, and the process's number, so that the next run knows whose is left over
_SURELY_LEFT = 86400  # s: nothing is written for a day


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path next to ``path``, renamed to it when the block succeeds and removed if it fails.

    Raises:
        OSError: It cannot be written, such as for a full disk; the error names ``path``.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent.absolute())
    try:
        handle, name = tempfile.mkstemp(prefix=temporary_prefix(), suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _take_default_mode(temporary)
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and error.filename in (None, name):
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
        raise


@contextmanager
def scratch_folder(folder: Path | None = None) -> Iterator[Path]:
    """Yield a new folder, removed with all that is in it when the block ends, or by the next run where this one is killed.

    Args:
        folder: Where it is made; None: where the system keeps temporary files.

    Raises:
        OSError: It cannot be made.
    """
    place = (folder or Path(tempfile.gettempdir())).absolute()
    sweep(place)
    with tempfile.TemporaryDirectory(prefix=temporary_prefix(), dir=place) as made:
        yield Path(made)


def may_write(folder: Path) -> bool:
    """Whether files can be made in a folder, as far as its permissions tell."""
    effective = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=effective)


def temporary_prefix() -> str:
    """What the names of this process's temporary files and folders begin with, by which ``sweep`` knows them."""
    return f"{_TEMPORARY}{_host()}-{os.getpid()}-"


@lru_cache(maxsize=256)
def sweep(folder: Path) -> None:
    """Remove what runs that were killed left half-written in a folder; looked for once in a run."""
    try:
        found = [entry for entry in folder.iterdir() if entry.name.startswith(_TEMPORARY)]
    except OSError:  # it may be written to, but not listed
        return
    for entry in found:
        with suppress(OSError, ValueError):
            host, process, _ = entry.name.removeprefix(_TEMPORARY).split("-", 2)
            # A folder's time is that of its last new file: here, whoever runs may have made it days ago.
            asked = host == _host() and os.name == "posix"
            is_old = time.time() - entry.stat().st_mtime > _SURELY_LEFT
            if not _runs(int(process)) if asked else is_old:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def sweep_own(folder: Path) -> None:
    """``sweep`` for a folder that this process alone writes to: all that is half-written there is left over.

    By whom does not tell in a container: after a new start, it has the number of the process that was killed, or another
    host's name.
    """
    for entry in folder.glob(f"{_TEMPORARY}*"):
        with suppress(OSError):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _host() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _runs(process: int) -> bool:
    """Whether a process is running."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def _take_default_mode(path: Path) -> None:
    """Reset permissions: mkstemp makes private files; a result should have the permissions that any new file gets."""
    mask = os.umask(0)
    os.umask(mask)
    with suppress(OSError):  # file systems without permissions refuse
        path.chmod(0o666 & ~mask)


def file_sha256(path: str | Path) -> str:
    """The sha256 of a file, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
