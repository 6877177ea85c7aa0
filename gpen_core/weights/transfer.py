"""Bring the bytes of one address into a part file, over as many connections as bring something new, and no more."""

from __future__ import annotations

import getpass
import glob
import hashlib
import http.client
import json
import os
import platform
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .connection import NetworkError, Watch, blocks, connected, short

Progress = Callable[[int, "int | None"], None]  # bytes done, bytes in all if known
_RANGE = re.compile(r"bytes (\d{1,15})-\d{1,15}/(?:(\d{1,15})|\*)")
_LONGEST_NUMBER = 15  # digits of a length
_TAG = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,199}")  # what may be sent back in a header
_TOO_MANY_REQUESTS = 429
_RANGE_NOT_SATISFIABLE = 416
_LEFT = 3600  # s: whoever writes to a part file does so all the time


@dataclass(frozen=True)
class Limits:
    """What a server can make us do.

    Attributes:
        idle: Connections in a row that bring nothing new.
        attempts: Connections in all.
        most_bytes: Of the file. A server that says or sends more is not believed.
        silence: Seconds without a byte.
        slow: Bytes a second, as a mean over ``window`` seconds, below which a connection counts as broken.
        window: Seconds.
        patience: Seconds without anything of use: a header, or the length of a block, may trickle.
        first_wait: Seconds after a first refusal by a server that is busy (429, 5xx); twice as long after each further one.
        longest_wait: Seconds, even where the server asks for more.
    """

    idle: int = 4
    attempts: int = 40
    most_bytes: int = 4 << 30
    silence: float = 30.0
    slow: float = 1024.0
    window: float = 30.0
    patience: float = 60.0
    first_wait: float = 1.0
    longest_wait: float = 60.0


class Unavailable(Exception):
    """This address doesn't give the file; what has arrived so far is kept."""


@dataclass(frozen=True)
class PartFile:
    """A file on its way, beside where it will be: its bytes so far, and where they came from.

    It is continued only from the same version of the same address, and by the same user of the same machine: others who
    share the folder have files of their own.
    """

    target: Path

    @property
    def path(self) -> Path:
        """The bytes so far."""
        whose = hashlib.sha256(f"{current_user()}@{platform.node()}".encode()).hexdigest()[:8]
        return self.target.with_name(f"{self.target.name}.{whose}.part")

    @property
    def origin(self) -> Path:
        """Says where they came from."""
        return self.path.with_name(self.path.name + ".json")

    @property
    def url(self) -> str | None:
        """The address they came from, if that is known."""
        return self._origin()[0]

    @property
    def tag(self) -> str | None:
        """The version there, if the server named one."""
        return self._origin()[1]

    def arrived_from(self, url: str) -> int:
        """How many bytes can be continued from. What came from elsewhere is kept until this address really answers."""
        return self.path.stat().st_size if self.url == url and self.path.exists() else 0

    def came_from(self, url: str, tag: str | None) -> None:
        """Remember where the bytes come from."""
        usable = tag if tag is not None and _TAG.fullmatch(tag) and not tag.startswith("W/") else None
        self.origin.write_text(json.dumps({"url": url, "tag": usable}))

    def discard(self) -> None:
        """Forget everything."""
        self.path.unlink(missing_ok=True)
        self.origin.unlink(missing_ok=True)

    def discard_others(self) -> None:
        """Remove what others have left of this file, where nobody writes to it: it is of no use once the whole is there."""
        for left in self.target.parent.glob(f"{glob.escape(self.target.name)}.*.part*"):
            with suppress(OSError):  # theirs, and not to be removed by us
                if self._is_part(left.name) and time.time() - left.stat().st_mtime > _LEFT:
                    left.unlink()

    def _is_part(self, name: str) -> bool:
        """Whether a file of this name is one like ours, whoever's: the person's own may be called almost like that."""
        return re.fullmatch(re.escape(self.target.name) + r"\.[0-9a-f]{8}\.part(\.json)?", name) is not None

    def _origin(self) -> tuple[str | None, str | None]:
        try:
            content = json.loads(self.origin.read_text())
            tag = content["tag"]
            return str(content["url"]), tag if isinstance(tag, str) and _TAG.fullmatch(tag) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None, None


