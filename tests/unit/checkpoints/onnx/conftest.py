"""Graphs of a small network, as many exporters and simplifiers write it."""

import contextlib
import importlib.util
import io
import sys
import warnings

import pytest
import torch
from torch import nn

from gpen_core.checkpoints import GpenModel
from gpen_core.export import export_onnx
from gpen_core.model import Gpen, GpenConfig
from gpen_core.tasks import TASKS

CONFIG = GpenConfig(16, 16, (5, 4, 3), style_dim=8, mapping_layers=2)


@pytest.fixture(scope="session")
def lively():
    """config → a network of which no weight is 0 or 1, as after training, that yields what is within the range."""
    return _lively


def _lively(config):
    torch.manual_seed(0)
    network = Gpen(config).requires_grad_(False).eval()
    for value in network.state_dict().values():
        if value.dim() == 1:
            value.add_(torch.randn(value.shape), alpha=0.3)
    size = config.input_size
    factor = 0.7 / network(torch.rand(4, 3, size, size) * 2 - 1).abs().amax()
    for rgb in (network.generator.to_rgb1, *network.generator.to_rgbs):
        rgb.conv.weight.mul_(factor)
        rgb.bias.mul_(factor)
    return network


@pytest.fixture(scope="session")
def network():
    """The network that all graphs are of."""
    return _lively(CONFIG)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of this test's own."""
    monkeypatch.setenv("GPEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def naive(repo_root):
    """network → the same arithmetic as everyone's first version has it (benchmarks/naive.py)."""
    spec = importlib.util.spec_from_file_location("naive_network", repo_root / "benchmarks" / "naive.py")
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before  # it makes itself able to run by itself
    return lambda network: module.Naive(network.config, network.state_dict()).eval()


class WithStyle(nn.Module):
    """As the authors' export does: the network's second result is an output, too."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, pictures):
        restored = self.network(pictures)
        return restored, restored.mean((2, 3))


class Bytes(nn.Module):
    """BGR in [0, 255], as OpenCV has it."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, pictures):
        restored = self.network(pictures.flip(1) / 127.5 - 1)
        return ((restored + 1) * 127.5).clamp(0, 255).flip(1)


@pytest.fixture(scope="session")
def recorded():
    """module, path, size → what torch exports of it, for one face."""
    return _recorded


def _recorded(module, path, size, *, dynamo=False, dtype=torch.float32, **options):
    pytest.importorskip("onnxscript", reason="torch exports ONNX files with onnxscript: pip install onnxscript")
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.to(dtype), (torch.rand(1, 3, size, size, dtype=dtype),), str(path), dynamo=dynamo, verbose=False,
            input_names=["input"], output_names=["output"], **options,
        )  # fmt: skip
    return path


@pytest.fixture(scope="session")
def export(tmp_path_factory, network, naive):
    """name → the file that an exporter, or a simplifier after it, wrote of ``network``; made once."""
    onnx = pytest.importorskip("onnx", reason="writing ONNX files needs onnx: pip install onnx")
    folder, made = tmp_path_factory.mktemp("graphs"), {}

    def of(name):
        if name not in made:
            made[name] = _written(name)
        return made[name]

    def _written(name):
        path, (kind, *rest) = folder / f"{name}.onnx", name.split("-")
        if kind == "own":
            model = GpenModel(network.config, network, TASKS["restoration"], "own.pth")
            return export_onnx(model, path, precision=rest[0] if rest else "float32")
        if kind == "torchscript":
            opset, folded = int(rest[0]), rest[1] == "folded"
            return _recorded(WithStyle(naive(network)), path, 16, opset_version=opset, do_constant_folding=folded)
        if kind == "dynamo":
            return _recorded(naive(network), path, 16, dynamo=True, external_data=bool(rest))
        if kind == "bytes":
            return _recorded(Bytes(naive(network)), path, 16, opset_version=17)
        source = of("-".join(rest))
        onnx.save(_changed(kind, source, onnx), path)
        return path

    return of


def _changed(kind, source, onnx):
    if kind == "onnxsim":
        onnxsim = pytest.importorskip("onnxsim", reason="simplifying with onnxsim needs it: pip install onnxsim")
        return onnxsim.simplify(str(source))[0]
    if kind == "onnxslim":
        onnxslim = pytest.importorskip("onnxslim", reason="simplifying with onnxslim needs it: pip install onnxslim")
        return onnxslim.slim(str(source))
    pytest.importorskip("onnxruntime", reason="converting to float16 needs onnxruntime: pip install onnxruntime")
    from onnxruntime.transformers.float16 import convert_float_to_float16

    return convert_float_to_float16(onnx.load(source), keep_io_types=kind == "half")
