"""The command line: restore, demo, sample, evaluate, benchmark, inspect, convert, export, download, doctor."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from importlib import import_module
from types import MappingProxyType
from typing import NoReturn

from ..commands import gpen
from ..errors import GpenError, visible

FAILED, INTERRUPTED = 1, 130
_LONGEST_NAME = 300  # characters of a file's that nothing can be done with
# Command → the module that adds it, in the order of the help text.
_COMMANDS = MappingProxyType(
    {
        "restore": "restore", "demo": "demo", "sample": "sample", "train": "train", "train-quality": "quality",
        "evaluate": "evaluate", "benchmark": "benchmark", "degrade-sheet": "degrade", "inspect": "weights",
        "convert": "weights", "download": "weights", "export": "export", "doctor": "doctor",
    }
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command line without the program's name. None takes ``sys.argv``.

    Returns:
        The exit status: 0 success, 1 something failed, 130 interrupted. (argparse exits with 2 for wrong usage.)
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # Windows pipes may not encode '→', and file names may not be valid text
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options, left = _parser(given[:1]).parse_known_args(given)
        if left:
            _Parser(prog=f"python -m gpen_core {given[0]}").error(f"unrecognized arguments: {' '.join(left)}")
        return int(options.run(options))
    except BrokenPipeError:
        sys.stderr.close()  # nobody reads our output any more
        return FAILED
    except (GpenError, OSError) as error:
        print(visible(f"error: {_reason(error)}", kept="\n"), file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("interrupted; files already written are complete", file=sys.stderr)
        return INTERRUPTED


def _reason(error: Exception) -> str:
    """An error in words; the system's without its number."""
    if isinstance(error, OSError) and error.strerror:
        named = f"{error.filename!s:.{_LONGEST_NAME}}: " if error.filename is not None else ""
        return f"{named}{error.strerror}"
    return str(error)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as all others are."""

    def error(self, message: str) -> NoReturn:
        name = self.prog.removeprefix("python -m gpen_core").strip()
        advice = gpen(f"{name} --help".strip())
        self.exit(2, f"error: {message}. What there is: {advice}\n")


def _parser(first: Sequence[str]) -> argparse.ArgumentParser:
    """The parser, with only the named command if there is one: restoring need not import what trains a network."""
    parser = _Parser(
        prog="python -m gpen_core", description="Restore blurred, noisy or compressed faces in images with GPEN."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    named = [_COMMANDS[name] for name in first if name in _COMMANDS]
    for module in dict.fromkeys(named or _COMMANDS.values()):
        import_module(f".{module}", __name__).add_commands(commands)
    return parser