def fetch(url: str, part: PartFile, progress: Progress, limits: Limits = Limits()) -> None:
    """Bring the whole of ``url`` into the part file. Raises Unavailable."""
    idle, size, reason = 0, part.arrived_from(url), ""
    most = size
    for _ in range(limits.attempts):
        wait = 0.0
        try:
            if _transfer(url, part, size, progress, limits):
                return
            reason = "the connection broke"
        except urllib.error.HTTPError as error:
            if _is_complete(error, size):
                return  # it broke off at the very end
            reason, wait = f"HTTP {error.code}", _wait_after(error, idle, limits)
            if error.code == _RANGE_NOT_SATISFIABLE and size:
                part.discard()  # what we have is longer than the file there: it has changed
            elif not _is_busy(error.code):
                raise Unavailable(short(f"HTTP {error.code} {error.reason}")) from error
        except NetworkError as error:
            reason = str(error)
        size = part.arrived_from(url)
        idle = 0 if size > most else idle + 1  # what has to be fetched once more is nothing new
        most = max(most, size)
        if idle >= limits.idle:
            break
        time.sleep(wait)
    kept = f"; {size:,} bytes have arrived and are kept for the next try" if size else ""
    raise Unavailable(f"{reason}{kept}")


def current_user() -> str:
    """Whose files are kept apart from others' in a shared folder: a number, a name where there are none, else ""."""
    if hasattr(os, "getuid"):
        return str(os.getuid())
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # a service without a name
        return ""


def _is_complete(error: urllib.error.HTTPError, size: int) -> bool:
    """Whether the server says that nothing is missing from ``size`` bytes."""
    return bool(
        size and error.code == _RANGE_NOT_SATISFIABLE and error.headers.get("Content-Range") == f"bytes */{size}"
    )


def _is_busy(code: int) -> bool:
    return code == _TOO_MANY_REQUESTS or code >= http.client.INTERNAL_SERVER_ERROR


def _wait_after(error: urllib.error.HTTPError, idle: int, limits: Limits) -> float:
    """As long as the server asks for, or twice as long each time."""
    if not _is_busy(error.code):
        return 0.0
    asked = error.headers.get("Retry-After", "")
    seconds = float(asked) if asked.isdecimal() else limits.first_wait * 2**idle
    return min(seconds, limits.longest_wait)


def _transfer(url: str, part: PartFile, have: int, progress: Progress, limits: Limits) -> bool:
    """One connection. True when the whole file has arrived."""
    request = urllib.request.Request(url, headers={"User-Agent": "gpen_core"})
    if have:
        request.add_header("Range", f"bytes={have}-")
        if tag := part.tag:
            request.add_header("If-Range", tag)
    watch = Watch(limits.patience)
    with connected(request, limits.silence, watch) as response:
        have, total = _extent(response, have, part)
        if total is not None and total > limits.most_bytes:
            raise Unavailable(f"the file there has {total:,} bytes; at most {limits.most_bytes:,} were expected")
        part.came_from(url, _tag_of(response))
        with part.path.open("ab" if have else "wb") as file:
            for block in blocks(response, watch, limits.slow, limits.window):
                have += len(block)
                if have > limits.most_bytes:
                    part.discard()
                    raise Unavailable(f"more than {limits.most_bytes:,} bytes arrived: this is another file")
                file.write(block)
                progress(have, total)
    return total is None or have >= total


def _extent(response: http.client.HTTPResponse, have: int, part: PartFile) -> tuple[int, int | None]:
    """From which byte on the answer is, ``have`` or 0, and how many the file has, if that is said."""
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() not in ("identity", ""):
        raise Unavailable(short(f"the server sends it packed ('{encoding}'), which it was not asked for"))
    length = _length(response)
    if response.status != http.client.PARTIAL_CONTENT:
        return 0, length
    found = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    if found is None or int(found[1]) != have:
        part.discard()
        raise NetworkError("the server answered with another part of the file than was asked for")
    if have and part.tag and _tag_of(response) not in (None, part.tag):
        part.discard()
        raise NetworkError("the file has changed on the server")
    whole = int(found[2]) if found[2] else None  # a server may send less at a time than was asked for
    return have, whole if whole is not None else None if length is None else have + length


def _tag_of(response: http.client.HTTPResponse) -> str | None:
    return response.headers.get("ETag") or response.headers.get("Last-Modified")


def _length(response: http.client.HTTPResponse) -> int | None:
    text = response.headers.get("Content-Length")
    if text is None:
        return None
    if not text.strip().isdecimal() or len(text) > _LONGEST_NUMBER:
        raise Unavailable(short(f"the server gives the length '{text:.40}', which is no number"))
    return int(text)
