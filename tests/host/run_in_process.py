"""ComfyUI without its web server, driven by JSON lines.

To be run in a process of its own: ComfyUI's modules have global state and common names (`nodes`, `server`, `utils`).

    python run_in_process.py HOST_DIR BASE_DIR [ComfyUI's options…]

Requests come on stdin, one JSON object a line, `{"command": name, …arguments}`; each is answered by one line
`{"ok": result}` or `{"failed": traceback}`. ComfyUI prints as it likes: its stdout is sent to stderr first.
"""

import asyncio
import gc
import io
import json
import logging
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

CLIENT_ID = "tests"  # ComfyUI sends progress only to a client

UNENCODED_PREVIEW_IMAGE = 2  # protocol.BinaryEventTypes, a plain number


def claim_protocol_stream() -> TextIO:
    """The real stdout, for replies alone: descriptor 1 becomes stderr."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return replies


class EventRecorder:
    """Stands where ComfyUI's PromptServer would: keeps what it would send, and can interrupt as a user would."""

    def __init__(self) -> None:
        from aiohttp.web import RouteTableDef
        from app.node_replace_manager import NodeReplaceManager

        self.routes = RouteTableDef()  # packs may add to these two when they load
        self.node_replace_manager = NodeReplaceManager()
        self.client_id: str | None = CLIENT_ID
        self.last_node_id: str | None = None
        self.last_prompt_id: str | None = None
        self.sockets_metadata: dict[str, Any] = {}
        self.begin(None)

    def begin(self, cancel_after: int | None) -> None:
        """Forget the last run; interrupt this one after that many progress messages."""
        self.cancel_after = cancel_after
        self.started: list[str] = []
        self.progress: list[dict[str, Any]] = []
        self.previews: list[dict[str, Any]] = []
        self.texts: list[dict[str, str]] = []

    def send_sync(self, event: Any, data: Any, sid: str | None = None) -> None:
        if event == "executing" and data["node"] is not None and data["node"] not in self.started:
            self.started.append(data["node"])
        elif event == "progress":
            self.progress.append({key: data[key] for key in ("node", "value", "max")})
            if len(self.progress) == self.cancel_after:
                import nodes

                nodes.interrupt_processing()
        elif event == UNENCODED_PREVIEW_IMAGE:
            image_format, image, max_size = data
            self.previews.append({"format": image_format, "size": list(image.size), "max_size": max_size})

    def send_progress_text(self, text: str, node_id: str, sid: str | None = None) -> None:
        self.texts.append({"node": node_id, "text": text})


class WarningCollector(logging.Handler):
    """Keeps warnings and errors; load_custom_node swallows a pack's exceptions and only logs them."""

    def __init__(self) -> None:
        super().__init__(level=logging.WARNING)
        self.messages: list[str] = []
        self.traceback: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
        if sys.exc_info()[0] is not None:
            self.traceback = traceback.format_exc()

    def __enter__(self) -> "WarningCollector":
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *exc_info: object) -> None:
        logging.getLogger().removeHandler(self)


