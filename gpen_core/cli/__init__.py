"""The command line: restore, demo, sample, evaluate, benchmark, inspect, convert, export, download, doctor."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from importlib import import_module
from types import MappingProxyType

from ..errors import GpenError

FAILED, INTERRUPTED = 1, 130
# In the order of the help text: each command, and the module that adds it.
_COMMANDS = MappingProxyType(
    {
        "restore": "restore", "demo": "demo", "sample": "sample", "train": "train", "evaluate": "evaluate",
        "benchmark": "benchmark", "degrade-sheet": "degrade", "inspect": "weights", "convert": "weights",
        "download": "weights", "export": "export", "doctor": "doctor",
    }
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 something failed, 2 wrong usage, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a pipe on Windows may have no '→', and a file's name may be no text
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser(given[:1]).parse_args(given)
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


def _parser(first: Sequence[str]) -> argparse.ArgumentParser:
    """Of the command that ``first`` names, else of all: restoring a picture need not import what trains a network."""
    parser = argparse.ArgumentParser(
        prog="python -m gpen_core", description="Restore blurred, noisy, compressed faces in pictures with GPEN."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    named = [_COMMANDS[name] for name in first if name in _COMMANDS]
    for module in dict.fromkeys(named or _COMMANDS.values()):
        import_module(f".{module}", __name__).add_commands(commands)
    return parser
