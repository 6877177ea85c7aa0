"""The command line: restore, demo, sample, evaluate, benchmark, inspect, convert, export, download, doctor."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence

from ..errors import GpenError
from . import benchmark, degrade, demo, doctor, evaluate, export, restore, sample, train, weights

FAILED, INTERRUPTED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 something failed, 2 wrong usage, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a pipe on Windows may have no '→', and a file's name may be no text
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone: no use in saying more
        return FAILED
    except (GpenError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("interrupted; files already written are whole", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gpen_core", description="Restore blurred, noisy, compressed faces in pictures with GPEN."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (restore, demo, sample, train, evaluate, benchmark, degrade, weights, export, doctor):
        module.add_commands(commands)
    return parser
