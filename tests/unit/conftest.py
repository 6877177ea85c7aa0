"""Pictures and tiny real models that every machine can make."""

import pytest
import torch
from hypothesis import settings
from pipeline_harness.known import KnownFaces
from safetensors import safe_open
from unit_harness.forks import Forks

from gpen_core.checkpoints.load import GpenModel
from gpen_core.model import Gpen, GpenConfig
from gpen_core.tasks import TASKS
from gpen_core.types import Face

settings.register_profile("untimed", deadline=None)  # a shared machine is no stopwatch
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def astronaut():
    """[3, 512, 512] RGB in [0, 1]: scikit-image's portrait, whose face is the one `astronaut_face` says."""
    data = pytest.importorskip("skimage.data", reason="scikit-image ships the test portrait: pip install scikit-image")
    return torch.from_numpy(data.astronaut().copy()).movedim(-1, 0).float() / 255


@pytest.fixture(scope="session")
def astronaut_face():
    landmarks = ((201.7, 101.6), (247.0, 103.0), (226.0, 122.0), (206.5, 141.0), (243.0, 142.0))
    return Face((175.0, 64.0, 272.0, 188.0), 0.99, landmarks, (512, 512))


@pytest.fixture(scope="session")
def known(astronaut_face):
    return KnownFaces(astronaut_face)


@pytest.fixture(scope="session")
def forks():
    """``run(code, *arguments, folder=…)``: in a process of its own, in which torch is imported already."""
    made = Forks()
    yield made
    made.close()


@pytest.fixture
def torch_threads():
    """Sets how many threads torch has, until the test ends."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_model():
    """A real network of 32 px with random weights: right in shape, fast, and changing every pixel."""
    torch.manual_seed(0)
    config = GpenConfig(32, 32, (4, 4, 4, 4), style_dim=8, mapping_layers=1)
    return GpenModel(config, Gpen(config).requires_grad_(False).eval(), TASKS["restoration"], "tiny")


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
