"""Entry point of ``python -m gpen_core``."""

import os
import sys


def run() -> int:
    """The command line; a missing package is named instead of a traceback, since then even ``doctor`` can't be asked."""
    try:
        from .cli import main
        from .cli.heap import keep_freed_memory
        from .cli.waiting import wait_briefly
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