class Host:
    """The commands: each method without an underscore answers the request of its name."""

    def __init__(self) -> None:
        import comfy.utils
        import execution
        import main  # main.py's own start, short of the server: paths, logging, then the progress hook
        import server

        import nodes

        self._execution, self._nodes = execution, nodes
        self._events = EventRecorder()
        server.PromptServer.instance = self._events
        main.hijack_progress(self._events)
        comfy.utils.PROGRESS_THROTTLE_MIN_INTERVAL = 0  # every step reports: runs are the same on any machine
        comfy.utils.PROGRESS_THROTTLE_MIN_PERCENT = 0
        asyncio.run(nodes.init_public_apis())
        self._runs = 0
        self._executor = execution.PromptExecutor(
            self._events,
            cache_type=execution.CacheType.CLASSIC,
            cache_args={"lru": 0, "ram": 0, "ram_inactive": 0},  # 0.18.2 reads the first two
        )

    def versions(self) -> dict[str, str]:
        import comfyui_version
        import torch

        return {"comfyui": comfyui_version.__version__, "torch": torch.__version__}

    def load_pack(self, path: str) -> dict[str, Any]:
        """Import a pack as ComfyUI does at start. `new_modules`: every module its import brought in."""
        known_nodes, known_modules = set(self._nodes.NODE_CLASS_MAPPINGS), set(sys.modules)
        begun = time.perf_counter()
        with WarningCollector() as log:
            loaded = asyncio.run(self._nodes.load_custom_node(path, known_nodes, module_parent="custom_nodes"))
        return {
            "loaded": loaded,
            "node_ids": sorted(self._ids_of(path)),
            "import_ms": (time.perf_counter() - begun) * 1000,
            "new_modules": sorted(set(sys.modules) - known_modules),
            "warnings": log.messages,
            "traceback": log.traceback,
        }

    def load_extra(self, name: str) -> dict[str, Any]:
        """One of ComfyUI's own node files, e.g. "nodes_mask": the core knows only those of nodes.py without it."""
        path = Path(self._nodes.__file__).with_name("comfy_extras") / f"{name}.py"
        known_nodes = set(self._nodes.NODE_CLASS_MAPPINGS)
        loaded = asyncio.run(self._nodes.load_custom_node(str(path), module_parent="comfy_extras"))
        return {"loaded": loaded, "node_ids": sorted(set(self._nodes.NODE_CLASS_MAPPINGS) - known_nodes)}

    def object_info(self, node_id: str) -> dict[str, Any]:
        """As GET /object_info/<node_id> answers; for V1 nodes only inputs and outputs."""
        node = self._nodes.NODE_CLASS_MAPPINGS[node_id]
        if hasattr(node, "GET_NODE_INFO_V1"):
            return node.GET_NODE_INFO_V1()
        return {"name": node_id, "input": node.INPUT_TYPES(), "output": node.RETURN_TYPES}

    def run(self, prompt: dict[str, Any], cancel_after: int | None = None) -> dict[str, Any]:
        """Validate and execute a prompt in API format, the cache of the runs before it at work."""
        self._runs += 1
        prompt_id = f"run-{self._runs}"
        begun = time.perf_counter()
        valid, error, output_ids, node_errors = asyncio.run(self._execution.validate_prompt(prompt_id, prompt, None))
        report = {"status": "invalid", "validation_error": error, "node_errors": node_errors}
        if valid:
            report |= self._execute(prompt, prompt_id, output_ids, cancel_after)
        return report | {"seconds": time.perf_counter() - begun}

    def loaded_models(self) -> list[dict[str, Any]]:
        """What ComfyUI's memory manager holds as loaded, and where its weights really are."""
        import comfy.model_management

        held = ((entry, entry.model) for entry in comfy.model_management.current_loaded_models)
        return [_describe_patcher(entry, patcher) for entry, patcher in held if patcher is not None]

    def modules(self, names: list[str]) -> list[str]:
        """Those of `names` that are imported."""
        return [name for name in names if name in sys.modules]

    def folder(self, name: str) -> dict[str, Any]:
        """A model folder as ComfyUI knows it: paths, extensions, and the files it offers."""
        import folder_paths

        paths, extensions = folder_paths.folder_names_and_paths[name]
        return {"paths": paths, "extensions": sorted(extensions), "files": folder_paths.get_filename_list(name)}

    def reset(self) -> None:
        """Forget cached results and unload models, as the "unload models and execution cache" button does."""
        import comfy.model_management

        comfy.model_management.unload_all_models()
        self._executor.reset()
        gc.collect()
        comfy.model_management.soft_empty_cache()

    def _ids_of(self, path: str) -> list[str]:
        module = f"custom_nodes.{self._nodes.get_module_name(path)}"
        registered = self._nodes.NODE_CLASS_MAPPINGS.items()
        return [node_id for node_id, node in registered if getattr(node, "RELATIVE_PYTHON_MODULE", None) == module]

    def _execute(
        self, prompt: dict[str, Any], prompt_id: str, output_ids: list[str], cancel_after: int | None
    ) -> dict[str, Any]:
        self._events.begin(cancel_after)
        self._events.last_prompt_id = prompt_id
        self._executor.history_result = {"outputs": {}}
        with WarningCollector() as log:
            self._executor.execute(prompt, prompt_id, {"client_id": CLIENT_ID}, output_ids)
        messages = dict(self._executor.status_messages)  # one of each kind a run
        return {
            "status": _status(messages),
            "executed": self._events.started,
            "cached": messages.get("execution_cached", {}).get("nodes", []),
            "outputs": self._executor.history_result["outputs"],
            "error": messages.get("execution_error") or messages.get("execution_interrupted"),
            "progress": self._events.progress,
            "previews": self._events.previews,
            "texts": self._events.texts,
            "warnings": log.messages,
        }


def _status(messages: dict[str, Any]) -> str:
    for status in ("error", "interrupted", "success"):
        if f"execution_{status}" in messages:
            return status
    raise RuntimeError(f"the run ended without a word: {list(messages)}")


def _describe_patcher(entry: Any, patcher: Any) -> dict[str, Any]:
    from itertools import chain

    weights = chain(patcher.model.parameters(), patcher.model.buffers())
    devices = {str(tensor.device) for tensor in weights}
    return {
        "patcher": type(patcher).__name__,
        "model": type(patcher.model).__name__,
        "load_device": str(patcher.load_device),
        "offload_device": str(patcher.offload_device),
        "weight_devices": sorted(devices),
        "on_load_device": devices <= {str(patcher.load_device), f"{patcher.load_device}:0"},
        "bytes": patcher.model_size(),
        "loaded_bytes": entry.model_loaded_memory(),
    }


def answer(host: Host, request: dict[str, Any]) -> dict[str, Any]:
    """One reply to one request; an exception is the reply, not the end."""
    try:
        command = request.pop("command")
        if command.startswith("_"):
            raise ValueError(f"no command {command!r}")
        return {"ok": getattr(host, command)(**request)}
    except Exception:
        return {"failed": traceback.format_exc()}


def main() -> None:
    replies = claim_protocol_stream()
    requests, sys.stdin = sys.stdin, io.StringIO()  # nobody else may read the protocol
    host_dir, base_dir, *options = sys.argv[1:]
    sys.path[0] = host_dir  # instead of this script's folder
    sys.argv = ["main.py", "--base-directory", base_dir, "--database-url", "sqlite:///:memory:", *options]
    import comfy.options

    comfy.options.enable_args_parsing()
    import utils.extra_config  # noqa: F401  before `nodes`: custom nodes shadow `utils` later

    host = Host()

    def reply(message: dict[str, Any]) -> None:
        replies.write(json.dumps(message, default=repr) + "\n")
        replies.flush()

    reply({"ok": host.versions()})
    for line in requests:
        request = json.loads(line)
        if request["command"] == "quit":
            break
        reply(answer(host, request))


if __name__ == "__main__":
    main()
