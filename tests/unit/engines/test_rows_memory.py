"""What the rows engine says a call takes, against the live tensors of one: they have no memory, so of any size in seconds."""

from __future__ import annotations

import pytest
import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gpen_core.engines.rows import FastGpen, working_bytes
from gpen_core.engines.rows.workers import Team
from gpen_core.model import Gpen, GpenConfig

SIZES = {
    256: GpenConfig.published(256, channel_multiplier=1, narrow=0.5),
    512: GpenConfig.published(512),
    1024: GpenConfig.published(1024),
    "bundled": GpenConfig(256, 256, (128, 128, 128, 128, 96, 64, 32), 128, 2),
    "adds": GpenConfig.published(256, concatenate=False),
}


class LiveBytes(TorchDispatchMode):
    """Counts those of storages that operators make. Thousands of operators run: it looks for what is gone only where there
    could be a new peak."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = self.most = 0
        self.live: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self.note(tensor.untyped_storage())
        if self.most > self.peak:
            self.live = {key: entry for key, entry in self.live.items() if not entry[0].expired()}
            self.most = sum(size for _, size in self.live.values())
            self.peak = max(self.peak, self.most)
        return result

    def note(self, storage: torch.UntypedStorage) -> None:
        there = self.live.get(storage._cdata)
        if there is None or there[0].expired():
            self.live[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
            self.most += storage.nbytes()


def peak_of(config: GpenConfig, batch: int) -> int:
    """Of a call that works out what follows from the weights, too."""
    with torch.device("meta"), torch.inference_mode():
        network, counter = Gpen(config).requires_grad_(False).eval(), LiveBytes()
        of_weights = sum(value.nbytes for value in (*network.parameters(), *network.buffers()))
        for value in (*network.parameters(), *network.buffers()):
            counter.note(value.untyped_storage())
        with counter:
            shape = batch, 3, config.input_size, config.input_size
            pictures = torch.empty(shape, memory_format=torch.channels_last)
            FastGpen(network)._forward(pictures, None, Team())
    return counter.peak - of_weights


@pytest.fixture(autouse=True)
def weights_without_an_address(monkeypatch):
    monkeypatch.setattr("gpen_core.engines.rows.network._stamp", lambda network: [])


@pytest.mark.parametrize(("size", "batch"), [*((size, 1) for size in SIZES), (256, 4), (512, 4)])
def test_reserved_bytes_are_between_the_peak_and_15_percent_more(size, batch):
    ratio = working_bytes(SIZES[size], batch, 4) / peak_of(SIZES[size], batch)
    assert 1.0 <= ratio <= 1.15
