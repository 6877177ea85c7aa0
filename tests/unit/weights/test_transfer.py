"""What a server can make us do is bounded: servers that answer wrongly, on purpose or not."""

import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

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
