"""Downloads from a real HTTP server on this machine: resumed, verified, whole."""

import hashlib
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from gpen_core.checkpoints.verify import verify
from gpen_core.errors import DownloadError
from gpen_core.model import Gpen, GpenConfig
from gpen_core.weights.catalog import WeightFile
from gpen_core.weights.download import _lock, download, recorded_sha256, verify_file
from gpen_core.weights.transfer import PartFile

CONTENT = bytes(range(256)) * 4096  # 1 MiB


class Server(ThreadingHTTPServer):
    """Serves ``content`` at any path; breaks connections after ``break_after`` bytes as often as ``breaks`` says."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.etag, self.breaks, self.break_after = CONTENT, '"v1"', 0, 300_000
        self.ranges, self.honour_ranges, self.missing = [], True, ()
        self.stuck_at = None  # no connection brings more than so many bytes of the file

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/file"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range")
        server.ranges.append(wanted)
        if self.path in server.missing:
            self.send_error(404)
            return
        start = 0
        fresh = self.headers.get("If-Range") in (None, server.etag)
        if wanted and server.honour_ranges and fresh:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(server.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(server.content)}")
                self.end_headers()
                return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", server.etag)
        self.end_headers()
        if server.breaks:
            server.breaks -= 1
            body = body[: server.break_after if server.stuck_at is None else max(0, server.stuck_at - start)]
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture(autouse=True)
def locks_of_our_own(tmp_path_factory, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("locks")))


@pytest.fixture
def server():
    with Server() as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


def part_of(folder):
    return PartFile(folder / "thing.pth").path


def entry(*urls, sha256=hashlib.sha256(CONTENT).hexdigest(), kind="detector", size=None):
    return WeightFile("thing", "thing.pth", urls, None, sha256, "MIT", kind, size=size)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_download_lands_whole_and_reports_progress(server, tmp_path):
    seen = []
    path = download(entry(server.url), tmp_path / "new", lambda done, total: seen.append((done, total)), verify=verify)
    assert path.read_bytes() == CONTENT and names(tmp_path / "new") == ["thing.pth"]
    assert seen[-1] == (len(CONTENT), len(CONTENT)) and seen == sorted(seen)


def test_a_broken_connection_is_taken_up_where_it_broke(server, tmp_path):
    server.breaks = 3
    assert download(entry(server.url), tmp_path, verify=verify).read_bytes() == CONTENT
    assert server.ranges[0] is None and server.ranges[1:4] == ["bytes=300000-", "bytes=600000-", "bytes=900000-"]


def test_an_interrupted_download_goes_on_next_time(server, tmp_path):
    def stop(done, total):
        if done > 500_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(entry(server.url), tmp_path, stop, verify=verify)
    assert "thing.pth" not in names(tmp_path) and part_of(tmp_path).exists()
    assert download(entry(server.url), tmp_path, verify=verify).read_bytes() == CONTENT
    assert server.ranges[1] is not None and names(tmp_path) == ["thing.pth"]


def test_a_download_interrupted_at_its_very_end_is_not_fetched_again(server, tmp_path, monkeypatch):
    def interrupted(entry, path, verify):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(sys.modules["gpen_core.weights.download"], "verify_file", interrupted)
        download(entry(server.url), tmp_path, verify=verify)
    assert download(entry(server.url), tmp_path, verify=verify).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={len(CONTENT)}-"]


def test_two_downloads_of_one_file_do_not_mix(server, tmp_path):
    def second(done, total):
        with pytest.raises(DownloadError, match="being downloaded by another program"):
            download(entry(server.url), tmp_path, verify=verify)

    assert download(entry(server.url), tmp_path, second, verify=verify).read_bytes() == CONTENT
    assert len(server.ranges) == 1


@pytest.mark.parametrize("faster", [300_000, 900_000])
def test_two_machines_that_share_a_folder_do_not_mix(server, tmp_path, monkeypatch, faster):
    """Their locks are not shared: each has a part of its own, and whoever is second takes what the first put there."""
    wanted, again = entry(server.url), []

    def second(done, total):
        if done < faster or again:
            return
        again.append(done)
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr("platform.node", lambda: "elsewhere")
            elsewhere.setattr(tempfile, "tempdir", str(tmp_path))
            assert download(wanted, tmp_path / "shared", verify=verify).read_bytes() == CONTENT

    first = download(wanted, tmp_path / "shared", second, verify=verify)
    assert first.read_bytes() == CONTENT and names(tmp_path / "shared") == ["thing.pth"] and again


@pytest.fixture
def open_to_all():
    """pytest's own folders are for one user alone."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/tmp")) as folder:  # noqa: S108
        yield Path(folder)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only the superuser can become two others")
