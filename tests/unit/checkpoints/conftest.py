"""A tiny real model and the files made of it."""

import pytest
import torch

from gpen_core.model import Gpen, GpenConfig

TINY = GpenConfig(16, 16, (4, 4, 4), style_dim=8, mapping_layers=2)


@pytest.fixture
def state():
    torch.manual_seed(0)
    return Gpen(TINY).state_dict()


@pytest.fixture
def saved(tmp_path):
    """save(content, name) → path"""

    def save(content, name="model.pth", **options):
        torch.save(content, tmp_path / name, **options)
        return tmp_path / name

    return save
