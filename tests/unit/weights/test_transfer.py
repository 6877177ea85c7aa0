"""What a server can make us do is bounded: servers that answer wrongly, on purpose or not."""

import io
import threading
import time
import urllib.error
import urllib.request
from dataclasses import replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gpen_core.weights.connection import _Redirects
from gpen_core.weights.transfer import Limits, PartFile, Unavailable, fetch

CONTENT = bytes(range(256)) * 256  # 64 KiB
LIMITS = Limits(attempts=12, silence=5.0, first_wait=0.01, longest_wait=0.05, most_bytes=len(CONTENT))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.headers.get("Range"))
        self.server.answer(self, len(self.server.asked))

    def send(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(answer):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.answer, server.asked = answer, []
        server.handle_error = lambda *_: None  # a client that hangs up is what some tests are about
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/file", server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def bring(url, tmp_path, **limits):
    part = PartFile(tmp_path / "file.pth")
    fetch(url, part, lambda done, total: None, replace(LIMITS, **limits))
    return part.path.read_bytes()


def test_breaking_off_and_then_refusing_the_range_is_not_asked_for_ever(serve, tmp_path):
    def answer(handler, number):
        if handler.headers.get("Range"):
            handler.send(416)
        else:
            handler.send(200, CONTENT[:1000], Content_Length=len(CONTENT))

    url, server = serve(answer)
    with pytest.raises(Unavailable):
        bring(url, tmp_path)
    assert len(server.asked) <= LIMITS.attempts


@pytest.mark.parametrize("headers", [{}, {"ETag": "changing"}])
def test_what_has_to_be_fetched_again_and_again_is_nothing_new(serve, tmp_path, headers):
    def answer(handler, number):
        if handler.headers.get("Range") and not headers:
            handler.send(416, Content_Range="bytes */1")
        elif asked := handler.headers.get("Range"):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            place = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
            handler.send(206, b"", Content_Range=place, Content_Length=len(CONTENT) - start, ETag=f'"{number}"')
        else:
            handler.send(200, CONTENT[:1000], Content_Length=len(CONTENT), ETag=f'"{number}"')

    url, server = serve(answer)
    with pytest.raises(Unavailable):
        bring(url, tmp_path)
    assert len(server.asked) == 1 + LIMITS.idle < LIMITS.attempts


def test_a_length_that_is_no_number_is_said_in_one_line(serve, tmp_path):
    url, _ = serve(lambda handler, number: handler.send(200, CONTENT, Content_Length="many\tbytes"))
    with pytest.raises(Unavailable, match="'many bytes', which is no number") as caught:
        bring(url, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("headers", [{}, {"Content_Length": 10 * len(CONTENT)}], ids=["unsaid", "said"])
def test_more_bytes_than_expected_do_not_fill_the_disk(serve, tmp_path, headers):
    url, _ = serve(lambda handler, number: handler.send(200, CONTENT * 10, **headers))
    with pytest.raises(Unavailable, match=r"expected|arrived"):
        bring(url, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= len(CONTENT)


def test_bytes_that_trickle_count_as_a_broken_connection(serve, tmp_path):
    def answer(handler, number):
        handler.send(200, Content_Length=len(CONTENT))
        for _ in range(200):
            try:
                handler.wfile.write(b"x")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.02)

    url, _ = serve(answer)
    with pytest.raises(Unavailable, match="bytes arrived in"):
        bring(url, tmp_path, attempts=1, window=0.1)


@pytest.mark.parametrize("said", ["bytes 0-65535/65536", "bytes 7-65535/65536", ""])
def test_another_part_than_was_asked_for_is_never_joined(serve, tmp_path, said):
    def answer(handler, number):
        if handler.headers.get("Range"):
            handler.send(206, CONTENT, Content_Length=len(CONTENT), **({"Content_Range": said} if said else {}))
        else:
            handler.send(200, CONTENT[: 1000 if number == 1 else None], Content_Length=len(CONTENT))

    url, server = serve(answer)
    assert bring(url, tmp_path) == CONTENT
    assert server.asked == [None, "bytes=1000-", None]


@pytest.mark.parametrize("said", ["bytes 1000-1999/65536", "bytes 1000-1999/*"])
def test_a_server_that_sends_less_at_a_time_than_was_asked_for_is_asked_for_the_rest(serve, tmp_path, said):
    def answer(handler, number):
        start = int((handler.headers.get("Range") or "bytes=0-")[6:-1])
        if number == 1:
            handler.send(200, CONTENT[:1000], Content_Length=len(CONTENT))
        elif number == 2:
            handler.send(206, CONTENT[1000:2000], Content_Length=1000, Content_Range=said.replace("*", "65536"))
        else:
            whole = f"bytes {start}-65535/65536"
            handler.send(206, CONTENT[start:], Content_Length=len(CONTENT) - start, Content_Range=whole)

    url, server = serve(answer)
    assert bring(url, tmp_path) == CONTENT and server.asked == [None, "bytes=1000-", "bytes=2000-"]


def test_a_part_of_another_version_is_not_joined_though_the_server_joins_it(serve, tmp_path):
    def answer(handler, number):
        if number == 1:
            handler.send(200, bytes(1000), Content_Length=len(CONTENT), ETag='"old"')
        elif handler.headers.get("Range"):
            whole = "bytes 1000-65535/65536"
            handler.send(206, CONTENT[1000:], Content_Length=len(CONTENT) - 1000, Content_Range=whole, ETag='"new"')
        else:
            handler.send(200, CONTENT, Content_Length=len(CONTENT), ETag='"new"')

    url, _ = serve(answer)
    assert bring(url, tmp_path) == CONTENT


@pytest.mark.parametrize("tag", ['"a\x07b"', '"' + "x" * 999 + '"', 'W/"weak"', '"f\xfcr"', '"a"\r\n folded'])
def test_a_tag_that_cannot_be_sent_back_is_not(serve, tmp_path, tag):
    def answer(handler, number):
        assert handler.headers.get("If-Range") is None
        handler.send(200, CONTENT[: 1000 if number == 1 else None], Content_Length=len(CONTENT), ETag=tag)

    url, _ = serve(answer)
    assert bring(url, tmp_path) == CONTENT


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Length": "9" * 5000},
        {"Content_Length": "-5"},
        {"Content_Length": "0x10"},
        {"Content_Encoding": "gzip", "Content_Length": 65536},
        {"Content_Encoding": "br\x1b[31m"},
    ],
    ids=["endless", "negative", "hexadecimal", "gzip", "control characters"],
)
def test_headers_that_cannot_be_are_one_line(serve, tmp_path, headers):
    url, _ = serve(lambda handler, number: handler.send(200, CONTENT, **headers))
    with pytest.raises(Unavailable) as caught:
        bring(url, tmp_path)
    assert str(caught.value).isprintable() and len(str(caught.value)) <= 200


