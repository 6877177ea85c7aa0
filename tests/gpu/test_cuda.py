"""On a real GPU: parity with the CPU, and what is reserved against what is taken. Skipped, with the reason, elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gpen_core.checkpoints import load_checkpoint
from gpen_core.checkpoints.model import GpenModel
from gpen_core.cli import main
from gpen_core.engines import PlainEngine
from gpen_core.lab.benchmark.subjects import random_crops, random_network, shape_of
from gpen_core.tasks import TASKS
from gpen_core.weights.find import bundled_file

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(
        not torch.cuda.is_available(), reason="no CUDA GPU here: parity and memory were not checked on one"
    ),
]
HERE = Path(__file__).resolve().parent
SIZES = (256, 512, 1024, 2048)
# Random weights through the published depth, on an H100. Its convolutions in float32 are TF32's, as torch has it by default;
# half precision is bounded by what was seen, doubled.
LARGEST_ERROR = {torch.float32: 3e-3, torch.bfloat16: 0.05, torch.float16: 0.006}
MEAN_ERROR = {torch.float32: 5e-4, torch.bfloat16: 0.008, torch.float16: 0.0012}
EXACT = 5e-5  # float32 without TF32


@pytest.fixture(scope="module", params=SIZES)
def pair(request):
    """A network with random weights on the CPU, and crops with what it makes of them."""
    network = random_network(shape_of(request.param))
    crops = random_crops(request.param, 1)
    model = GpenModel(network.config, network, TASKS["restoration"], f"{request.param} px")
    return model, crops, model(crops)


@pytest.mark.parametrize("dtype", LARGEST_ERROR, ids=str)
def test_a_gpu_restores_what_the_cpu_does_within_what_was_reserved(pair, dtype):
    model, crops, expected = pair
    module = random_network(model.config).to("cuda", dtype)
    there = GpenModel(model.config, module, model.task, model.name, PlainEngine("cuda"))
    there(crops)  # cuDNN chooses its algorithms
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    restored = there(crops).cpu()
    taken = torch.cuda.max_memory_allocated() - before
    error = (restored - expected).abs()
    print(f"{model.name}, {dtype}: largest error {error.max():.2g}, mean {error.mean():.2g}")
    assert error.max() <= LARGEST_ERROR[dtype] and error.mean() <= MEAN_ERROR[dtype]
    reserved = there.engine.working_bytes(model.config, 1, dtype)
    print(f"{model.name}, {dtype}: taken {taken >> 20} MiB, reserved {reserved >> 20} MiB")
    assert taken <= reserved <= 1.15 * taken


def test_without_tf32_a_gpu_restores_exactly_what_the_cpu_does(pair, monkeypatch):
    model, crops, expected = pair
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    module = random_network(model.config).to("cuda")
    error = (GpenModel(model.config, module, model.task, model.name)(crops).cpu() - expected).abs()
    print(f"{model.name}, float32 without TF32: largest error {error.max():.2g}, mean {error.mean():.2g}")
    assert error.max() <= EXACT


def test_loading_for_a_gpu_chooses_its_engine_and_puts_the_weights_there():
    model = load_checkpoint(bundled_file(), device="cuda", dtype=torch.float16)
    assert model.engine == PlainEngine("cuda") and model.device.type == "cuda"
    assert torch.isfinite(model(random_crops(256, 3))).all()


def test_the_whole_job_runs_on_a_gpu(portrait, tmp_path):
    target = tmp_path / "restored.png"
    assert main(["restore", str(portrait), "-o", str(target), "--device", "cuda", "--model", str(bundled_file())]) == 0
    assert target.is_file()


@pytest.fixture(scope="module")
def host() -> Path:
    """ComfyUI's sources, where the host's tests have fetched them."""
    found = sorted(HERE.parents[1].glob(".cache/hosts/*/comfy/model_management.py"))
    if not found:
        pytest.skip("ComfyUI's sources are not under .cache/hosts: its memory manager was not checked")
    return found[-1].parents[1]


@pytest.mark.parametrize("options", [[], ["--novram"]], ids=["as it starts", "--novram"])
def test_the_hosts_memory_manager_moves_a_network_and_leaves_its_results_as_they_were(host, options):
    command = [sys.executable, str(HERE / "host_memory.py"), str(host), *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout.splitlines()[-1])
    print(*options, seen)
    assert seen["first"] == seen["again"] == ["cuda"]
    assert seen["after another"] == ["cpu"], "a network that isn't running made no room"
    assert seen["difference"] <= LARGEST_ERROR[torch.float32]  # cuDNN may choose another algorithm the second time
