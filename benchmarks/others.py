"""Other programs that want the processor, for scripts that measure beside them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

# It ends with whoever started it, however that ends.
SPIN = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    for _ in range(1_000_000): pass"


@contextmanager
def spinning(count: int) -> Iterator[None]:
    """So many processes that take all the time they can get."""
    with ExitStack() as stack:
        for _ in range(count):
            process = subprocess.Popen([sys.executable, "-c", SPIN])  # noqa: S603 - our own interpreter and code
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield
