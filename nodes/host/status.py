"""What a node says below itself once it has run; ``web/js/status_line.js`` shows it.

ComfyUI's own text on a node (``send_progress_text``) is not used: newer pages take it away as soon as the run ends.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from .memory import Managed

KEY = "gpen_status"


class NodeStatus:
    """Gathers what is to be said during one run of a node, and counts its seconds."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._said: list[str] = []

    def say(self, sentence: str) -> None:
        """Add a sentence; the same one is said once."""
        if sentence not in self._said:
            self._said.append(sentence)

    def ui(self, text: str, networks: Mapping[str, Managed] | None = None) -> dict[str, list[str]]:
        """A node's ``ui`` result.

        Args:
            text: What the run came to.
            networks: Those that ran, by name: which device each was on is said.
        """
        seconds = time.perf_counter() - self._started
        used = [f"{name} on {network.patcher.load_device}" for name, network in (networks or {}).items()]
        said = [sentence for sentence in self._said if sentence not in text]
        return {KEY: [" ".join([text, *said, f"{', '.join([*used, f'{seconds:.1f} s'])}."])]}
