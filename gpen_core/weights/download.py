"""Download published files: resumable, verified, and put in place only when complete."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import CheckpointError, DownloadError
from ..files import file_sha256, may_write, written_whole
from .catalog import WeightFile
from .mistaken import mistaken_text
from .transfer import Limits, PartFile, Progress, Unavailable, current_user, fetch

Verify = Callable[[WeightFile, Path], None]  # raises CheckpointError unless the file is what the entry claims
_SPARE = 1 << 20
_HEAD = 512  # bytes


def download(
    entry: WeightFile, folder: str | Path, progress: Progress = lambda done, total: None, *, verify: Verify
) -> Path:
    """Download a file; an existing one is only verified.

    An interrupted download leaves ``NAME.….part`` and resumes from there; another user's is left alone. If the catalog has a
    sha256, the file must match it. Otherwise ``verify`` must accept the file, and its checksum is recorded in ``NAME.sha256``
    and checked from then on.

    Args:
        entry: What to download.
        folder: Where to put it; created if missing.
        progress: Called with the bytes done and the total, if the server reports it.
        verify: Raises CheckpointError unless the file is what the entry claims; see ``gpen_core.checkpoints.verify``.

    Returns:
        The file's path.

    Raises:
        DownloadError: No URL worked, the file is not what it should be, or it can't be written.
    """
    folder = Path(folder)
    target = folder / entry.filename
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not may_write(folder) and not target.exists():
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        with FileLock(_lock(target), timeout=0):
            return _download_into(entry, target, progress, verify)
    except Timeout as error:
        raise DownloadError(
            f"{target} is already being downloaded by another program. Wait for it to finish."
        ) from error
    except OSError as error:
        raise DownloadError(f"{entry.filename} could not be written to {folder}: {error.strerror or error}") from error


def verify_file(entry: WeightFile, path: Path, verify: Verify) -> None:
    """Verify a downloaded file by its published or recorded checksum, or by loading it.

    Args:
        entry: What the file should be.
        path: The file.
        verify: Raises CheckpointError unless the file is what the entry claims; used without a checksum.

    Raises:
        DownloadError: It is something else.
    """
    expected = entry.sha256 or recorded_sha256(path)
    if expected is None:
        try:
            verify(entry, path)
        except CheckpointError as error:
            raise DownloadError(str(error)) from error
    elif (found := file_sha256(path)) != expected:
        raise DownloadError(f"{path.name} has sha256 {found}, not {expected}. Delete it and download again.")


def recorded_sha256(path: Path) -> str | None:
    """The checksum recorded when the file was first verified, or None."""
    beside = path.with_name(path.name + ".sha256")
    words = beside.read_text().split() if beside.is_file() else []
    return words[0] if words else None


def _lock(target: Path) -> Path:
    """In the system's temporary folder: a lock file cannot be removed safely, and would stay among the models."""
    # Another user's file in a shared folder cannot be opened.
    place = hashlib.sha256(f"{current_user()}:{target.resolve()}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"gpen-download-{place}.lock"


def _download_into(entry: WeightFile, target: Path, progress: Progress, verify: Verify) -> Path:
    part = PartFile(target)
    if target.exists():
        verify_file(entry, target, verify)
        _clear(part)
        return target
    failures, limits = [], _limits(entry)
    # Where the part came from goes first: another address would start from nothing.
    for url in sorted(entry.urls, key=lambda url: url != part.url):
        try:
            fetch(url, part, progress, limits)
        except Unavailable as error:
            failures.append(f"{url}: {error}")
            continue
        reason = _reason_against(entry, part.path, verify)
        if reason is None:
            _land(entry, part, verify)
            return target
        part.discard()
        failures.append(f"{url}: {reason}")
    raise DownloadError(f"{entry.filename} could not be downloaded.\n" + "\n".join(failures))


def _reason_against(entry: WeightFile, part: Path, verify: Verify) -> str | None:
    try:
        verify_file(entry, part, verify)
    except DownloadError as error:
        if (instead := _instead(part)) is not None:
            return instead
        if entry.sha256 is None:
            return str(error)
        size = part.stat().st_size
        return f"what arrived is another file: its {size:,} bytes have sha256 {file_sha256(part)}, not {entry.sha256}"
    return None


def _instead(part: Path) -> str | None:
    """What a server sent in the file's place, where that can be told: a page to sign in at, or its error."""
    with part.open("rb") as file:
        head = file.read(_HEAD)
    if (what := mistaken_text(head)) is None:
        return None
    return f"the server sent {what} in its place. Does the network ask you to sign in first?"


def _land(entry: WeightFile, part: PartFile, verify: Verify) -> None:
    target = part.target
    if target.exists():  # another user was faster
        verify_file(entry, target, verify)
        _clear(part)
        return
    if entry.sha256 is None:
        with written_whole(target.with_name(target.name + ".sha256")) as beside:
            beside.write_text(f"{file_sha256(part.path)}  {target.name}\n")
    part.path.replace(target)
    part.origin.unlink(missing_ok=True)
    part.discard_others()


def _clear(part: PartFile) -> None:
    """The whole is there: what is left of it on its way is of no use, nor worth an error where it may not be removed."""
    with suppress(OSError):
        part.discard()
        part.discard_others()


def _limits(entry: WeightFile) -> Limits:
    """A file of known size is not much larger: sizes in the catalog may be approximate."""
    return Limits() if entry.bytes is None else Limits(most_bytes=entry.bytes + entry.bytes // 4 + _SPARE)