@pytest.mark.parametrize(
    "said", ["bytes " + "9" * 5000 + "-65535/65536", "bytes 1000-65535/" + "9" * 5000], ids=["start", "end"]
)
def test_a_range_that_no_file_has_is_not_believed(serve, tmp_path, said):
    def answer(handler, number):
        if handler.headers.get("Range"):
            handler.send(206, CONTENT[1000:], Content_Length=len(CONTENT) - 1000, Content_Range=said)
        else:
            handler.send(200, CONTENT[: 1000 if number == 1 else None], Content_Length=len(CONTENT))

    url, _ = serve(answer)
    assert bring(url, tmp_path) == CONTENT


@pytest.mark.parametrize(
    "address",
    [
        "/file",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "data:,x",
        "http://[::1",
        "http://" + "a" * 99 + "/",
        "//\xe4/",
        "http://x:99999/",
    ],
)
def test_a_redirection_to_nowhere_is_one_line(serve, tmp_path, address):
    url, server = serve(lambda handler, number: handler.send(302, Location=address, Content_Length=0))
    with pytest.raises(Unavailable) as caught:
        bring(url, tmp_path)
    assert str(caught.value).isprintable() and len(server.asked) <= 12 and not any(tmp_path.iterdir())


@pytest.mark.parametrize("headers", [{}, {"Content-Length": 1 << 40}, {"Transfer-Encoding": "chunked"}])
def test_what_comes_with_a_redirection_is_not_read(serve, tmp_path, headers):
    sent = []

    def answer(handler, number):
        if handler.path != "/file":
            handler.send(200, CONTENT, Content_Length=len(CONTENT))
            return
        handler.send(302, Location="/there", **headers)
        for _ in range(1000):  # 64 MB, if anybody listens
            handler.wfile.write(b"10000\r\n" + bytes(1 << 16) + b"\r\n")
            sent.append(1 << 16)

    url, _ = serve(answer)
    assert bring(url, tmp_path) == CONTENT and sum(sent) < 32 << 20