def test_two_users_who_download_into_one_folder_at_once_both_end_well(server, open_to_all, repo_root):
    code = """
import encodings.idna, os, sys  # all that is imported later: Python may lie where others cannot read it
from gpen_core.weights.catalog import WeightFile
from gpen_core.weights.download import download
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[1]))
entry = WeightFile("thing", "thing.pth", (sys.argv[3],), None, sys.argv[4], "MIT", "detector")
download(entry, sys.argv[2], verify=None)
"""
    shared, locks = open_to_all / "shared", open_to_all / "locks"
    for folder in (open_to_all, shared, locks):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
    (shared / "thing.pth.0a0a0a0a.part").write_bytes(b"of a third one, long ago")
    os.utime(shared / "thing.pth.0a0a0a0a.part", (1, 1))
    arguments = [str(shared), server.url, hashlib.sha256(CONTENT).hexdigest()]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(user), *arguments], cwd=repo_root, env=os.environ | {"TMPDIR": str(locks)},
            stderr=subprocess.PIPE, text=True,
        )
        for user in (54321, 54322)
    ]  # fmt: skip
    said = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    assert (shared / "thing.pth").read_bytes() == CONTENT and names(shared) == ["thing.pth"]


def test_what_is_left_on_the_way_goes_once_the_file_is_there_and_nothing_else_does(server, tmp_path):
    own, others = part_of(tmp_path), ("0a0a0a0a.part", "0a0a0a0a.part.json")
    kept = ("001.part", "backup.partial", "0a0a0a0a.part.txt", "0A0A0A0A.part", "copy.0a0a0a0a.part")
    for _ in range(2):  # downloaded, then there already
        for left in (own, PartFile(tmp_path / "thing.pth").origin):
            left.write_bytes(b"")
        for name in (*others, *kept):
            (tmp_path / f"thing.pth.{name}").write_bytes(b"")
            os.utime(tmp_path / f"thing.pth.{name}", (1, 1))
        (tmp_path / "thing.pth.0b0b0b0b.part").write_bytes(b"on its way")
        download(entry(server.url), tmp_path, verify=verify)
        expected = ["thing.pth", "thing.pth.0b0b0b0b.part", *(f"thing.pth.{name}" for name in kept)]
        assert names(tmp_path) == sorted(expected)


def test_two_users_of_a_system_without_numbers_for_them_have_files_of_their_own(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "getuid", raising=False)
    found = set()
    for name in ("one", "other", "one"):
        monkeypatch.setenv("LOGNAME", name)
        found.add((part_of(tmp_path), _lock(tmp_path / "thing.pth")))
    assert len({part for part, _ in found}) == len({lock for _, lock in found}) == 2


def test_a_folder_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match="could not be written"):
        download(entry(server.url), tmp_path / "file" / "models", verify=verify)


def test_a_file_that_changed_meanwhile_is_fetched_anew(server, tmp_path):
    server.breaks, server.break_after = 1, 400_000
    real = CONTENT[::-1]

    def swap(done, total):
        server.content, server.etag = real, '"v2"'

    wanted = entry(server.url, sha256=hashlib.sha256(real).hexdigest())
    assert download(wanted, tmp_path, swap, verify=verify).read_bytes() == real


