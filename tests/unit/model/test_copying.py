"""A network that begins as a copy of its input."""

from dataclasses import replace

import pytest
import torch

from gpen_core.errors import OptionError
from gpen_core.model import Gpen, GpenConfig
from gpen_core.model.copying import copy_input

CONFIG = GpenConfig(32, 32, (8, 8, 6, 4), 16, 2)


@pytest.fixture
def copying() -> Gpen:
    torch.manual_seed(0)
    network = Gpen(CONFIG)
    copy_input(network)
    return network


def test_it_yields_its_input(copying):
    pictures = torch.rand(4, 3, 32, 32) * 2 - 1
    torch.testing.assert_close(copying(pictures), pictures, rtol=0, atol=2e-6)


def test_every_parameter_learns_from_there(copying):
    optimizer = torch.optim.Adam(copying.parameters(), lr=0.01)
    pictures = torch.rand(2, 3, 32, 32) * 2 - 1
    for _ in range(2):  # the RGB layers open first, then what is behind them
        optimizer.zero_grad()
        (copying(pictures) - pictures.flip(3)).abs().mean().backward()
        optimizer.step()
    assert [name for name, value in copying.named_parameters() if value.grad is None or not value.grad.any()] == []


@pytest.mark.parametrize(
    "config",
    [
        replace(CONFIG, concatenate=False),
        replace(CONFIG, input_size=16),
        replace(CONFIG, channels=(8, 8, 6, 2)),
        GpenConfig.resnet(32, channels=(8, 8, 8), encoder_width=2),
    ],
    ids=["added", "enlarging", "too narrow", "resnet"],
)
def test_networks_without_such_a_way_are_refused(config):
    with pytest.raises(OptionError, match="can begin as a copy"):
        copy_input(Gpen(config))
