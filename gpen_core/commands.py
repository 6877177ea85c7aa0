"""Commands in messages, for the Python that runs: "python" and "pip" may be another installation's, or none."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys


def python(arguments: str) -> str:
    """A command line that runs this Python."""
    path = sys.executable or "python"
    return f"{subprocess.list2cmdline([path]) if os.name == 'nt' else shlex.quote(path)} {arguments}"


def gpen(arguments: str) -> str:
    """A command of this package."""
    return python(f"-m gpen_core {arguments}")


def pip_install(packages: str) -> str:
    """What installs packages, and options for that."""
    return python(f"-m pip install {packages}")
