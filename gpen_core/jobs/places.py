"""Where files lie: paths of this machine, and addresses such as s3://bucket/archive/1931.jpg, which fsspec reaches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..commands import pip_install
from ..errors import GpenError, OptionError, one_line

Result = TypeVar("Result")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/{1,2}")


class Address(PurePosixPath):
    """An address, with the names that ``Path`` has: ``s3://bucket/a.jpg`` is kept as the parts "s3:", "bucket", "a.jpg".

    Without a host, as in ``hdfs:///a.jpg``, the first part is "hdfs:|".
    """

    __slots__ = ()

    def __str__(self) -> str:
        text = super().__str__()
        return text.replace(":|/", ":///", 1) if ":|/" in text else text.replace(":/", "://", 1)

    @property
    def system(self) -> Any:
        """The fsspec file system that it belongs to."""
        return _system(self.parts[0].rstrip(":|"))

    @property
    def key(self) -> str:
        """Its name within ``system``."""
        return str(self.system._strip_protocol(str(self)))

    def ask(self, call: Callable[[Any, str], Result]) -> Result:
        """``call(system, key)``; what the store's own packages raise, such as that there are no credentials, is an OSError."""
        try:
            return call(self.system, self.key)
        except (GpenError, OSError):
            raise
        except Exception as error:  # each store has errors of its own
            raise OSError(f"{self}: {one_line(str(error) or type(error).__name__)}") from error

    def exists(self) -> bool:
        """Whether there is a file or folder of this name."""
        return bool(self.ask(lambda system, key: system.exists(key)))

    def is_file(self) -> bool:
        """Whether it is a file."""
        return bool(self.ask(lambda system, key: system.isfile(key)))

    def is_dir(self) -> bool:
        """Whether it is a folder; of an object store, whether there is anything below it."""
        return bool(self.ask(lambda system, key: system.isdir(key)))

    def files(self, *, recursive: bool) -> Iterator[PurePosixPath]:
        """The files below it, as paths relative to it: a listing, not a question for each."""
        found = self.ask(lambda system, key: system.find(key, maxdepth=None if recursive else 1))
        start = len(self.key.rstrip("/")) + 1
        return (PurePosixPath(name[start:]) for name in found)


def place(text: str) -> Path:
    """A path, or an ``Address`` (which has the methods of a path that are used here). Raises OptionError."""
    if not is_address(text):
        return Path(text)
    if text.startswith("file:"):
        return Path(url2pathname(urlsplit(text).path))
    address = Address(text.replace(":///", ":|/", 1))
    _ = address.system  # an unknown one is said now
    return cast(Path, address)


def is_address(text: str) -> bool:
    """Whether it names its scheme, as s3://… does. A single letter is a drive of Windows."""
    return "://" in text and _SCHEME.match(text) is not None


def is_remote(path: PurePath) -> bool:
    """Whether a place is an address, and not a path of this machine."""
    return isinstance(path, Address)


def text_of(path: PurePath) -> str:
    """A place as valid text, which the name of a file need not be."""
    return valid(str(path))


def valid(text: str) -> str:
    """Text that UTF-8 can hold: what it cannot is written as a number after a backslash."""
    return text.encode("utf-8", "backslashreplace").decode()


def _system(scheme: str) -> Any:
    try:
        import fsspec
    except ImportError as error:
        raise OptionError(f"{scheme}:// addresses need the Python package fsspec: {pip_install('fsspec')}") from error
    try:
        return fsspec.filesystem(scheme)  # fsspec keeps one of each
    except ImportError as error:
        raise OptionError(f"{scheme}:// addresses: {one_line(str(error))}: {pip_install(_package(scheme))}") from error
    except ValueError as error:
        raise OptionError(f"{scheme}:// is no kind of address that fsspec knows ({error})") from error
    except Exception as error:  # some stores look for credentials at once, and have errors of their own
        raise OptionError(
            f"{scheme}:// addresses cannot be used: {one_line(str(error) or type(error).__name__)}"
        ) from error


def _package(scheme: str) -> str:
    """Which package reaches it."""
    return {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}.get(
        scheme, f"'fsspec[{scheme}]'"
    )
