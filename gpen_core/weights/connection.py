"""One connection to a server that may answer anything: where it may lead, and how long it may take."""

from __future__ import annotations

import http.client
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from ..errors import one_line

_BLOCK = 1 << 18
_LONGEST_REASON = 200  # characters of what a server says


class NetworkError(Exception):
    """A connection that failed; another may do better."""


class Watch:
    """Ends a connection that brings nothing for too long.

    A socket's own time limit begins anew with each byte: a header or the length of a chunk that trickles would never end.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds, self.expired = seconds, False
        self._socket: socket.socket | None = None
        self._last = time.monotonic()
        self._ended = threading.Event()

    def over(self, connected: socket.socket) -> None:
        """The socket to be ended; another one after a redirection."""
        self._socket = connected
        self.seen()

    def seen(self) -> None:
        """Something has arrived."""
        self._last = time.monotonic()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Watch inside."""
        threading.Thread(target=self._watch, daemon=True).start()
        try:
            yield
        finally:
            self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(max(0.01, self._last + self.seconds - time.monotonic())):
            if self._socket is None:
                self.seen()  # connecting has a time limit of its own
            elif time.monotonic() - self._last >= self.seconds:
                self.expired = True
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
                return


@contextmanager
def connected(request: urllib.request.Request, silence: float, watch: Watch) -> Iterator[http.client.HTTPResponse]:
    """The answer to a request.

    Args:
        request: Of http or https.
        silence: Seconds without a byte that end it.
        watch: Ends it otherwise; ``seen`` is to be called as the content arrives.

    Raises:
        urllib.error.HTTPError: The server refuses.
        NetworkError: Anything else went wrong; one line.
    """
    with watch.running(), _answered(request, silence, watch) as response:
        watch.seen()
        yield response


def blocks(response: http.client.HTTPResponse, watch: Watch, slow: float, window: float) -> Iterator[bytes]:
    """What arrives, with the network's failures told apart from those of our own disk.

    Args:
        response: The answer.
        watch: Told of each block.
        slow: Bytes a second, as a mean over ``window``, below which the connection counts as broken.
        window: Seconds.
    """
    since, arrived = time.monotonic(), 0
    while True:
        with _named(watch):
            block = response.read1(_BLOCK)  # whatever is there: a full block would wait as long as bytes trickle
        watch.seen()
        if watch.expired:
            raise NetworkError(_expired(watch))
        if not block:
            return
        yield block
        arrived += len(block)
        seconds = time.monotonic() - since
        if seconds >= window:
            if arrived < slow * seconds:
                raise NetworkError(f"only {arrived:,} bytes arrived in {seconds:.0f} s")
            since, arrived = time.monotonic(), 0


def short(text: str) -> str:
    """What a server says, in one line."""
    return one_line(text, _LONGEST_REASON)


def _answered(request: urllib.request.Request, silence: float, watch: Watch) -> http.client.HTTPResponse:
    opener = urllib.request.build_opener(_Redirects, _handler(urllib.request.HTTPHandler, http.client.HTTPConnection, watch),
                                         _handler(urllib.request.HTTPSHandler, http.client.HTTPSConnection, watch))  # fmt: skip
    with _named(watch):
        response: http.client.HTTPResponse = opener.open(request, timeout=silence)
    return response


@contextmanager
def _named(watch: Watch) -> Iterator[None]:
    try:
        yield
    except urllib.error.HTTPError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: an address that is none
        raise NetworkError(_expired(watch) if watch.expired else _reason(error)) from error


def _reason(error: Exception) -> str:
    """In words, where Python's own are for programmers."""
    if isinstance(error, http.client.IncompleteRead):
        return "the connection broke"
    if isinstance(error, http.client.BadStatusLine) and not isinstance(error, http.client.RemoteDisconnected):
        return "what answers there is no web server"
    return short(str(getattr(error, "reason", error)) or type(error).__name__)


def _expired(watch: Watch) -> str:
    return f"the server sent nothing of use in {watch.seconds:.0f} s"


def _handler(base: type[Any], connection: type[Any], watch: Watch) -> Any:
    """urllib's handler of one scheme, whose connections are watched."""

    class Connection(connection):
        def connect(self) -> None:
            super().connect()
            watch.over(self.sock)

    class Handler(base):
        def do_open(self, http_class: Any, request: urllib.request.Request, **options: Any) -> Any:
            return super().do_open(Connection, request, **options)

    return Handler()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """To another web address, as urllib allows, but to no FTP server, and not from an encrypted one to one that is not."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        made = super().redirect_request(req, fp, code, msg, headers, newurl)
        allowed = ("https",) if req.type == "https" else ("http", "https")
        if made is not None and made.type not in allowed:
            raise urllib.error.HTTPError(newurl, code, f"leads to {newurl}, which is not followed", headers, fp)
        fp.close()  # urllib would read all that comes with the redirection, into memory and without end
        return made
