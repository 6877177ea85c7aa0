"""Entry point of ``python -m gpen_core``."""

import os
import sys

_INTERRUPTED = 130


def _open_streams() -> None:
    """What is started without a terminal may lack its three streams: then files would be taken for them, and nothing said."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - for as long as this runs


def run() -> int:
    """The command line. Ctrl-C ends it in one line at any time, also while the first seconds' imports are under way."""
    try:
        return _run()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED


def _run() -> int:
    """A missing package is named instead of a traceback, since then even ``doctor`` can't be asked."""
    _open_streams()
    try:
        from .cli import main
        from .cli.waiting import wait_briefly
        from .heap import keep_freed_memory
    except ModuleNotFoundError as error:
        from .commands import pip_install

        advice = pip_install("-r requirements.txt tqdm")  # which only the command line needs
        print(f"error: the Python package '{error.name}' is missing: {advice}", file=sys.stderr)
        return 1
    wait_briefly(os.environ)
    keep_freed_memory()
    return main()


if __name__ == "__main__":
    sys.exit(run())
