"""The command line: restore, demo, sample, evaluate, benchmark, inspect, convert, export, download, doctor."""

from __future__ import annotations

import argparse
import io
import os
import platform
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from itertools import takewhile
from types import MappingProxyType
from typing import Any, NoReturn

from ..commands import gpen
from ..errors import DownloadError, GpenError, MissingWeightsError, visible

FAILED, INTERRUPTED = 1, 130
_HINTS = 3
_LISTS = (DownloadError, MissingWeightsError)  # whose lines are ours; a line break in another error is in a file's name
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
        options = _parser(given[:1]).parse_args(given)
        return int(options.run(options))
    except BrokenPipeError:
        sys.stderr.close()  # nobody reads our output any more
        return FAILED
    except (GpenError, OSError) as error:
        print(visible(f"error: {_reason(error)}", kept="\n" if isinstance(error, _LISTS) else ""), file=sys.stderr)
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
    """A parser whose errors are one line, as all others are, and which takes no beginning of an option for the whole.

    Args:
        options: As argparse's.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "allow_abbrev": False})
        self._unknown: list[str] = []
        self._files: list[str] = []

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """As argparse's; a command's own parser is asked in this way only, and names what is left over itself."""
        own = list(args or ())
        options = [text for text in takewhile(lambda text: text != "--", own) if text.startswith("-")]
        self._files = [text for text in options if os.path.isfile(text)]  # noqa: PTH113 - False, too, for what is no name
        written = (text.partition("=")[0] for text in options if text.startswith("--"))
        self._unknown = [name for name in written if name not in self._option_string_actions]
        found, left = super().parse_known_args(own, namespace)
        if left:
            self.error(f"unrecognized arguments: {' '.join(left)}")
        return found, left

    def error(self, message: str) -> NoReturn:
        """One line: what is wrong, the options whose names are like those that there are not, and where all are listed."""
        name = self.prog.removeprefix("python -m gpen_core").strip()
        advice = gpen(f"{name} --help".strip())
        self.exit(2, visible(f"error: {message}.{self._hints()} What there is: {advice}") + "\n")

    def _hints(self) -> str:
        hints = [f" For the file '{name}', write .{os.sep}{name}." for name in self._files]
        for name in self._unknown:
            longer = [option for option in self._option_string_actions if option.startswith(name)]
            near = dict.fromkeys([*longer, *get_close_matches(name, self._option_string_actions, _HINTS)])
            if near and name.strip("-"):
                hints.append(f" There is no {name}: did you mean {' or '.join([*near][:_HINTS])}?")
        return "".join(dict.fromkeys(hints))


class _Version(argparse.Action):
    """Says what runs here, in one line, importing torch only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        import torch

        from ..devices import device_names

        own = import_module("..", __package__).__version__
        system = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
        print(f"gpen {own}, torch {torch.__version__}, {', '.join(device_names())}, {system}")
        parser.exit()


def _parser(first: Sequence[str]) -> argparse.ArgumentParser:
    """The parser, with only the named command if there is one: restoring need not import what trains a network."""
    parser = _Parser(
        prog="python -m gpen_core", description="Restore blurred, noisy or compressed faces in images with GPEN."
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version, and with what it runs")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    named = [_COMMANDS[name] for name in first if name in _COMMANDS]
    for module in dict.fromkeys(named or _COMMANDS.values()):
        import_module(f".{module}", __name__).add_commands(commands)
    return parser
