"""A Python that has imported torch and forks for each piece of code it is handed: a new one takes seconds to get there.

Run as a program: reads one request a line (JSON: code, arguments, folder, out, err), and writes one exit status a line.
"""

import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path


class Forks:
    """Runs code as ``python -c`` does, each piece in a process of its own."""

    def __init__(self):
        self._parent = None

    def run(self, code, *arguments, folder):
        """Run code in ``folder`` → its exit status (minus the signal that ended it), stdout and stderr."""
        command = [sys.executable, "-c", code, *map(str, arguments)]
        if not sys.platform.startswith("linux"):
            return subprocess.run(command, capture_output=True, text=True, cwd=folder)
        if self._parent is None:
            self._parent = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder
            )
        with tempfile.TemporaryDirectory() as kept:
            out, err = Path(kept) / "out", Path(kept) / "err"
            request = {"code": code, "arguments": command[3:], "folder": str(folder), "out": str(out), "err": str(err)}
            print(json.dumps(request), file=self._parent.stdin, flush=True)
            status = int(self._parent.stdout.readline())
            return subprocess.CompletedProcess(command, status, out.read_text(), err.read_text())

    def close(self):
        """End the process that forks."""
        if self._parent is not None:
            self._parent.communicate()


def serve():
    """Answer requests until there are no more."""
    import numpy  # noqa: F401
    import PIL.Image  # noqa: F401
    import torch  # noqa: F401

    sys.path[0] = ""  # as of python -c: the folder it is in
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _become(**json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers, flush=True)


def _become(code, arguments, folder, out, err):
    """A process that runs the code, and ends."""
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(folder)
    sys.argv = ["-c", *arguments]
    status = 0
    try:
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - the tests' own
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if not isinstance(ended.code, int | None):
            print(ended.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    serve()