def test_an_encrypted_address_leads_to_no_other():
    request = urllib.request.Request("https://example.invalid/file")
    for address, allowed in (("http://example.invalid/", False), ("https://example.invalid/b", True)):
        try:
            made = _Redirects().redirect_request(request, io.BytesIO(), 302, "Found", Message(), address)
        except urllib.error.HTTPError as error:
            assert not allowed and "is not followed" in str(error)
        else:
            assert allowed and made.full_url == address


def test_a_redirection_is_followed(serve, tmp_path):
    def answer(handler, number):
        if number == 1:
            handler.send(307, Location="/other", Content_Length=0)
        else:
            handler.send(200, CONTENT, Content_Length=len(CONTENT))

    url, _ = serve(answer)
    assert bring(url, tmp_path) == CONTENT


def test_pieces_without_a_length_are_put_together(serve, tmp_path):
    def answer(handler, number):
        handler.protocol_version = "HTTP/1.1"
        handler.send(200, Transfer_Encoding="chunked")
        for start in range(0, len(CONTENT), 10_000):
            piece = CONTENT[start : start + 10_000]
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if number > 1:
            handler.wfile.write(b"0\r\n\r\n")
        handler.close_connection = True

    url, server = serve(answer)
    assert bring(url, tmp_path) == CONTENT and len(server.asked) == 2


TRICKLES = {
    "headers": lambda number: b"X-%d: y\r\n" % number,
    "a header": lambda number: b"x",
    "interim answers": lambda number: b"HTTP/1.1 100 Continue\r\n\r\n",
    "the length of a piece": lambda number: b"0",
}


@pytest.mark.parametrize("kind", TRICKLES)
def test_what_trickles_before_the_content_ends_too(serve, tmp_path, kind):
    def answer(handler, number):
        begin = b"HTTP/1.1 200 OK\r\n" if "header" in kind else b""
        if "length" in kind:
            begin = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        try:
            handler.wfile.write(begin)
            for count in range(400):
                handler.wfile.write(TRICKLES[kind](count % 50))
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass
        handler.close_connection = True

    url, _ = serve(answer)
    with pytest.raises(Unavailable):
        bring(url, tmp_path, attempts=1, patience=0.3)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_waited_for_as_long_as_it_asks_within_reason(serve, tmp_path, monkeypatch, status):
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)

    def answer(handler, number):
        if number == 1:
            handler.send(status, Retry_After=3)
        elif number == 2:
            handler.send(status, Retry_After=1_000_000)
        else:
            handler.send(200, CONTENT, Content_Length=len(CONTENT))

    url, _ = serve(answer)
    assert bring(url, tmp_path, longest_wait=60.0) == CONTENT
    assert [wait for wait in waits if wait] == [3.0, 60.0]


def test_a_reason_of_many_lines_is_one_line(serve, tmp_path):
    def answer(handler, number):
        handler.wfile.write(b"HTTP/1.1 404 not\x1b[31m here" + b" at all" * 100 + b"\r\nContent-Length: 0\r\n\r\n")

    url, _ = serve(answer)
    with pytest.raises(Unavailable, match=r"^HTTP 404 not") as caught:
        bring(url, tmp_path)
    assert str(caught.value).isprintable() and len(str(caught.value)) <= 200
