"""Commands in messages, for the Python that runs: "python" and "pip" may be another installation's, or none."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from importlib.util import find_spec


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


def install_facexlib() -> str:
    """What installs facexlib's networks, with what they need and nothing else.

    facexlib's own list asks for packages that its networks never load (filterpy, numba and llvmlite, 210 MB), and through
    them and new OpenCVs for NumPy 2, in the place of a host's NumPy 1.26. This OpenCV works with both.
    """
    others = {"cv2": "opencv-python-headless==4.11.0.86", "tqdm": "tqdm"}
    missing = [package for module, package in others.items() if find_spec(module) is None]
    return pip_install(" ".join(["--no-deps facexlib", *missing]))
