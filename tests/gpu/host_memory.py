"""ComfyUI's memory manager with a network of ours on a GPU, in a process of its own: its modules have global state.

    python tests/gpu/host_memory.py HOST_DIR [ComfyUI's options…]

Prints one line of JSON: where the weights were after each step, and how far the faces are from those restored before.
"""

from __future__ import annotations

import importlib
import json
import sys
import types
from pathlib import Path

import torch

PACK = Path(__file__).resolve().parents[2]
SIZE = 512


def _pack(name: str) -> types.ModuleType:
    """A module of this pack, as one of the package "pack"."""
    return importlib.import_module(f"pack.{name}")


def _make_packages() -> None:
    """Without their ``__init__``: the nodes would need the whole host."""
    for name, folder in (("pack", PACK), ("pack.nodes", PACK / "nodes"), ("pack.nodes.host", PACK / "nodes" / "host")):
        module = types.ModuleType(name)
        module.__path__ = [str(folder)]
        sys.modules[name] = module


def main() -> None:
    """Load, restore, make room for something large, restore again."""
    sys.path.insert(0, sys.argv.pop(1))
    importlib.import_module("comfy.options").enable_args_parsing()
    _make_packages()
    memory, subjects = _pack("nodes.host.memory"), _pack("gpen_core.lab.benchmark.subjects")
    model_management = importlib.import_module("comfy.model_management")

    network = subjects.random_network(subjects.shape_of(SIZE))
    managed = memory.Managed(network)
    device = managed.patcher.load_device
    engine = _pack("gpen_core.engines").engine_for(network.config, device, torch.float32)
    model = _pack("gpen_core.checkpoints.model").GpenModel(
        network.config, network, _pack("gpen_core.tasks").TASKS["restoration"], "random weights", engine
    )
    crops = subjects.random_crops(SIZE, 1)
    seen = {"device": str(device)}

    def restored(step: str) -> torch.Tensor:
        managed.to_device(engine.working_bytes(network.config, 1, torch.float32))
        seen[step] = places()
        return model(crops).cpu()

    def places() -> list[str]:
        return sorted({weight.device.type for weight in network.parameters()})

    first = restored("first")
    other = memory.Managed(torch.nn.Linear(8, 8))
    other.to_device(model_management.get_total_memory(device))  # more than is free: the network has to go
    seen["after another"] = places()
    seen["difference"] = (restored("again") - first).abs().max().item()
    sys.stdout.write(json.dumps(seen) + "\n")


if __name__ == "__main__":
    main()