def test_a_server_without_ranges_starts_over(server, tmp_path):
    server.honour_ranges, server.breaks = False, 1
    assert download(entry(server.url), tmp_path, verify=verify).read_bytes() == CONTENT


def test_a_part_from_the_second_address_is_continued_there(server, tmp_path):
    """The first is dead, the second was interrupted: next time nothing is fetched twice."""
    server.missing = ("/file",)
    addresses = entry(server.url, server.url + "2")

    def stop(done, total):
        if done > 500_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(addresses, tmp_path, stop, verify=verify)
    have = part_of(tmp_path).stat().st_size
    server.ranges.clear()
    assert download(addresses, tmp_path, verify=verify).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={have}-"]


def test_a_part_outlives_an_address_that_does_not_answer(server, tmp_path):
    server.breaks, server.stuck_at = 99, 200_000
    with pytest.raises(DownloadError, match="200,000 bytes have arrived and are kept"):
        download(entry(server.url, "http://127.0.0.1:9/x"), tmp_path, verify=verify)
    assert part_of(tmp_path).stat().st_size == 200_000


def test_the_next_address_is_tried(server, tmp_path):
    server.missing = ("/file",)
    assert download(entry(server.url, server.url + "2"), tmp_path, verify=verify).read_bytes() == CONTENT


def test_a_wrong_sum_leaves_nothing_behind(server, tmp_path):
    with pytest.raises(
        DownloadError, match=r"what arrived is another file: its 1,048,576 bytes have sha256 .* not 0000"
    ):
        download(entry(server.url, sha256="0" * 64), tmp_path, verify=verify)
    assert names(tmp_path) == []


def test_a_dead_address_is_named(tmp_path):
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:9/x"):
        download(entry("http://127.0.0.1:9/x"), tmp_path, verify=verify)


def test_a_server_that_keeps_breaking_ends_in_an_error_and_keeps_what_came(server, tmp_path):
    server.breaks, server.stuck_at = 99, 1000
    with pytest.raises(DownloadError, match="1,000 bytes have arrived and are kept for the next try"):
        download(entry(server.url), tmp_path, verify=verify)
    assert part_of(tmp_path).read_bytes() == CONTENT[:1000]


def test_a_present_file_is_verified_not_fetched(server, tmp_path):
    (tmp_path / "thing.pth").write_bytes(CONTENT)
    download(entry(server.url), tmp_path, verify=verify)
    assert server.ranges == []
    (tmp_path / "thing.pth").write_bytes(b"other")
    with pytest.raises(DownloadError, match="Delete it"):
        download(entry(server.url), tmp_path, verify=verify)
    assert (tmp_path / "thing.pth").read_bytes() == b"other"


def test_a_model_of_unknown_sum_must_be_what_it_should_be_and_its_sum_is_recorded(server, tmp_path):
    torch.manual_seed(0)
    torch.save(Gpen(GpenConfig(16, 16, (4, 4, 4), 8, 1)).state_dict(), tmp_path / "source")
    server.content = (tmp_path / "source").read_bytes()
    with pytest.raises(DownloadError, match="16 px model, not the 2048 px one"):
        download(entry(server.url, sha256=None, kind="gpen", size=2048), tmp_path / "a", verify=verify)
    right = entry(server.url, sha256=None, kind="gpen", size=16)
    path = download(right, tmp_path / "b", verify=verify)
    assert recorded_sha256(path) == hashlib.sha256(server.content).hexdigest()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DownloadError, match="sha256"):
        verify_file(right, path, verify)


def test_a_web_page_instead_of_a_model_is_refused(server, tmp_path):
    server.content = b"<!DOCTYPE html><html>please sign in</html>"
    with pytest.raises(DownloadError, match="web page"):
        download(entry(server.url, sha256=None, kind="gpen", size=16), tmp_path, verify=verify)
    assert names(tmp_path) == []
