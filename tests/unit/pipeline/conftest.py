"""Frames with a known face."""

import pytest
import torch


@pytest.fixture(scope="session")
def frames(astronaut):
    return torch.stack([astronaut, astronaut.flip(2) * 0.9, astronaut])
