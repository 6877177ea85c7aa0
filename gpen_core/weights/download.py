"""Download published files: resumable, verified, and put in place only when complete."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import CheckpointError, DownloadError
from ..files import file_sha256, written_whole
from .catalog import WeightFile

Progress = Callable[[int, "int | None"], None]  # bytes done, bytes in all if known
Verify = Callable[[WeightFile, Path], None]  # raises CheckpointError unless the file is what the entry claims
_BLOCK = 1 << 18
_TIMEOUT = 30.0  # seconds without a byte
_ATTEMPTS = 4  # connections that may break in a row without bringing anything new


def download(
    entry: WeightFile, folder: str | Path, progress: Progress = lambda done, total: None, *, verify: Verify
) -> Path:
    """Download a file; an existing one is only verified.

    An interrupted download leaves ``NAME.part`` and resumes from there. If the catalog has a sha256, the file must match
    it. Otherwise ``verify`` must accept the file, and its checksum is recorded in ``NAME.sha256`` and checked from then on.

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


@dataclass(frozen=True)
class _Origin:
    """Where the bytes of a part file came from; a part is only continued from the same version of the same file."""

    url: str
    tag: str | None

    @classmethod
    def read(cls, path: Path) -> _Origin | None:
        try:
            content = json.loads(path.read_text())
            return cls(str(content["url"]), content["tag"])
        except (OSError, ValueError, KeyError, TypeError):
            return None


class _Unavailable(Exception):
    """This address doesn't answer; what has arrived so far is kept."""


class _NetworkError(Exception):
    """A connection that failed; another may do better."""


def _part(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def _origin_file(target: Path) -> Path:
    return target.with_name(target.name + ".part.json")


def _lock(target: Path) -> Path:
    """In the system's temporary folder: a lock file cannot be removed safely, and would stay among the models."""
    place = hashlib.sha256(str(target.resolve()).encode()).hexdigest()[:16]
    user = os.getuid() if hasattr(os, "getuid") else 0  # another user's file in a shared folder cannot be opened
    return Path(tempfile.gettempdir()) / f"gpen-download-{user}-{place}.lock"


def _discard(target: Path) -> None:
    _part(target).unlink(missing_ok=True)
    _origin_file(target).unlink(missing_ok=True)


def _download_into(entry: WeightFile, target: Path, progress: Progress, verify: Verify) -> Path:
    if target.exists():
        verify_file(entry, target, verify)
        return target
    failures = []
    origin = _Origin.read(_origin_file(target))
    # Where the part came from goes first: another address would start from nothing.
    for url in sorted(entry.urls, key=lambda url: origin is None or url != origin.url):
        try:
            part = _fetch(url, target, progress)
        except _Unavailable as error:
            failures.append(f"{url}: {error}")
            continue
        reason = _reason_against(entry, part, verify)
        if reason is None:
            _land(entry, part, target)
            return target
        _discard(target)
        failures.append(f"{url}: {reason}")
    raise DownloadError(f"{entry.filename} could not be downloaded.\n" + "\n".join(failures))


def _reason_against(entry: WeightFile, part: Path, verify: Verify) -> str | None:
    try:
        verify_file(entry, part, verify)
    except DownloadError as error:
        return str(error)
    return None


def _land(entry: WeightFile, part: Path, target: Path) -> None:
    if entry.sha256 is None:
        with written_whole(target.with_name(target.name + ".sha256")) as beside:
            beside.write_text(f"{file_sha256(part)}  {target.name}\n")
    part.replace(target)
    _origin_file(target).unlink(missing_ok=True)


def _fetch(url: str, target: Path, progress: Progress) -> Path:
    """Bring the whole of ``url`` into the part file, over as many connections as bring something new."""
    idle, size, reason = 0, _resumable(url, target), ""
    while idle < _ATTEMPTS:
        try:
            if _transfer(url, target, size, progress):
                return _part(target)
            reason = "the connection broke"
        except urllib.error.HTTPError as error:
            if error.code == 416 and size:
                if error.headers.get("Content-Range") == f"bytes */{size}":
                    return _part(target)  # nothing is missing: it broke off at the very end
                _discard(target)  # what we have is longer than the file there: it has changed
            elif error.code < 500:
                raise _Unavailable(f"HTTP {error.code} {error.reason}") from error
            reason = f"HTTP {error.code}"
        except _NetworkError as error:
            reason = str(error)
        arrived = _resumable(url, target)
        idle = 0 if arrived > size else idle + 1
        size = arrived
    kept = f"; {size:,} bytes have arrived and are kept for the next try" if size else ""
    raise _Unavailable(f"{reason}{kept}")


def _resumable(url: str, target: Path) -> int:
    """How many bytes can be continued from. A part from elsewhere is kept until this address really answers."""
    origin = _Origin.read(_origin_file(target))
    if origin is None or origin.url != url:
        return 0
    return _part(target).stat().st_size if _part(target).exists() else 0


def _transfer(url: str, target: Path, have: int, progress: Progress) -> bool:
    """One connection. True when the whole file has arrived."""
    request = urllib.request.Request(url, headers={"User-Agent": "gpen_core"})
    origin = _Origin.read(_origin_file(target))
    if have and origin is not None:
        request.add_header("Range", f"bytes={have}-")
        if origin.tag:
            request.add_header("If-Range", origin.tag)
    with _opened(request) as response:
        continued = response.status == 206
        have = have if continued else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        tag = response.headers.get("ETag") or response.headers.get("Last-Modified")
        strong = None if tag is None or tag.startswith("W/") else tag
        _origin_file(target).write_text(json.dumps({"url": url, "tag": strong}))
        with _part(target).open("ab" if continued else "wb") as file:
            for block in _blocks(response):
                file.write(block)
                have += len(block)
                progress(have, total)
    return total is None or have >= total


def _opened(request: urllib.request.Request) -> http.client.HTTPResponse:
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError:
        raise
    except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
        raise _NetworkError(str(getattr(error, "reason", error)) or type(error).__name__) from error
    return response


def _blocks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """What arrives, with the network's failures told apart from those of our own disk."""
    while True:
        try:
            block = response.read(_BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise _NetworkError(str(error) or type(error).__name__) from error
        if not block:
            return
        yield block
