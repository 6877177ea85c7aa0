"""Pictures and tiny real models that every machine can make."""

import pytest
import torch
from hypothesis import settings

from gpen_core.checkpoints import TASKS
from gpen_core.checkpoints.load import GpenModel
from gpen_core.model import Gpen, GpenConfig
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
def tiny_model():
    """A real network of 32 px with random weights: right in shape, fast, and changing every pixel."""
    torch.manual_seed(0)
    config = GpenConfig(32, 32, (4, 4, 4, 4), style_dim=8, mapping_layers=1)
    return GpenModel(config, Gpen(config).requires_grad_(False).eval(), TASKS["restoration"], "tiny")
