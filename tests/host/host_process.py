"""The tests' side of run_in_process.py: start a ComfyUI process, ask it things, keep its log."""

import contextlib
import json
import os
import queue
import shlex
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .base_dir import BaseDir

SCRIPT = Path(__file__).with_name("run_in_process.py")
START_TIMEOUT_S = 180
Prompt = dict[str, dict[str, Any]]


class HostError(Exception):
    """The host process failed at a command, died, or did not answer."""


@dataclass(frozen=True)
class PackReport:
    """What loading a custom node pack did."""

    loaded: bool
    node_ids: list[str]
    import_ms: float
    new_modules: list[str]  # every module name its import added to sys.modules
    warnings: list[str]
    traceback: str | None


@dataclass(frozen=True)
class RunResult:
    """What a prompt came to: "success", "error", "interrupted", or "invalid" (refused before anything ran)."""

    status: str
    seconds: float
    validation_error: dict | None
    node_errors: dict[str, dict]  # by node id; may be there for one output while another ran
    executed: list[str] = field(default_factory=list)  # in order
    cached: list[str] = field(default_factory=list)
    outputs: dict[str, dict] = field(default_factory=dict)  # each node's `ui`
    error: dict | None = None  # node_id, exception_type, exception_message, traceback …
    progress: list[dict] = field(default_factory=list)  # {node, value, max}
    previews: list[dict] = field(default_factory=list)  # {format, size, max_size}
    texts: list[dict] = field(default_factory=list)  # {node, text}, shown below nodes while they run
    warnings: list[str] = field(default_factory=list)  # logged while it ran


def host_options() -> list[str]:
    """ComfyUI's options for every host; GPEN_HOST_ARGS replaces them, e.g. with nothing where there is a GPU."""
    return shlex.split(os.environ.get("GPEN_HOST_ARGS", "--cpu"))


def host_environment() -> dict[str, str]:
    """This environment, without what would put other modules before ComfyUI's."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONSAFEPATH")}


def log_tail(log: Path, lines: int = 40) -> str:
    """The end of a host's log, for failure messages."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


class HostProcess:
    """One ComfyUI, kept alive over many tests. Dead ones are started anew by `ensure_alive`."""

    def __init__(self, host_dir: Path, base: BaseDir, options: list[str] | None = None) -> None:
        self.base = base
        self.log = base.root / "host.log"
        options = host_options() if options is None else options
        self._command = [sys.executable, str(SCRIPT), str(host_dir), str(base.root), *options]
        self._process: subprocess.Popen[str] | None = None
        self._start_failure: HostError | None = None
        self.versions: dict[str, str] = {}

    def ensure_alive(self) -> None:
        """Start, unless running. A start that failed once is not tried again: each try takes seconds."""
        if self._start_failure is not None:
            raise self._start_failure
        if self._process is not None and self._process.poll() is None:
            return
        self._launch()
        try:
            self.versions = self._reply("start", START_TIMEOUT_S)
        except HostError as error:
            self._start_failure = error
            raise

    def load_pack(self, path: Path) -> PackReport:
        """Load a pack once per process; later calls answer with the first report."""
        if path not in self._packs:
            self._packs[path] = PackReport(**self.ask("load_pack", path=str(path)))
        return self._packs[path]

    def load_extra(self, name: str) -> dict:
        """Load one of ComfyUI's own comfy_extras files, e.g. "nodes_mask"."""
        return self.ask("load_extra", name=name)

    def object_info(self, node_id: str) -> dict:
        """The node's schema, as GET /object_info gives it."""
        return self.ask("object_info", node_id=node_id)

    def run(self, prompt: Prompt, timeout_s: float = 120) -> RunResult:
        """Validate and execute a prompt (API format)."""
        return RunResult(**self.ask("run", timeout_s, prompt=prompt))

    def run_and_cancel(self, prompt: Prompt, after: int = 1, timeout_s: float = 120) -> RunResult:
        """Run, and interrupt as the user's Cancel does, right after the `after`-th progress message."""
        return RunResult(**self.ask("run", timeout_s, prompt=prompt, cancel_after=after))

    def loaded_models(self) -> list[dict]:
        """patcher, model (class names), load_device, weight_devices, on_load_device, bytes, loaded_bytes of each."""
        return self.ask("loaded_models")

    def modules(self, *names: str) -> list[str]:
        """Those of `names` that the process has imported."""
        return self.ask("modules", names=names)

    def folder(self, name: str) -> dict:
        """A model folder's paths, extensions and files, as ComfyUI knows them."""
        return self.ask("folder", name=name)

    def reset(self) -> None:
        """Forget cached results, unload models."""
        self.ask("reset")

    def ask(self, command: str, timeout_s: float = 60, **arguments: Any) -> Any:
        """Send one command; its result, or HostError with the traceback."""
        assert self._process is not None and self._process.stdin is not None, "not started"
        try:
            self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise HostError(f"{command}: the host process is dead. Its log ends:\n{log_tail(self.log)}") from error
        return self._reply(command, timeout_s)

    def close(self) -> None:
        """End the process: it leaves by itself when its input closes."""
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._end_by_force()

    def _launch(self) -> None:
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
                env=host_environment(),
            )
        self._packs: dict[Path, PackReport] = {}
        self._replies: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, args=(self._process, self._replies), daemon=True).start()

    @staticmethod
    def _read(process: "subprocess.Popen[str]", replies: "queue.Queue[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            replies.put(line)
        replies.put("")  # the end: the process is gone

    def _reply(self, command: str, timeout_s: float) -> Any:
        try:
            line, problem = self._replies.get(timeout=timeout_s), "the host process died"
        except queue.Empty:
            line, problem = "", f"no answer in {timeout_s} s"
        if not line:
            self._end_by_force()  # an answer that came later would be taken for another command's
            raise HostError(f"{command}: {problem}. Its log ends:\n{log_tail(self.log)}")
        message = json.loads(line)
        if "failed" in message:
            raise HostError(f"{command}: {message['failed']}")
        return message["ok"]

    def _end_by_force(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
