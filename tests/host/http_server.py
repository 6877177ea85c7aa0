"""Real ComfyUI, main.py and all, over HTTP."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from .base_dir import BaseDir
from .host_process import HostError, Prompt, host_environment, host_options, log_tail

START_TIMEOUT_S = 180
POLL_S = 0.1


class HttpServer:
    """A ComfyUI server process on a free port, and the few requests that tests make of it."""

    def __init__(
        self, host_dir: Path, base: BaseDir, options: list[str] | None = None, front_end_root: Path | None = None
    ) -> None:
        """`front_end_root`: an unpacked web page (its `static` folder); without it an empty one, enough for the API."""
        self.base = base
        self.log = base.root / "server.log"
        self.url = f"http://127.0.0.1:{_free_port()}"
        self._host_dir, self._options = host_dir, host_options() if options is None else options
        self._front_end_root = front_end_root or base.root / "no_front_end"
        self._process: subprocess.Popen[bytes] | None = None
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy

    def start(self) -> None:
        """Start main.py and wait until it answers."""
        self._front_end_root.mkdir(exist_ok=True)
        port = self.url.rpartition(":")[2]
        command = [sys.executable, "main.py", "--listen", "127.0.0.1", "--port", port, "--disable-api-nodes"]
        command += ["--base-directory", str(self.base.root), "--database-url", "sqlite:///:memory:"]
        command += ["--front-end-root", str(self._front_end_root), *self._options]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._host_dir,
                env=host_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait(self._answers, START_TIMEOUT_S, "start")

    def close(self) -> None:
        """End the process, by force if it must be."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def get(self, path: str, **query: str) -> bytes:
        """The body of a GET."""
        return self._open(f"{path}?{urllib.parse.urlencode(query)}" if query else path)

    def get_json(self, path: str, **query: str) -> Any:
        """The JSON of a GET."""
        return json.loads(self.get(path, **query))

    def post_json(self, path: str, body: Any) -> Any:
        """The JSON answer to a JSON POST; None where the answer is empty."""
        answer = self._open(path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        return json.loads(answer) if answer else None

    def object_info(self, node_id: str) -> dict:
        """The node's schema."""
        return self.get_json(f"/object_info/{node_id}")[node_id]

    def upload_image(self, path: Path) -> str:
        """Upload as the page does; the name that LoadImage takes."""
        boundary = uuid.uuid4().hex
        head = f'Content-Disposition: form-data; name="image"; filename="{path.name}"\r\n'
        head += "Content-Type: application/octet-stream\r\n\r\n"
        body = f"--{boundary}\r\n{head}".encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return json.loads(self._open("/upload/image", body, kind))["name"]

    def queue(self, prompt: Prompt) -> str:
        """Queue a prompt; its id. A refused prompt raises HostError with the server's node errors."""
        return self.post_json("/prompt", {"prompt": prompt, "client_id": "tests"})["prompt_id"]

    def history(self, prompt_id: str, timeout_s: float = 120) -> dict:
        """A prompt's history entry once it has ended: {outputs, status: {status_str, completed, messages}, …}."""
        return self._wait(lambda: self.get_json(f"/history/{prompt_id}").get(prompt_id), timeout_s, "run a prompt")

    def run(self, prompt: Prompt, timeout_s: float = 120) -> dict:
        """Queue and wait: the history entry."""
        return self.history(self.queue(prompt), timeout_s)

    def view(self, entry: dict) -> bytes:
        """The file behind an output entry, e.g. `history["outputs"]["3"]["images"][0]`."""
        return self.get("/view", **{key: entry.get(key, "") for key in ("filename", "subfolder", "type")})

    def interrupt(self) -> None:
        """Cancel what runs."""
        self.post_json("/interrupt", {})

    def _open(self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        request = urllib.request.Request(self.url + path, data=body, headers=headers or {})
        try:
            with self._opener.open(request, timeout=30) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            raise HostError(f"{path}: {error.code} {error.read().decode(errors='replace')}") from error

    def _answers(self) -> bool:
        try:
            return bool(self.get_json("/system_stats"))
        except OSError:
            return False

    def _wait(self, poll: Any, timeout_s: float, aim: str) -> Any:
        """What `poll` gives once it gives something; HostError with the log's end if it never does."""
        assert self._process is not None
        deadline = time.monotonic() + timeout_s
        while self._process.poll() is None and time.monotonic() < deadline:
            if found := poll():
                return found
            time.sleep(POLL_S)
        state = "too slow" if self._process.poll() is None else f"ended with {self._process.returncode}"
        raise HostError(f"the server did not {aim}: {state}. Its log ends:\n{log_tail(self.log)}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
