"""Where weights that were read back out of a graph are kept, so that it is done once for each file."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ...errors import CheckpointError
from ...files import file_sha256
from ...model import GpenConfig
from ...weights.reading import OWN_KEYS
from ..canonicalize import StateDict

FOLDER_VARIABLE = "GPEN_CACHE"
SOURCE_TASK = (
    f"{OWN_KEYS}source_task"  # what the graph's own metadata says it was trained for; "" where it says nothing
)
MOST_BYTES = 4 << 30  # of all that is kept: fourteen graphs of the published size
_NAME = re.compile(r".+-[0-9a-f]{64}-\d+\.safetensors")
_READER = "1"  # counts up when what is read out of the same file changes
_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """The folder in the environment variable GPEN_CACHE, or ``~/.cache/gpen-onnx``."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser() if named else Path.home() / ".cache" / "gpen-onnx"


def digest_of(files: Sequence[Path]) -> str:
    """The sha256 of a file; of several, that of all of theirs."""
    digests = [file_sha256(file) for file in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def cached_file(name: str, digest: str) -> Path:
    """Where the weights of a graph with this digest are, or would be. ``name``: the graph's, for people who look there."""
    stem = Path(name).stem[:80]
    kept = cache_folder()
    try:
        others = sorted(kept.glob(f"*-{digest}-{_READER}.safetensors"))
    except OSError:
        others = []
    return others[0] if others else kept / f"{stem}-{digest}-{_READER}.safetensors"


def keep(path: Path, config: GpenConfig, state: StateDict, metadata: dict[str, str]) -> bool:
    """Write the weights; → whether they could be. A cache that cannot be written to costs time only, so it is just said."""
    from ..save import write_generator

    try:
        write_generator(config, state, path, task="restoration", dtype=None, metadata=metadata)
    except (CheckpointError, OSError) as error:
        _log.warning("the weights of an ONNX file could not be kept, and will be read again next time: %s", error)
        return False
    prune(path)
    return True


def used(path: Path) -> None:
    """Note that a kept file was of use: those that were not for longest go first. One that cannot be noted is only older."""
    with suppress(OSError):
        os.utime(path)


def prune(newest: Path, most_bytes: int = MOST_BYTES) -> None:
    """Remove what was not used for longest, of this cache's own files in the folder of ``newest``, beyond ``most_bytes``.

    ``newest`` stays whatever its size.
    """
    with suppress(OSError):  # what cannot be listed or removed is another run's, or is tried next time
        kept = [(path, path.stat()) for path in newest.parent.iterdir() if _NAME.fullmatch(path.name)]
        total = 0
        for path, status in sorted(kept, key=lambda entry: (entry[0] != newest, -entry[1].st_mtime)):
            total += status.st_size
            if total > most_bytes and path != newest:
                path.unlink(missing_ok=True)
