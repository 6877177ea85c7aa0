"""What a node says below itself once it has run, and in the log; ``web/js/status_line.js`` shows it.

ComfyUI's own text on a node (``send_progress_text``) is not used: newer pages take it away as soon as the run ends.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Mapping
from typing import Any

from comfy_api.latest import io

from .memory import Managed

KEY = "gpen_status"
NOTICE = "gpen_notice"  # beside it where the line is to catch the eye


def sent_again() -> dict[str, Any]:
    """For the schema of a node that says something: it is sent again where the node's result comes from the host's cache.

    Else a page that was not open when the node ran never hears of it. Older hosts cannot do that.
    """
    known = {field.name for field in dataclasses.fields(io.Schema)}
    return {"has_intermediate_output": True} if "has_intermediate_output" in known else {}


class NodeStatus:
    """Gathers what is to be said during one run of a node, and counts its seconds."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._said: list[str] = []
        self._notice = False

    def say(self, sentence: str) -> None:
        """Add a sentence; the same one is said once."""
        if sentence not in self._said:
            self._said.append(sentence)
            logging.info("GPEN: %s", sentence)

    def warn(self, sentence: str) -> None:
        """Add a sentence that the user has to see: the result may not be what was meant."""
        self._notice = True
        self.say(sentence)

    def ui(
        self, text: str, networks: Mapping[str, Managed] | None = None, *, notice: bool = False
    ) -> dict[str, list[Any]]:
        """A node's ``ui`` result.

        Args:
            text: What the run came to.
            networks: Those that ran, by name: which device each was on is said.
            notice: Whether the text is to catch the eye, as "No face found" does.
        """
        logging.info("GPEN: %s", text)
        seconds = time.perf_counter() - self._started
        used = [f"{name} on {network.patcher.load_device}" for name, network in (networks or {}).items()]
        said = [sentence for sentence in self._said if sentence not in text]
        shown = {KEY: [" ".join([text, *said, f"{', '.join([*used, f'{seconds:.1f} s'])}."])]}
        return shown | ({NOTICE: [True]} if notice or self._notice else {})

    def warnings(self) -> dict[str, list[Any]]:
        """A ``ui`` result for nodes that show what they did in another way: what was warned of, if anything."""
        return {KEY: [" ".join(self._said)], NOTICE: [True]} if self._notice else {}
