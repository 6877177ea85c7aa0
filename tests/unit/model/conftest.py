"""What the tests of the network share."""

import pytest
from safetensors import safe_open

from gpen_core.model import Gpen, GpenConfig


@pytest.fixture(scope="session")
def read_golden():
    """path → weights, input, output, and what the file says of itself."""
    return _read


def _read(path):
    with safe_open(path, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        weights = {key.removeprefix("weights/"): value for key, value in tensors.items() if key.startswith("weights/")}
        return weights, tensors["input"], tensors["output"], file.metadata()


def _config_from(numbers):
    return GpenConfig.published(
        int(numbers["input_size"]),
        output_size=int(numbers["output_size"]),
        channel_multiplier=int(numbers["channel_multiplier"]),
        narrow=float(numbers["narrow"]),
        style_dim=int(numbers["style_dim"]),
        mapping_layers=int(numbers["mlp_layers"]),
        concatenate=numbers["concat"] == "True",
    )


@pytest.fixture(scope="session")
def published():
    """A golden file → its network, its input, and what the published code made of it."""

    def opened(path):
        weights, pictures, expected, numbers = _read(path)
        network = Gpen(_config_from(numbers))
        network.load_state_dict(weights, strict=True)
        return network.eval().requires_grad_(False), pictures, expected

    return opened
