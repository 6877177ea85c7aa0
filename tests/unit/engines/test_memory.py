"""What engines say a call takes, against what it takes on a GPU: tensors without memory, so on any machine."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from gpu_harness.fake_cuda import FakeCuda, StorageCounter

from gpen_core.engines import PlainEngine
from gpen_core.model import Gpen, GpenConfig

PUBLISHED = {
    256: GpenConfig.published(256, channel_multiplier=1, narrow=0.5),
    **{size: GpenConfig.published(size) for size in (512, 1024, 2048)},
}
OTHERS = {
    "bundled": GpenConfig(256, 256, (128, 128, 128, 128, 96, 64, 32), 128, 2),
    "adds": GpenConfig.published(256, concatenate=False),
    "enlarges": GpenConfig.published(256, output_size=512),
    "resnet": GpenConfig.resnet(256),
    "mixed": GpenConfig(256, 256, (64,) * 7, 128, 2, injection="adain", upsampling="nearest"),
}
DTYPES = (torch.float32, torch.float16, torch.bfloat16)
GIB, MIB = 2**30, 2**20
# One face, float32, on an NVIDIA H100 (torch 2.11, CUDA 13.0): torch.cuda.max_memory_allocated beside the weights. Half of it
# in half precision.
ON_A_CARD = {256: 57 * MIB, 512: 452 * MIB, 1024: 911 * MIB, 2048: 1852 * MIB}


def counted(module, counter, batch, dtype, device):
    """A call under ``counter``, to which the weights count for nothing."""
    network, size = PlainEngine().bind(module), module.config.input_size
    counter.leave_out(*module.parameters(), *module.buffers())
    with counter, torch.inference_mode():
        restored = network(torch.empty(batch, 3, size, size, dtype=dtype, device=device))
    assert restored.device.type == device and restored.dtype == dtype
    return counter


@cache
def peak_of(config, batch, dtype):
    """The most bytes that a call holds beside the weights."""
    with torch.device("meta"):
        module = Gpen(config).requires_grad_(False).eval().to(dtype)
    return counted(module, StorageCounter("meta"), batch, dtype, "meta").peak


CONFIGS = pytest.mark.parametrize(
    "config", [*PUBLISHED.values(), *OTHERS.values()], ids=[*map(str, PUBLISHED), *OTHERS]
)


@CONFIGS
@pytest.mark.parametrize("batch", [1, 4])
def test_reserved_bytes_are_between_the_peak_and_15_percent_more(config, batch):
    for dtype in DTYPES:
        assert 1.0 <= PlainEngine().working_bytes(config, batch, dtype) / peak_of(config, batch, dtype) <= 1.15, dtype


@CONFIGS
def test_on_a_gpu_a_call_takes_what_is_counted_and_the_host_never_waits(config):
    expected = peak_of(config, 4, torch.float16)
    with FakeCuda() as gpu:
        module = gpu.module(lambda: Gpen(config), torch.float16)
        counter = counted(module, gpu.counting(), 4, torch.float16, "cuda")
    assert counter.peak == expected and counter.waits == []


@pytest.mark.parametrize("size", ON_A_CARD)
def test_what_is_counted_and_reserved_is_what_a_card_was_seen_to_take(size):
    for dtype in DTYPES:
        taken = ON_A_CARD[size] * dtype.itemsize / 4
        assert peak_of(PUBLISHED[size], 1, dtype) == pytest.approx(taken, rel=0.01)
        assert 1.0 <= PlainEngine().working_bytes(PUBLISHED[size], 1, dtype) / taken <= 1.15


@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 1.9), (torch.float16, 1.0), (torch.bfloat16, 1.0)])
def test_a_face_of_2048_px_fits_small_gpus(dtype, most):
    assert peak_of(PUBLISHED[2048], 1, dtype) <= most * GIB


def test_a_batch_is_no_larger_than_its_budget_and_never_empty():
    engine, config = PlainEngine(), PUBLISHED[512]
    wanted = engine.faces_at_once(config, torch.float32)
    for mib in (1, 300, 700, 1 << 20):
        faces = engine.faces_at_once(config, torch.float32, mib << 20)
        assert 1 <= faces <= wanted
        assert faces == 1 or engine.working_bytes(config, faces, torch.float32) <= mib << 20
        assert faces == wanted or engine.working_bytes(config, faces + 1, torch.float32) > mib << 20
