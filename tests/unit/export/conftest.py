"""Small networks in which every number counts, and what PyTorch makes of them."""

import pytest
import torch

from gpen_core.checkpoints.load import GpenModel
from gpen_core.model import Gpen, GpenConfig
from gpen_core.tasks import TASKS

pytest.importorskip("onnx", reason="writing ONNX files needs onnx: pip install onnx")


@pytest.fixture(params=["onnxruntime", "openvino"])
def engine(request):
    """Each engine there is."""
    pytest.importorskip(request.param, reason=f"running ONNX files needs {request.param}: pip install {request.param}")
    return request.param


@pytest.fixture(scope="session")
def lively():
    """config[, task] → a model with random weights of which none is 0 or 1, as after training. What it yields is well
    within the range, so that the clamp at the end hides no difference."""
    return _lively


def _lively(config, task="restoration"):
    torch.manual_seed(0)
    network = Gpen(config).requires_grad_(False).eval()
    for name, value in network.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif value.dim() == 1:  # biases, noise weights, batch normalization: 0 or 1 in a fresh network
            value.add_(torch.randn(value.shape), alpha=0.3)
    size = config.input_size
    _fade(network, 0.7 / network(torch.rand(4, 3, size, size) * 2 - 1).abs().amax())
    if TASKS[task].unshifted:
        _fade(network, 0.5)
        network.generator.to_rgbs[-1].bias.add_(0.5)
    return GpenModel(config, network, TASKS[task], "lively.pth")


@pytest.fixture(scope="session")
def fade():
    """network, factor: make what the network yields, about mid gray, ``factor`` times itself."""
    return _fade


@torch.no_grad()
def _fade(network, factor):
    for rgb in (network.generator.to_rgb1, *network.generator.to_rgbs):  # the picture is linear in these
        rgb.conv.weight.mul_(factor)
        rgb.bias.mul_(factor)


@pytest.fixture(scope="session")
def restored():
    """model, crops [N, 3, S, S] in [0, 1] → what the modules' own forward makes of each face by itself, in [0, 1]."""
    return _restored


def _restored(model, crops):
    pictures = crops if model.task.unshifted else crops * 2 - 1
    with torch.no_grad():
        made = torch.cat([model.module(picture) for picture in pictures.split(1)])
    return (made if model.task.unshifted else made.add(1).div(2)).clamp(0, 1)


@pytest.fixture(scope="session")
def small():
    """A model of 16 px, of the published family."""
    return _lively(GpenConfig(16, 16, (4, 5, 6), style_dim=8, mapping_layers=1))
