"""How large a picture may be: by what the user allows, and by what this machine can hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from ...errors import ImageError
from ...heap import return_freed_memory

MOST_MEGAPIXELS = 500
BYTES_A_PIXEL = 16  # of a job's peak, from file to file
_LARGE = 8_000_000  # pixels


def check_size(name: str, size: tuple[int, int], max_megapixels: float | None) -> None:
    """Refuse a picture before any memory is taken.

    Args:
        name: Of the file.
        size: (width, height).
        max_megapixels: The most that the user allows; None for no limit.

    Raises:
        ImageError: It is too large, by the limit or by this machine's free memory.
    """
    width, height = size
    pixels = width * height
    if max_megapixels is not None and pixels > max_megapixels * 1e6:
        raise ImageError(
            f"{name}: {width}×{height} pixels are more than the limit of {max_megapixels:g} megapixels. "
            "If you trust this file, raise it with --max-input-megapixels."
        )
    free = free_memory()
    if free is not None and pixels * BYTES_A_PIXEL > free:
        raise ImageError(
            f"{name}: {width}×{height} pixels need about {pixels * BYTES_A_PIXEL / 2**30:.1f} GiB of memory, and "
            f"{free / 2**30:.1f} GiB are free. Close other programs, or restore a smaller copy."
        )


def is_large(numbers: Tensor) -> bool:
    """Whether memory is what a picture [C, H, W] needs most."""
    return numbers.shape[1] * numbers.shape[2] > _LARGE


def make_room(numbers: Tensor) -> None:
    """What a large picture [C, H, W] left in the heap goes back: buffers of another size would not fit into such gaps."""
    if is_large(numbers):
        return_freed_memory()


def free_memory() -> int | None:
    """Bytes that this process can still take, as far as the system says; None where it doesn't."""
    return min((value for value in (*_of_machine(), *_of_group(), *_of_process()) if value is not None), default=None)


def _of_machine() -> Iterator[int]:
    found = _lines("/proc/meminfo").get("MemAvailable")
    if found is not None:
        yield found
        return
    try:
        import psutil
    except ImportError:
        return
    yield int(psutil.virtual_memory().available)


def _of_group() -> Iterator[int]:
    """A container's limit."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            root = Path("/sys/fs/cgroup")
            spare = _cached((root / used).with_name("memory.stat"))
            yield max(0, int((root / limit).read_text()) - int((root / used).read_text()) + spare)
        except (OSError, ValueError):  # no such group, or "max"
            continue


def _cached(path: Path) -> int:
    """Bytes of files that the system keeps in a group's memory only as long as nobody needs it."""
    lines = dict(line.split() for line in path.read_text().splitlines() if len(line.split()) == 2)
    return int(lines.get("total_inactive_file", lines.get("inactive_file", 0)))


def _of_process() -> Iterator[int]:
    """What ``ulimit -v`` leaves."""
    try:
        import resource
    except ImportError:  # Windows has none
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    used = _lines("/proc/self/status").get("VmSize")
    if limit != resource.RLIM_INFINITY and used is not None:
        yield max(0, limit - used)


def _lines(path: str) -> dict[str, int]:
    """The sizes that a file of the system lists in kB, in bytes."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return {}
    found = (line.split() for line in lines if line.endswith(" kB"))
    return {words[0].rstrip(":"): int(words[1]) << 10 for words in found if len(words) == 3 and words[1].isdecimal()}
